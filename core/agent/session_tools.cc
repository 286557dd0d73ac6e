// The tools by which an agent sees and uses sessions: sessions_list, sessions_history,
// sessions_send, sessions_spawn, session_status.
//
// What a caller may see is a tree: its own session and those it has started, unless the
// configuration says more (tools.sessions.visibility). A sandboxed caller never gets more than the
// tree. A child session is never less confined than its parent, and whose child it is stands in its
// key and in the index, which only the gateway writes.
#include <algorithm>
#include <map>

#include "agent/agent_service.h"
#include "agent/agent_settings.h"
#include "agent/conversation.h"
#include "agent/fields.h"
#include "session/session_files.h"
#include "session/session_key.h"

namespace openclaw::agent {
namespace {

constexpr std::size_t kMaxHistoryText = 80'000;
constexpr int kMaxAncestors = 8;

json::object schema(json::object properties, json::array required = {}) {
  json::object out{
      {"type", "object"}, {"properties", std::move(properties)}, {"additionalProperties", false}};
  if (!required.empty()) out["required"] = std::move(required);
  return out;
}

json::object text_property(std::string_view description) {
  return {{"type", "string"}, {"description", description}};
}

json::object number_property(std::string_view description, int min, int max) {
  return {{"type", "integer"}, {"minimum", min}, {"maximum", max}, {"description", description}};
}

tool::ToolResult json_result(json::object details) {
  auto text = session::pretty_json(details);
  return tool::ToolResult::text(std::move(text), std::move(details));
}

struct Rooms {
  AgentService& agents;
  session::SessionStore& sessions;
  config::ConfigStore& config;
};

// People at the gateway see all; an agent sees what its configuration lets it see.
std::string visibility(const tool::ToolCall& call, const config::ConfigStore& config) {
  bool person = call.entry == tool::Entry::kHttp || call.entry == tool::Entry::kRpc ||
                call.entry == tool::Entry::kCli || call.entry == tool::Entry::kCommand;
  if (person && call.caller.is_owner) return "all";
  auto settings = agent_settings(*config.current(), config.paths(), call.caller.agent_id);
  auto level = settings.session_visibility;
  if (level != "self" && (call.caller.sandboxed || call.caller.subagent_depth > 0)) return "tree";
  return level;
}

Awaitable<bool> is_descendant(Rooms rooms, std::string key, std::string ancestor) {
  for (int i = 0; i < kMaxAncestors; ++i) {
    if (key == ancestor) co_return true;
    auto entry = co_await rooms.sessions.entry(key);
    if (entry.has_error() || !entry.value().is_object()) co_return false;
    auto parent = std::string(text_at(entry.value().get_object(), "spawnedBy"));
    if (parent.empty()) co_return false;
    key = parent;
  }
  co_return false;
}

Awaitable<bool> may_see(Rooms rooms, std::string level, std::string key, std::string agent_id,
                        std::string own) {
  if (key == own || level == "all") co_return true;
  if (level == "agent") co_return key.starts_with("agent:" + agent_id + ":");
  if (level == "tree") co_return co_await is_descendant(rooms, key, own);
  co_return false;
}

// The canonical key of a session the caller may use. One that it may not see answers like one that
// is not there.
Awaitable<Result<std::string>> visible_session(Rooms rooms, tool::ToolCall call,
                                               std::string written) {
  if (written.empty() || written == "current") co_return call.caller.session_key;
  auto config = rooms.config.current();
  auto key = session::canonical_key(written, *config, call.caller.agent_id);
  if (key.has_error()) co_return key;
  auto level = visibility(call, rooms.config);
  auto seen =
      co_await may_see(rooms, level, key.value(), call.caller.agent_id, call.caller.session_key);
  if (!seen) {
    co_return make_error(Code::kNotFound,
                         "no session " + key.value() +
                             " that this session may see (tools.sessions.visibility is \"" + level +
                             "\")");
  }
  co_return key;
}

std::string kind_of(std::string_view key) {
  if (key == "global") return "global";
  if (key.find(":group:") != std::string_view::npos ||
      key.find(":channel:") != std::string_view::npos) {
    return "group";
  }
  return "direct";
}

class SessionTool : public tool::Tool {
 public:
  SessionTool(Rooms rooms, tool::ToolSpec spec) : rooms_(rooms), spec_(std::move(spec)) {
    spec_.group = "sessions";
  }
  const tool::ToolSpec& spec() const override { return spec_; }

