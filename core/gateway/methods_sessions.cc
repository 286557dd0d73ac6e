// sessions.*: the index and the transcripts, as the session store keeps them.
#include <algorithm>

#include "gateway/agents_catalogue.h"
#include "gateway/server_state.h"

namespace openclaw::gateway {
namespace {

using Kind = Param::Kind;

constexpr std::size_t kPreviewItems = 6;
constexpr std::size_t kMaxPreviewKeys = 64;
constexpr std::size_t kHistoryLimit = 1000;

Result<std::string> key_param(ServerState& state, const MethodCall& call) {
  return session::canonical_key(text_param(call.params, "key"), *state.snapshot(),
                                text_param(call.params, "agentId"));
}

std::string store_path(ServerState& state, const std::string& key) {
  auto parts = session::parse_key(key, *state.snapshot());
  auto agent =
      parts.has_value() ? parts.value().agent_id : session::default_agent(*state.snapshot());
  return state.services.sessions.sessions_dir(agent) + "/sessions.json";
}

// The text blocks of a message, joined.
std::string text_of(const json::object& message) {
  const auto* content = message.if_contains("content");
  if (!content) return {};
  if (content->is_string()) return std::string(content->get_string());
  std::string out;
  if (!content->is_array()) return out;
  for (const auto& block : content->get_array()) {
    if (!block.is_object() || text_param(block.get_object(), "type") != "text") continue;
    if (!out.empty()) out += '\n';
    out += text_param(block.get_object(), "text");
  }
  return out;
}

Awaitable<Reply> sessions_list(ServerState& state, MethodCall call) {
  auto config = state.snapshot();
  auto agent = text_param(call.params, "agentId");
  if (!agent.empty()) agent = session::normalise_agent_id(agent);
  auto rows = co_await state.services.sessions.list(agent);
  if (rows.has_error()) co_return Reply::failed(rows.error());
  auto active = int_param(call.params, "activeMinutes", 0);
  auto limit = int_param(call.params, "limit", 0);
  auto search = text_param(call.params, "search");
  auto now = now_ms();
  json::array sessions;
  for (auto& row : rows.value()) {
    auto kind = session_kind(row);
    if (kind == "global" && !bool_param(call.params, "includeGlobal", true)) continue;
    if (kind == "unknown" && !bool_param(call.params, "includeUnknown", true)) continue;
    if (active > 0 && now - int_param(row, "updatedAt", 0) > active * 60000) continue;
    if (!search.empty() && json::serialize(row).find(search) == std::string::npos) continue;
    if (limit > 0 && static_cast<std::int64_t>(sessions.size()) >= limit) break;
    // What only the agent needs, and makes answers large.
    row.erase("skillsSnapshot");
    row.erase("systemPromptReport");
    row["kind"] = kind;
    sessions.emplace_back(std::move(row));
  }
  auto ids = agent_ids(*config);
  auto model = default_model(*config, agent);
  auto slash = model.find('/');
  json::object defaults;
  defaults["modelProvider"] =
      slash == std::string::npos ? json::value(nullptr) : json::value(model.substr(0, slash));
  defaults["model"] =
      model.empty() ? json::value(nullptr)
                    : json::value(slash == std::string::npos ? model : model.substr(slash + 1));
  defaults["contextTokens"] = nullptr;
  json::object out;
  out["ts"] = now;
  out["path"] = ids.size() > 1 && agent.empty()
                    ? std::string("(multiple)")
                    : state.services.sessions.sessions_dir(agent.empty() ? ids.front() : agent) +
                          "/sessions.json";
  out["count"] = sessions.size();
  out["defaults"] = std::move(defaults);
  out["sessions"] = std::move(sessions);
  co_return Reply::ok(std::move(out));
}

Awaitable<Reply> sessions_preview(ServerState& state, MethodCall call) {
  auto keys = strings_param(call.params, "keys");
  if (keys.size() > kMaxPreviewKeys) keys.resize(kMaxPreviewKeys);
  auto limit = static_cast<std::size_t>(int_param(call.params, "limit", kPreviewItems));
  auto max_chars = static_cast<std::size_t>(int_param(call.params, "maxChars", 240));
  auto config = state.snapshot();
  json::array previews;
  for (const auto& written : keys) {
    json::object preview{{"key", written}, {"status", "missing"}, {"items", json::array{}}};
    auto key = session::canonical_key(written, *config);
    Result<json::value> entry(json::value(nullptr));
    if (key.has_value()) entry = co_await state.services.sessions.entry(key.value());
    if (entry.has_error()) preview["status"] = "error";
    if (entry.has_value() && entry.value().is_object()) {
      auto history = co_await state.services.sessions.history(key.value(), limit);
      json::array items;
      if (history.has_value()) {
        for (const auto& message : history.value()) {
          auto text = text_of(message);
          if (text.empty()) continue;
          if (text.size() > max_chars) text = text.substr(0, max_chars);
          items.emplace_back(json::object{{"role", text_param(message, "role")}, {"text", text}});
        }
      }
      preview["status"] = history.has_error() ? "error" : items.empty() ? "empty" : "ok";
      preview["items"] = std::move(items);
    }
    previews.emplace_back(std::move(preview));
  }
  json::object out;
  out["ts"] = now_ms();
  out["previews"] = std::move(previews);
  co_return Reply::ok(std::move(out));
}

Awaitable<Reply> sessions_resolve(ServerState& state, MethodCall call) {
  auto written = text_param(call.params, "key");
  auto session_id = text_param(call.params, "sessionId");
  auto label = text_param(call.params, "label");
  if (written.empty() && session_id.empty() && label.empty()) {
    co_return Reply::invalid("Either key, sessionId or label is required");
  }
  auto rows = co_await state.services.sessions.list(text_param(call.params, "agentId"));
  if (rows.has_error()) co_return Reply::failed(rows.error());
  auto key = written.empty() ? Result<std::string>(std::string()) : key_param(state, call);
  if (key.has_error()) co_return Reply::failed(key.error());
  for (const auto& row : rows.value()) {
    bool found = !written.empty()      ? text_param(row, "key") == key.value()
                 : !session_id.empty() ? text_param(row, "sessionId") == session_id
                                       : text_param(row, "label") == label;
    if (found) co_return Reply::ok(json::object{{"ok", true}, {"key", text_param(row, "key")}});
  }
  co_return Reply::invalid("No session found: " + (!written.empty()      ? written
                                                   : !session_id.empty() ? session_id
                                                                         : label));
}

Awaitable<Reply> sessions_get(ServerState& state, MethodCall call) {
  auto key = key_param(state, call);
  if (key.has_error()) co_return Reply::failed(key.error());
  auto limit = static_cast<std::size_t>(int_param(call.params, "limit", 200));
  auto history = co_await state.services.sessions.history(key.value(), limit);
  if (history.has_error()) co_return Reply::failed(history.error());
  json::array messages;
  for (auto& message : history.value()) messages.emplace_back(std::move(message));
  json::object out;
  out["messages"] = std::move(messages);
  co_return Reply::ok(std::move(out));
}

const std::vector<std::string_view> kThinking = {"off",  "minimal", "low",     "medium",
                                                 "high", "xhigh",   "adaptive"};

Result<void> check_level(const json::object& params, std::string_view key,
                         const std::vector<std::string_view>& known) {
  const auto* value = params.if_contains(key);
  if (!value || value->is_null()) return {};
  std::string_view text =
      value->is_string() ? std::string_view(value->get_string()) : std::string_view();
  if (std::find(known.begin(), known.end(), text) != known.end()) return {};
  std::string words;
  for (auto word : known) words.append(words.empty() ? "" : "|").append(word);
  return Error(Code::kInvalidArgument, "invalid " + std::string(key) + " (use " + words + ")");
}

Result<void> check_patch(const json::object& params) {
  for (const auto& checked : {check_level(params, "thinkingLevel", kThinking),
                              check_level(params, "verboseLevel", {"off", "on", "full"}),
                              check_level(params, "reasoningLevel", {"off", "on", "stream"}),
                              check_level(params, "elevatedLevel", {"off", "on", "ask", "full"}),
                              check_level(params, "sendPolicy", {"allow", "deny"}),
                              check_level(params, "groupActivation", {"mention", "always"})}) {
    if (checked.has_error()) return checked;
  }
  return {};
}

Awaitable<Reply> sessions_patch(ServerState& state, MethodCall call) {
  if (call.client->is_webchat())
    co_return Reply::invalid("webchat clients cannot patch sessions; use the Control UI");
  auto key = key_param(state, call);
  if (key.has_error()) co_return Reply::failed(key.error());
  auto good = check_patch(call.params);
  if (good.has_error()) co_return Reply::failed(good.error());
  json::object changes = call.params;
  changes.erase("key");
  if (const auto* label = changes.if_contains("label"); label && label->is_string()) {
    auto rows = co_await state.services.sessions.list({});
    for (const auto& row : rows.has_value() ? rows.value() : std::vector<json::object>()) {
      if (text_param(row, "label") == label->get_string() &&
          text_param(row, "key") != key.value()) {
        co_return Reply::invalid("label already in use: " + std::string(label->get_string()));
      }
    }
  }
  if (const auto* model = changes.if_contains("model")) {
    // "provider/model", or a model of the provider in use; null goes back to the default.
    json::value written = *model;
    changes.erase("model");
    auto text = written.is_string() ? std::string(written.get_string()) : std::string();
    auto slash = text.find('/');
    changes["providerOverride"] =
        slash == std::string::npos ? json::value(nullptr) : json::value(text.substr(0, slash));
    changes["modelOverride"] =
        text.empty() ? json::value(nullptr)
                     : json::value(slash == std::string::npos ? text : text.substr(slash + 1));
  }
  auto entry = co_await state.services.sessions.update(key.value(), std::move(changes));
  if (entry.has_error()) co_return Reply::failed(entry.error());
  auto model = default_model(*state.snapshot());
  auto slash = model.find('/');
  json::object resolved;
  resolved["modelProvider"] = text_param(entry.value(), "providerOverride",
                                         slash == std::string::npos ? "" : model.substr(0, slash));
  resolved["model"] = text_param(entry.value(), "modelOverride",
                                 slash == std::string::npos ? model : model.substr(slash + 1));
  json::object out;
  out["ok"] = true;
  out["path"] = store_path(state, key.value());
  out["key"] = key.value();
  out["entry"] = std::move(entry.value());
  out["resolved"] = std::move(resolved);
  co_return Reply::ok(std::move(out));
}

Awaitable<Reply> sessions_reset(ServerState& state, MethodCall call) {
  auto key = key_param(state, call);
  if (key.has_error()) co_return Reply::failed(key.error());
  state.services.agents.abort(key.value(), {}, "the session was reset");
  auto entry = co_await state.services.sessions.reset(key.value());
  if (entry.has_error()) co_return Reply::failed(entry.error());
  json::object out;
  out["ok"] = true;
  out["key"] = key.value();
  out["entry"] = std::move(entry.value());
  co_return Reply::ok(std::move(out));
}

Awaitable<Reply> sessions_delete(ServerState& state, MethodCall call) {
  if (call.client->is_webchat())
    co_return Reply::invalid("webchat clients cannot delete sessions; use the Control UI");
  auto config = state.snapshot();
  auto key = key_param(state, call);
  if (key.has_error()) co_return Reply::failed(key.error());
  auto parts = session::parse_key(key.value(), *config);
  if (parts.has_value() && parts.value().is_main) {
    co_return Reply::invalid("Cannot delete the main session (" + key.value() + ").");
  }
  auto entry = co_await state.services.sessions.entry(key.value());
  bool existed = entry.has_value() && entry.value().is_object();
  state.services.agents.abort(key.value(), {}, "the session was deleted");
  Result<std::vector<std::string>> removed(std::vector<std::string>{});
  if (existed) {
    bool transcript = bool_param(call.params, "deleteTranscript", true);
    removed = co_await state.services.sessions.remove(key.value(), transcript);
  }
  if (removed.has_error()) co_return Reply::failed(removed.error());
  json::array archived;
  for (const auto& path : removed.value()) archived.emplace_back(path);
  json::object out;
  out["ok"] = true;
  out["key"] = key.value();
  out["deleted"] = existed;
  out["archived"] = std::move(archived);
  co_return Reply::ok(std::move(out));
}

const ParamTable kList{{{"limit", Kind::kInteger, false, 1},
                        {"activeMinutes", Kind::kInteger, false, 1},
                        {"includeGlobal", Kind::kBoolean},
                        {"includeUnknown", Kind::kBoolean},
                        {"includeDerivedTitles", Kind::kBoolean},
                        {"includeLastMessage", Kind::kBoolean},
                        {"label", Kind::kText},
                        {"spawnedBy", Kind::kText},
                        {"agentId", Kind::kText},
                        {"search", Kind::kString}}};
const ParamTable kPreview{{{"keys", Kind::kTexts, true, 1},
                           {"limit", Kind::kInteger, false, 1, kHistoryLimit},
                           {"maxChars", Kind::kInteger, false, 20, 20000}}};
const ParamTable kResolve{{{"key", Kind::kText},
                           {"sessionId", Kind::kText},
                           {"label", Kind::kText},
                           {"agentId", Kind::kText},
                           {"spawnedBy", Kind::kText},
                           {"includeGlobal", Kind::kBoolean},
                           {"includeUnknown", Kind::kBoolean}}};
const ParamTable kGet{
    {{"key", Kind::kText, true}, {"limit", Kind::kInteger, false, 1, kHistoryLimit}}};
// Lineage (spawnedBy, spawnDepth) is internal: no client writes it.
const ParamTable kPatch{{{"key", Kind::kText, true, 0, 512},
                         {"label", Kind::kNullableText, false, 0, 64},
                         {"thinkingLevel", Kind::kNullableText},
                         {"fastMode", Kind::kNullableBoolean},
                         {"verboseLevel", Kind::kNullableText},
                         {"reasoningLevel", Kind::kNullableText},
                         {"responseUsage", Kind::kNullableText},
                         {"elevatedLevel", Kind::kNullableText},
                         {"execHost", Kind::kNullableText},
                         {"execSecurity", Kind::kNullableText},
                         {"execAsk", Kind::kNullableText},
                         {"execNode", Kind::kNullableText},
                         {"model", Kind::kNullableText},
                         {"sendPolicy", Kind::kNullableText},
                         {"groupActivation", Kind::kNullableText}}};
const ParamTable kReset{{{"key", Kind::kText, true, 0, 512},
                         {.name = "reason", .kind = Kind::kText, .choices = {"new", "reset"}}}};
const ParamTable kDelete{{{"key", Kind::kText, true, 0, 512},
                          {"deleteTranscript", Kind::kBoolean},
                          {"emitLifecycleHooks", Kind::kBoolean}}};

}  // namespace

void add_session_methods(std::vector<Method>& out) {
  out.push_back({"sessions.list", "operator.read", &kList, sessions_list});
  out.push_back({"sessions.preview", "operator.read", &kPreview, sessions_preview});
  out.push_back({"sessions.resolve", "operator.read", &kResolve, sessions_resolve, false});
  out.push_back({"sessions.get", "operator.read", &kGet, sessions_get, false});
  out.push_back({"sessions.patch", "operator.admin", &kPatch, sessions_patch});
  out.push_back({"sessions.reset", "operator.admin", &kReset, sessions_reset});
  out.push_back({"sessions.delete", "operator.admin", &kDelete, sessions_delete});
}

}  // namespace openclaw::gateway
