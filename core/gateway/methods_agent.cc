// agent, agent.wait, agents.*: runs for programs, and what there is to run.
#include <sys/stat.h>

#include <algorithm>
#include <array>

#include "gateway/agents_catalogue.h"
#include "gateway/server_state.h"
#include "sandbox/resolve.h"
#include "storage/atomic_file.h"

namespace openclaw::gateway {
namespace {

using Kind = Param::Kind;

constexpr std::int64_t kDefaultWaitMs = 30000;
constexpr std::int64_t kMaxWaitMs = 24LL * 3600 * 1000;
constexpr std::uint64_t kMaxAgentFile = 2 * 1024 * 1024;
constexpr std::array<std::string_view, 8> kAgentFiles = {"AGENTS.md",    "SOUL.md",  "TOOLS.md",
                                                         "IDENTITY.md",  "USER.md",  "HEARTBEAT.md",
                                                         "BOOTSTRAP.md", "MEMORY.md"};

json::object result_payload(const agent::TurnResult& result) {
  json::array payloads;
  if (!result.text.empty() && result.text != "NO_REPLY") {
    payloads.emplace_back(json::object{{"text", result.text}, {"mediaUrl", nullptr}});
  }
  const auto& u = result.usage;
  json::object usage{{"input", u.input},
                     {"output", u.output},
                     {"total", u.input + u.output + u.cache_read + u.cache_write}};
  json::object agent_meta;
  agent_meta["sessionId"] = result.session_id;
  agent_meta["provider"] = result.provider;
  agent_meta["model"] = result.model;
  agent_meta["usage"] = std::move(usage);
  json::object meta;
  meta["durationMs"] = result.duration_ms;
  meta["agentMeta"] = std::move(agent_meta);
  meta["aborted"] = result.status == "aborted";
  if (!result.stop_reason.empty()) meta["stopReason"] = result.stop_reason;
  json::object out;
  out["payloads"] = std::move(payloads);
  out["meta"] = std::move(meta);
  return out;
}

Reply final_reply(const agent::TurnResult& result, const std::string& run_id) {
  if (result.status == "error" || result.status == "timeout") {
    auto text = result.error.empty() ? "the run " + result.status : result.error;
    auto reply = Reply::unavailable(text);
    reply.payload = json::object{{"runId", run_id}, {"status", "error"}, {"summary", text}};
    return reply;
  }
  json::object out;
  out["runId"] = run_id;
  out["status"] = "ok";
  out["summary"] = result.status == "aborted" ? "aborted" : "completed";
  out["result"] = result_payload(result);
  return Reply::ok(std::move(out));
}

// "/new" or "/reset", alone or before a message.
bool resets(std::string& message) {
  for (std::string_view word : {"/new", "/reset"}) {
    if (message.rfind(word, 0) != 0) continue;
    if (message.size() > word.size() && message[word.size()] != ' ' && message[word.size()] != '\n')
      continue;
    message.erase(0, std::min(message.size(), word.size() + 1));
    return true;
  }
  return false;
}

Result<std::string> session_of(ServerState& state, const json::object& params) {
  auto config = state.snapshot();
  auto agent = text_param(params, "agentId");
  if (!agent.empty()) {
    agent = session::normalise_agent_id(agent);
    if (!agent_exists(*config, agent)) {
      return Error(Code::kInvalidArgument, "invalid agent params: unknown agent id \"" +
                                               text_param(params, "agentId") + "\"");
    }
  }
  auto written = text_param(params, "sessionKey");
  if (written.empty()) {
    auto session_id = text_param(params, "sessionId");
    if (!session_id.empty())
      return Error(Code::kInvalidArgument, "sessionId alone is not supported; give sessionKey");
    return session::main_key(*config, agent.empty() ? session::default_agent(*config) : agent);
  }
  auto key = session::canonical_key(written, *config, agent);
  if (key.has_error())
    return Error(Code::kInvalidArgument,
                 "malformed session key \"" + written.substr(0, 128) + "\"");
  auto parts = session::parse_key(key.value(), *config);
  if (parts.has_error()) return parts.error();
  if (!agent_exists(*config, parts.value().agent_id)) {
    return Error(Code::kInvalidArgument,
                 "invalid agent params: unknown agent id \"" + parts.value().agent_id + "\"");
  }
  if (!agent.empty() && parts.value().agent_id != agent) {
    return Error(Code::kInvalidArgument, "invalid agent params: agent \"" + agent +
                                             "\" does not match session key agent \"" +
                                             parts.value().agent_id + "\"");
  }
  return key;
}

// Lives on when the caller's connection ends: the work is the agent's, not the connection's.
Awaitable<> run_agent(ServerState& state, std::shared_ptr<Run> run, agent::TurnRequest request) {
  auto result = co_await state.services.agents.run(std::move(request));
  state.chat.settle(run->run_id, run->session_key, result);
  auto status = result.status == "steered" ? std::string("ok") : result.status;
  state.runs.finish(*run, final_reply(result, run->run_id), status, result.error, now_ms());
}

Awaitable<Reply> wait_for(std::shared_ptr<Run> run) {
  co_await run->done->wait(Deadline::never());
  co_return *run->reply;
}

Awaitable<Reply> agent_call(ServerState& state, MethodCall call) {
  auto id = text_param(call.params, "idempotencyKey");
  if (auto known = state.runs.find("agent", id)) {
    call.first_answer(known->accepted);
    co_return co_await wait_for(known);
  }
  auto key = session_of(state, call.params);
  if (key.has_error()) co_return Reply::failed(key.error());
  auto message = text_param(call.params, "message");
  auto run = state.runs.begin("agent", id, now_ms());
  run->session_key = key.value();
  run->device_id = call.client->device_id;
  run->conn_id = call.client->conn_id;
  json::object accepted{{"runId", id}, {"status", "accepted"}, {"acceptedAt", now_ms()}};
  run->accepted = accepted;
  call.first_answer(std::move(accepted));
  if (resets(message)) {
    auto entry = co_await state.services.sessions.reset(key.value());
    if (entry.has_error() || message.find_first_not_of(" \t\r\n") == std::string::npos) {
      auto reply = entry.has_error() ? Reply::failed(entry.error()) : Reply::ok(nullptr);
      if (!entry.has_error()) {
        agent::TurnResult result;
        result.text = "New session started.";
        result.session_id = text_param(entry.value(), "sessionId");
        reply = final_reply(result, id);
      }
      state.runs.finish(*run, reply, entry.has_error() ? "error" : "ok", {}, now_ms());
      co_return reply;
    }
  }
  state.chat.watch(id, key.value(), call.client->conn_id, false);
  agent::TurnRequest request;
  request.run_id = id;
  request.session_key = key.value();
  request.text = std::move(message);
  request.extra_system_prompt = text_param(call.params, "extraSystemPrompt");
  request.thinking = text_param(call.params, "thinking");
  request.origin.kind =
      call.client->mode == "cli" ? agent::TurnOrigin::Kind::kCli : agent::TurnOrigin::Kind::kRpc;
  request.origin.device_id = call.client->device_id;
  request.origin.is_owner = call.client->is_admin();
  auto timeout = int_param(call.params, "timeout", 0);
  if (timeout > 0)
    request.limits.deadline =
        Deadline::after(std::chrono::seconds(std::min<std::int64_t>(timeout, 86400)));
  state.tasks.spawn("agent", run_agent(state, run, std::move(request)));
  co_return co_await wait_for(run);
}

Awaitable<Reply> agent_wait(ServerState& state, MethodCall call) {
  auto id = text_param(call.params, "runId");
  auto timeout = std::min(int_param(call.params, "timeoutMs", kDefaultWaitMs), kMaxWaitMs);
  auto run = state.runs.find_run(id);
  json::object out{{"runId", id}};
  bool over = false;
  if (run) over = co_await run->done->wait(Deadline::after(std::chrono::milliseconds(timeout)));
  if (!over) {
    out["status"] = "timeout";
    co_return Reply::ok(std::move(out));
  }
  bool good = run->status == "ok" || run->status == "aborted";
  out["status"] = good ? "ok" : "error";
  out["startedAt"] = run->started_at;
  out["endedAt"] = run->ended_at;
  if (!run->error.empty()) out["error"] = run->error;
  co_return Reply::ok(std::move(out));
}

Awaitable<Reply> identity_get(ServerState& state, MethodCall call) {
  auto config = state.snapshot();
  auto agent = text_param(call.params, "agentId");
  auto written = text_param(call.params, "sessionKey");
  if (agent.empty() && !written.empty()) {
    auto key = session::canonical_key(written, *config);
    if (key.has_error()) co_return Reply::failed(key.error());
    auto parts = session::parse_key(key.value(), *config);
    if (parts.has_error()) co_return Reply::failed(parts.error());
    agent = parts.value().agent_id;
  }
  agent = agent.empty() ? session::default_agent(*config) : session::normalise_agent_id(agent);
  co_return Reply::ok(agent_identity(*config, agent));
}

Awaitable<Reply> agents_list(ServerState& state, MethodCall) {
  auto config = state.snapshot();
  json::array agents;
  for (const auto& id : agent_ids(*config)) {
    auto identity = agent_identity(*config, id);
    json::object row{{"id", id}, {"name", identity["name"]}};
    identity.erase("agentId");
    row["identity"] = std::move(identity);
    agents.emplace_back(std::move(row));
  }
  json::object out;
  out["defaultId"] = session::default_agent(*config);
  out["mainKey"] = config->get_string("session.mainKey", "main");
  out["scope"] = config->get_string("session.scope", "per-sender");
  out["agents"] = std::move(agents);
  co_return Reply::ok(std::move(out));
}

struct FilePlace {
  std::string agent;
  std::filesystem::path workspace;
};

Result<FilePlace> workspace_of(ServerState& state, const json::object& params) {
  auto config = state.snapshot();
  FilePlace place;
  place.agent = session::normalise_agent_id(text_param(params, "agentId"));
  if (!agent_exists(*config, place.agent)) {
    return Error(Code::kInvalidArgument, "unknown agent id \"" + place.agent + "\"");
  }
  place.workspace = sandbox::agent_workspace(*config, state.services.config.paths(), place.agent);
  return place;
}

bool known_file(std::string_view name) {
  return std::find(kAgentFiles.begin(), kAgentFiles.end(), name) != kAgentFiles.end();
}

// A link could lead anywhere; what an agent put into its workspace must not make the gateway read
// elsewhere.
json::object file_row(const std::filesystem::path& workspace, std::string_view name) {
  auto path = workspace / name;
  struct stat info {};
  bool there = ::lstat(path.c_str(), &info) == 0 && S_ISREG(info.st_mode);
  json::object row{{"name", name}, {"path", path.string()}, {"missing", !there}};
  if (there) {
    row["size"] = static_cast<std::int64_t>(info.st_size);
    row["updatedAtMs"] =
        static_cast<std::int64_t>(info.st_mtim.tv_sec) * 1000 + info.st_mtim.tv_nsec / 1000000;
  }
  return row;
}

Awaitable<Reply> files_list(ServerState& state, MethodCall call) {
  auto place = workspace_of(state, call.params);
  if (place.has_error()) co_return Reply::failed(place.error());
  json::array files;
  for (auto name : kAgentFiles) files.emplace_back(file_row(place.value().workspace, name));
  json::object out;
  out["agentId"] = place.value().agent;
  out["workspace"] = place.value().workspace.string();
  out["files"] = std::move(files);
  co_return Reply::ok(std::move(out));
}

Awaitable<Reply> files_get(ServerState& state, MethodCall call) {
  auto place = workspace_of(state, call.params);
  if (place.has_error()) co_return Reply::failed(place.error());
  auto name = text_param(call.params, "name");
  if (!known_file(name))
    co_return Reply::invalid("unsupported file \"" + name.substr(0, 128) + "\"");
  auto workspace = place.value().workspace;
  std::function<Result<json::object>()> work = [workspace, name]() -> Result<json::object> {
    auto row = file_row(workspace, name);
    if (bool_param(row, "missing", true)) return row;
    auto text = storage::read_file_bounded(workspace / name, kMaxAgentFile);
    if (text.has_error()) return text.error();
    row["content"] = text.value();
    return row;
  };
  auto row = co_await run_blocking<json::object>(state.services.runtime, {}, std::move(work));
  if (row.has_error()) co_return Reply::failed(row.error());
  json::object out;
  out["agentId"] = place.value().agent;
  out["workspace"] = workspace.string();
  out["file"] = std::move(row.value());
  co_return Reply::ok(std::move(out));
}

Awaitable<Reply> files_set(ServerState& state, MethodCall call) {
  auto place = workspace_of(state, call.params);
  if (place.has_error()) co_return Reply::failed(place.error());
  auto name = text_param(call.params, "name");
  if (!known_file(name))
    co_return Reply::invalid("unsupported file \"" + name.substr(0, 128) + "\"");
  auto workspace = place.value().workspace;
  auto content = text_param(call.params, "content");
  std::function<Result<json::object>()> work = [workspace, name,
                                                content]() -> Result<json::object> {
    std::error_code failed;
    std::filesystem::create_directories(workspace, failed);
    // By rename: a link that stands there is replaced, not followed.
    auto written = storage::write_file_atomically(workspace / name, content, 0644);
    if (written.has_error()) return written.error();
    auto row = file_row(workspace, name);
    row["content"] = content;
    return row;
  };
  auto row = co_await run_blocking<json::object>(state.services.runtime, {}, std::move(work));
  if (row.has_error()) co_return Reply::failed(row.error());
  json::object out;
  out["ok"] = true;
  out["agentId"] = place.value().agent;
  out["workspace"] = workspace.string();
  out["file"] = std::move(row.value());
  co_return Reply::ok(std::move(out));
}

const ParamTable kAgent{{{"message", Kind::kText, true},
                         {"agentId", Kind::kText},
                         {"to", Kind::kString},
                         {"replyTo", Kind::kString},
                         {"sessionId", Kind::kString},
                         {"sessionKey", Kind::kString, false, 0, 512},
                         {"thinking", Kind::kString},
                         {"deliver", Kind::kBoolean},
                         {"attachments", Kind::kArray},
                         {"channel", Kind::kString},
                         {"replyChannel", Kind::kString},
                         {"accountId", Kind::kString},
                         {"replyAccountId", Kind::kString},
                         {"threadId", Kind::kString},
                         {"groupId", Kind::kString},
                         {"groupChannel", Kind::kString},
                         {"groupSpace", Kind::kString},
                         {"timeout", Kind::kInteger, false, 0},
                         {"bestEffortDeliver", Kind::kBoolean},
                         {"lane", Kind::kString},
                         {"extraSystemPrompt", Kind::kString},
                         {"internalEvents", Kind::kArray},
                         {"inputProvenance", Kind::kAny},
                         {"idempotencyKey", Kind::kText, true, 0, 256},
                         {"label", Kind::kText, false, 0, 64},
                         {"spawnedBy", Kind::kString},
                         {"workspaceDir", Kind::kString}}};
const ParamTable kWait{{{"runId", Kind::kText, true}, {"timeoutMs", Kind::kInteger, false, 0}}};
const ParamTable kIdentity{
    {{"agentId", Kind::kText}, {"sessionKey", Kind::kString, false, 0, 512}}};
const ParamTable kFiles{{{"agentId", Kind::kText, true}}};
const ParamTable kFileGet{{{"agentId", Kind::kText, true}, {"name", Kind::kText, true}}};
const ParamTable kFileSet{{{"agentId", Kind::kText, true},
                           {"name", Kind::kText, true},
                           {"content", Kind::kString, true}}};
}  // namespace

void add_agent_methods(std::vector<Method>& out) {
  out.push_back({"agents.list", "operator.read", &kNothing, agents_list});
  out.push_back({"agents.files.list", "operator.read", &kFiles, files_list});
  out.push_back({"agents.files.get", "operator.read", &kFileGet, files_get});
  out.push_back({"agents.files.set", "operator.admin", &kFileSet, files_set});
  out.push_back({"agent.identity.get", "operator.read", &kIdentity, identity_get});
  out.push_back({"agent", "operator.write", &kAgent, agent_call});
  out.push_back({"agent.wait", "operator.write", &kWait, agent_wait});
}

}  // namespace openclaw::gateway