 protected:
  Rooms rooms_;

 private:
  tool::ToolSpec spec_;
};

tool::ToolSpec make_spec(std::string name, std::string label, std::string description,
                         json::object parameters) {
  tool::ToolSpec spec;
  spec.name = std::move(name);
  spec.label = std::move(label);
  spec.description = std::move(description);
  spec.parameters = std::move(parameters);
  return spec;
}

class ListTool final : public SessionTool {
 public:
  explicit ListTool(Rooms rooms)
      : SessionTool(
            rooms,
            make_spec(
                "sessions_list", "List sessions",
                "List the sessions this one may see, newest first.",
                schema({{"limit", number_property("most rows, default 50", 1, 200)},
                        {"activeMinutes", number_property("only those used since", 1, 525600)},
                        {"kinds", json::object{{"type", "array"},
                                               {"items", json::object{{"type", "string"}}}}}}))) {}

 private:
  Awaitable<Result<tool::ToolResult>> run(tool::ToolCall call, Limits) override {
    auto level = visibility(call, rooms_.config);
    std::string agent = level == "all" || level == "tree" ? std::string() : call.caller.agent_id;
    auto all = co_await rooms_.sessions.list(agent);
    if (all.has_error()) co_return all.error();
    auto limit = static_cast<std::size_t>(int_at(call.args, "limit", 50));
    auto minutes = int_at(call.args, "activeMinutes");
    auto since = minutes > 0 ? session::now_ms() - minutes * 60'000 : 0;
    const auto* kinds = array_at(call.args, "kinds");
    json::array rows;
    for (auto& entry : all.value()) {
      if (rows.size() >= limit) break;
      std::string key(text_at(entry, "key"));
      auto kind = kind_of(key);
      if (int_at(entry, "updatedAt") < since) continue;
      if (kinds != nullptr && std::ranges::find(*kinds, json::value(kind)) == kinds->end())
        continue;
      auto seen =
          co_await may_see(rooms_, level, key, call.caller.agent_id, call.caller.session_key);
      if (!seen) continue;
      json::object row{{"key", key}, {"kind", kind}};
      for (auto name :
           {"label", "channel", "displayName", "sessionId", "updatedAt", "model", "modelProvider",
            "contextTokens", "totalTokens", "abortedLastRun", "spawnedBy"}) {
        if (const auto* value = field(entry, name)) row[name] = *value;
      }
      rows.push_back(std::move(row));
    }
    auto count = rows.size();
    co_return json_result({{"count", count}, {"sessions", std::move(rows)}});
  }
};

class HistoryTool final : public SessionTool {
 public:
  explicit HistoryTool(Rooms rooms)
      : SessionTool(
            rooms,
            make_spec("sessions_history", "Read a session",
                      "Read the last messages of a session this one may see.",
                      schema({{"sessionKey", text_property("key of the session")},
                              {"limit", number_property("most messages, default 20", 1, 200)},
                              {"includeTools", json::object{{"type", "boolean"}}}},
                             {"sessionKey"}))) {}

