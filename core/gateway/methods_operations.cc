// What this version does not do yet: reads answer well-shaped and empty, because that is the truth;
// writes answer an error, because success would be a lie.
#include <cstdlib>

#include "gateway/server_state.h"
#include "session/session_key.h"
#include "storage/atomic_file.h"

namespace openclaw::gateway {
namespace {

json::object page_of(const char* name) {
  json::object out;
  out[name] = json::array{};
  out["total"] = 0;
  out["offset"] = 0;
  out["limit"] = 50;
  out["hasMore"] = false;
  out["nextOffset"] = nullptr;
  return out;
}

Awaitable<Reply> cron_status(ServerState& state, MethodCall) {
  json::object out;
  out["enabled"] = false;
  out["storePath"] = (state.state_dir() / "cron" / "jobs.json").string();
  out["jobs"] = 0;
  out["nextWakeAtMs"] = nullptr;
  co_return Reply::ok(std::move(out));
}

Awaitable<Reply> cron_list(ServerState&, MethodCall) {
  co_return Reply::ok(page_of("jobs"));
}
Awaitable<Reply> cron_runs(ServerState&, MethodCall) {
  co_return Reply::ok(page_of("entries"));
}

// The CLI's local commands read the same file; it is under HOME whatever the state directory is.
Awaitable<Reply> approvals_get(ServerState& state, MethodCall) {
  auto path = state.services.config.paths().home / ".openclaw" / "exec-approvals.json";
  std::function<Result<std::string>()> work = [path] {
    return storage::read_file_bounded(path, 1024 * 1024);
  };
  auto text = co_await run_blocking<std::string>(state.services.runtime, {}, std::move(work));
  json::object file{{"version", 1}};
  if (text.has_value()) {
    boost::system::error_code bad;
    auto document = json::parse(text.value(), bad);
    if (!bad && document.is_object()) file = std::move(document.get_object());
    if (auto* socket = file.if_contains("socket"); socket && socket->is_object())
      socket->get_object().erase("token");
  }
  json::object out;
  out["path"] = path.string();
  out["exists"] = text.has_value();
  out["hash"] = identity::sha256_hex(text.has_value() ? text.value() : std::string());
  out["file"] = std::move(file);
  co_return Reply::ok(std::move(out));
}

// Connected nodes; the store of paired ones is not kept by this version.
Awaitable<Reply> node_list(ServerState& state, MethodCall) {
  json::array nodes;
  state.hub.for_each([&](Subscriber& subscriber) {
    const auto& client = subscriber.client();
    if (client.role != "node") return;
    json::object row{
        {"nodeId", client.device_id}, {"platform", client.platform}, {"version", client.version}};
    if (!client.display_name.empty()) row["displayName"] = client.display_name;
    row["caps"] = json::array{};
    row["commands"] = json::array{};
    row["paired"] = true;
    row["connected"] = true;
    nodes.emplace_back(std::move(row));
  });
  json::object out;
  out["ts"] = now_ms();
  out["nodes"] = std::move(nodes);
  co_return Reply::ok(std::move(out));
}

Awaitable<Reply> node_pair_list(ServerState&, MethodCall) {
  json::object out;
  out["pending"] = json::array{};
  out["paired"] = json::array{};
  co_return Reply::ok(std::move(out));
}

json::object no_totals() {
  json::object out;
  for (const auto* key :
       {"input", "output", "cacheRead", "cacheWrite", "totalTokens", "totalCost", "inputCost",
        "outputCost", "cacheReadCost", "cacheWriteCost", "missingCostEntries"}) {
    out[key] = 0;
  }
  return out;
}

Awaitable<Reply> usage_cost(ServerState&, MethodCall call) {
  json::object out;
  out["updatedAt"] = now_ms();
  out["days"] = int_param(call.params, "days", 30);
  out["daily"] = json::array{};
  out["totals"] = no_totals();
  co_return Reply::ok(std::move(out));
}

Awaitable<Reply> usage_status(ServerState&, MethodCall) {
  json::object out;
  out["updatedAt"] = now_ms();
  out["providers"] = json::array{};
  co_return Reply::ok(std::move(out));
}

Awaitable<Reply> sessions_usage(ServerState&, MethodCall call) {
  json::object messages{{"total", 0},     {"user", 0},        {"assistant", 0},
                        {"toolCalls", 0}, {"toolResults", 0}, {"errors", 0}};
  json::object tools{{"totalCalls", 0}, {"uniqueTools", 0}};
  tools["tools"] = json::array{};
  json::object aggregates;
  aggregates["messages"] = std::move(messages);
  aggregates["tools"] = std::move(tools);
  for (const auto* key : {"byModel", "byProvider", "byAgent", "byChannel", "daily"})
    aggregates[key] = json::array{};
  json::object out;
  out["updatedAt"] = now_ms();
  out["startDate"] = text_param(call.params, "startDate");
  out["endDate"] = text_param(call.params, "endDate");
  out["sessions"] = json::array{};
  out["totals"] = no_totals();
  out["aggregates"] = std::move(aggregates);
  co_return Reply::ok(std::move(out));
}

Awaitable<Reply> skills_status(ServerState& state, MethodCall) {
  json::object out;
  out["workspaceDir"] = "";
  out["managedSkillsDir"] = (state.state_dir() / "skills").string();
  out["skills"] = json::array{};
  co_return Reply::ok(std::move(out));
}

Awaitable<Reply> voicewake_get(ServerState&, MethodCall) {
  json::object out;
  out["triggers"] = json::array{};
  co_return Reply::ok(std::move(out));
}

Awaitable<Reply> memory_status(ServerState& state, MethodCall) {
  json::object out;
  out["agentId"] = session::default_agent(*state.snapshot());
  out["embedding"] =
      json::object{{"ok", false}, {"error", "memory search is not available in this version"}};
  co_return Reply::ok(std::move(out));
}

// Configuration is the only thing secrets come from, and a reload reads it anew.
Awaitable<Reply> secrets_reload(ServerState& state, MethodCall) {
  auto reloaded = state.services.config.reload();
  if (reloaded.has_error()) co_return Reply::failed(reloaded.error());
  co_return Reply::ok(
      json::object{{"ok", true}, {"warningCount", state.snapshot()->warnings().size()}});
}

}  // namespace

void add_operation_methods(std::vector<Method>& out) {
  out.push_back({"cron.status", "operator.read", nullptr, cron_status});
  out.push_back({"cron.list", "operator.read", nullptr, cron_list});
  out.push_back({"cron.runs", "operator.read", nullptr, cron_runs});
  out.push_back({"exec.approvals.get", "operator.admin", &kNothing, approvals_get});
  out.push_back({"node.list", "operator.read", nullptr, node_list});
  out.push_back({"node.pair.list", "operator.pairing", nullptr, node_pair_list});
  out.push_back({"usage.cost", "operator.read", nullptr, usage_cost});
  out.push_back({"usage.status", "operator.read", nullptr, usage_status});
  out.push_back({"sessions.usage", "operator.read", nullptr, sessions_usage, false});
  out.push_back({"skills.status", "operator.read", nullptr, skills_status});
  out.push_back({"voicewake.get", "operator.read", nullptr, voicewake_get});
  out.push_back({"doctor.memory.status", "operator.read", nullptr, memory_status});
  out.push_back({"secrets.reload", "operator.admin", nullptr, secrets_reload});
}

// Known to the protocol with their scope, so that a caller without it learns that first.
void add_absent_methods(std::vector<Method>& out) {
  struct Absent {
    std::string_view scope;
    std::vector<std::string_view> names;
  };
  const Absent kAbsent[] = {
      {"operator.read",
       {"tts.status", "tts.providers", "sessions.usage.timeseries", "sessions.usage.logs",
        "node.describe", "talk.config"}},
      {"operator.write",
       {"poll", "wake", "talk.mode", "tts.enable", "tts.disable", "tts.convert", "tts.setProvider",
        "voicewake.set", "node.invoke", "browser.request", "push.test", "node.pending.enqueue"}},
      {"operator.approvals",
       {"exec.approval.request", "exec.approval.waitDecision", "exec.approval.resolve"}},
      {"operator.pairing",
       {"node.pair.request", "node.pair.approve", "node.pair.reject", "node.pair.verify",
        "node.rename"}},
      {"operator.admin",
       {"agents.create",
        "agents.update",
        "agents.delete",
        "skills.install",
        "skills.update",
        "secrets.resolve",
        "cron.add",
        "cron.update",
        "cron.remove",
        "cron.run",
        "sessions.compact",
        "set-heartbeats",
        "config.openFile",
        "exec.approvals.set",
        "exec.approvals.node.get",
        "exec.approvals.node.set",
        "wizard.start",
        "wizard.next",
        "wizard.cancel",
        "wizard.status",
        "update.run"}}};
  for (const auto& group : kAbsent) {
    for (auto name : group.names) out.push_back({name, group.scope, nullptr, nullptr, false});
  }
  for (std::string_view name :
       {"node.invoke.result", "node.event", "node.pending.drain", "node.pending.pull",
        "node.pending.ack", "node.canvas.capability.refresh", "skills.bins"}) {
    out.push_back({name, "", nullptr, nullptr, false, true});
  }
}

}  // namespace openclaw::gateway