 private:
  Awaitable<Result<tool::ToolResult>> run(tool::ToolCall call, Limits) override {
    std::string written(text_at(call.args, "sessionKey"));
    auto key = co_await visible_session(rooms_, call, written);
    if (key.has_error()) co_return tool::ToolResult::failure(key.error().message);
    auto limit = static_cast<std::size_t>(int_at(call.args, "limit", 20));
    bool with_tools = bool_at(call.args, "includeTools");
    auto messages = co_await rooms_.sessions.history(key.value(), limit);
    if (messages.has_error()) co_return messages.error();
    json::array rows;
    std::size_t size = 0;
    bool cut = false;
    for (auto it = messages.value().rbegin(); it != messages.value().rend(); ++it) {
      auto role = text_at(*it, "role");
      if (role == "toolResult" && !with_tools) continue;
      const auto* content = array_at(*it, "content");
      auto text = content != nullptr ? text_of(*content) : std::string(text_at(*it, "content"));
      if (text.empty()) continue;
      text = cut_utf8(text, 4000);
      size += text.size();
      if (size > kMaxHistoryText) {
        cut = true;
        break;
      }
      rows.insert(
          rows.begin(),
          json::object{{"role", role}, {"text", text}, {"timestamp", int_at(*it, "timestamp")}});
    }
    co_return json_result(
        {{"sessionKey", key.value()}, {"messages", std::move(rows)}, {"truncated", cut}});
  }
};

class StatusTool final : public SessionTool {
 public:
  explicit StatusTool(Rooms rooms)
      : SessionTool(rooms,
                    make_spec("session_status", "Session status",
                              "Model, tokens and state of a session, by default this one.",
                              schema({{"sessionKey", text_property("default: this session")}}))) {}

 private:
  // Memory only: the index is read once and kept.
  Awaitable<Result<tool::ToolResult>> run(tool::ToolCall call, Limits) override {
    std::string written(text_at(call.args, "sessionKey"));
    auto key = call.caller.session_key;
    if (!written.empty()) {
      auto seen = co_await visible_session(rooms_, call, written);
      if (seen.has_error()) co_return tool::ToolResult::failure(seen.error().message);
      key = seen.value();
    }
    auto found = co_await rooms_.sessions.entry(key);
    if (found.has_error()) co_return found.error();
    json::object out{{"sessionKey", key}};
    std::string text = "Session " + key;
    if (const auto* entry = found.value().if_object()) {
      for (auto name : {"sessionId", "updatedAt", "modelProvider", "model", "contextTokens",
                        "inputTokens", "outputTokens", "totalTokens", "compactionCount", "label"}) {
        if (const auto* value = field(*entry, name)) out[name] = *value;
      }
      if (auto model = text_at(*entry, "model"); !model.empty()) {
        text +=
            "\nModel: " + std::string(text_at(*entry, "modelProvider")) + "/" + std::string(model);
      }
      text += "\nTokens: " + std::to_string(int_at(*entry, "totalTokens")) + " of " +
              std::to_string(int_at(*entry, "contextTokens"));
    } else {
      text += " has no messages yet.";
    }
    bool running = rooms_.agents.is_running(key);
    out["running"] = running;
    text += running ? "\nA turn is running." : "\nIdle.";
    co_return tool::ToolResult::text(std::move(text), std::move(out));
  }
};

TurnOrigin origin_of(const policy::Caller& caller) {
  TurnOrigin origin;
  origin.kind = TurnOrigin::Kind::kSubagent;
  origin.channel = caller.channel;
  origin.account = caller.account;
  origin.group_id = caller.group_id;
  origin.sender_id = caller.sender_id;
  origin.sender_username = caller.sender_username;
  origin.is_owner = caller.is_owner;  // never more than who asked
  origin.may_command = false;         // text of a model is not a command
  return origin;
}

class SendTool final : public SessionTool {
 public:
  explicit SendTool(Rooms rooms)
      : SessionTool(
            rooms,
            make_spec(
                "sessions_send", "Message a session",
                "Send a message to another session and wait for its answer.",
                schema({{"sessionKey", text_property("key of the session")},
                        {"message", text_property("the text")},
                        {"timeoutSeconds", number_property("0: do not wait. Default 30", 0, 600)}},
                       {"sessionKey", "message"}))) {}

 private:
  Awaitable<Result<tool::ToolResult>> run(tool::ToolCall call, Limits limits) override {
    std::string written(text_at(call.args, "sessionKey"));
    auto key = co_await visible_session(rooms_, call, written);
    if (key.has_error()) co_return tool::ToolResult::failure(key.error().message);
    if (key.value() == call.caller.session_key) {
      co_return tool::ToolResult::failure("A session cannot send to itself.");
    }
    auto parts = session::parse_key(key.value(), *rooms_.config.current());
    if (parts.has_error()) co_return parts.error();
    if (call.caller.sandboxed && !rooms_.agents.is_sandboxed(parts.value().agent_id, key.value())) {
      co_return make_error(Code::kPermissionDenied,
                           "a sandboxed session may not use a session that is not sandboxed");
    }
    TurnRequest request;
    request.run_id = session::new_uuid();
    request.session_key = key.value();
    request.text = "[Message from session " + call.caller.session_key + "] " +
                   std::string(text_at(call.args, "message"));
    request.origin = origin_of(call.caller);
    auto seconds = int_at(call.args, "timeoutSeconds", 30);
    auto run_id = request.run_id;
    if (seconds == 0) {
      rooms_.agents.run_detached(std::move(request), {});
      co_return json_result(
          {{"status", "accepted"}, {"runId", run_id}, {"sessionKey", key.value()}});
    }
    request.limits = limits.with_deadline(Deadline::after(std::chrono::seconds(seconds)));
    auto result = co_await rooms_.agents.run(std::move(request));
    json::object out{{"status", result.status}, {"runId", run_id}, {"sessionKey", key.value()}};
    if (!result.text.empty()) out["reply"] = result.text;
    if (!result.error.empty()) out["error"] = result.error;
    co_return json_result(std::move(out));
  }
};

class SpawnTool final : public SessionTool {
 public:
  explicit SpawnTool(Rooms rooms)
      : SessionTool(
            rooms,
            make_spec(
                "sessions_spawn", "Start a sub-agent",
                "Start a sub-agent on a task of its own. It works in the background; its result "
                "comes back to this session as a message.",
                schema({{"task", text_property("what to do, complete in itself")},
                        {"label", text_property("short name")},
                        {"agentId", text_property("another agent, when allowed")},
                        {"model", text_property("provider/model")},
                        {"thinking", text_property("off, low, medium, high")},
                        {"runTimeoutSeconds", number_property("0: the agent's own", 0, 86400)}},
                       {"task"}))),
        children_(std::make_shared<std::map<std::string, int>>()) {}

 private:
  Awaitable<Result<tool::ToolResult>> run(tool::ToolCall call, Limits) override {
    auto config = rooms_.config.current();
    auto settings = agent_settings(*config, rooms_.config.paths(), call.caller.agent_id);
    auto refused = refuse(call, settings);
    if (!refused.empty()) co_return make_error(Code::kPermissionDenied, refused);
    auto target = target_agent(call);
    auto key = child_key(call, target);
    if (call.caller.sandboxed && !rooms_.agents.is_sandboxed(target, key)) {
      co_return make_error(Code::kPermissionDenied,
                           "agent \"" + target +
                               "\" would run this sub-agent without a sandbox, and the "
                               "session that asks is sandboxed");
    }
    std::string label(cut_utf8(text_at(call.args, "label"), 64));
    json::object facts{{"spawnedBy", call.caller.session_key},
                       {"spawnDepth", call.caller.subagent_depth + 1}};
    if (!label.empty()) facts["label"] = label;
    auto made = co_await rooms_.sessions.update(key, std::move(facts));
    if (made.has_error()) co_return made.error();
    TurnRequest request;
    request.run_id = session::new_uuid();
    request.session_key = key;
    request.text = text_at(call.args, "task");
    request.origin = origin_of(call.caller);
    request.model = text_at(call.args, "model");
    request.thinking = text_at(call.args, "thinking");
    if (auto s = int_at(call.args, "runTimeoutSeconds"); s > 0) {
      request.limits.deadline = Deadline::after(std::chrono::seconds(s));
    }
    auto run_id = request.run_id;
    start(std::move(request), call, label.empty() ? key : label);
    co_return json_result({{"status", "accepted"}, {"childSessionKey", key}, {"runId", run_id}});
  }

  std::string target_agent(const tool::ToolCall& call) const {
    auto wanted = text_at(call.args, "agentId");
    return wanted.empty() ? call.caller.agent_id : session::normalise_agent_id(wanted);
  }

  // Why not; empty: it may.
  std::string refuse(const tool::ToolCall& call, const AgentSettings& settings) const {
    if (call.caller.subagent_depth + 1 > settings.max_spawn_depth) {
      return "sub-agents may not be nested deeper than " +
             std::to_string(settings.max_spawn_depth) +
             " (agents.defaults.subagents.maxSpawnDepth)";
    }
    auto running = children_->find(call.caller.session_key);
    if (running != children_->end() && running->second >= settings.max_children) {
      return "this session has " + std::to_string(running->second) +
             " sub-agents running already (agents.defaults.subagents.maxChildrenPerAgent)";
    }
    auto target = target_agent(call);
    auto listed = [&](const std::string& id) {
      return id == "*" || session::normalise_agent_id(id) == target;
    };
    if (target != call.caller.agent_id && std::ranges::none_of(settings.spawn_agents, listed)) {
      return "agent \"" + call.caller.agent_id + "\" may not start sub-agents of \"" + target +
             "\" (agents.list[].subagents.allowAgents)";
    }
    return {};
  }

  // The depth is part of the key: "subagent:<uuid>" once per level.
  static std::string child_key(const tool::ToolCall& call, const std::string& target) {
    std::string chain;
    auto at = call.caller.session_key.find(":subagent:");
    if (call.caller.subagent_depth > 0 && at != std::string::npos) {
      chain = call.caller.session_key.substr(at + 1) + ":";
    }
    return "agent:" + target + ":" + chain + "subagent:" + session::new_uuid();
  }

  // The result goes to the session that asked: into its running turn, or as a turn of its own.
  void start(TurnRequest request, const tool::ToolCall& call, const std::string& name) {
    auto parent = call.caller.session_key;
    ++(*children_)[parent];
    auto origin = origin_of(call.caller);
    auto* agents = &rooms_.agents;
    auto done = [children = children_, parent, origin, agents, name](const TurnResult& result) {
      if (--(*children)[parent] <= 0) children->erase(parent);
      if (result.stop_reason == "shutdown") return;
      TurnRequest news;
      news.session_key = parent;
      news.origin = origin;
      news.text = "[Sub-agent " + name + " has ended: " + result.status + "]\n" +
                  (result.text.empty() ? result.error : result.text);
      agents->run_detached(std::move(news), {});
    };
    rooms_.agents.run_detached(std::move(request), done);
  }

  std::shared_ptr<std::map<std::string, int>>
      children_;  // running, by the session that started them
};

}  // namespace

void add_session_tools(tool::ToolRouter& router, AgentService& agents,
                       session::SessionStore& sessions, config::ConfigStore& config) {
  Rooms rooms{agents, sessions, config};
  static_cast<void>(router.add(std::make_unique<ListTool>(rooms)));
  static_cast<void>(router.add(std::make_unique<HistoryTool>(rooms)));
  static_cast<void>(router.add(std::make_unique<SendTool>(rooms)));
  static_cast<void>(router.add(std::make_unique<SpawnTool>(rooms)));
  static_cast<void>(router.add(std::make_unique<StatusTool>(rooms)));
}

}  // namespace openclaw::agent
