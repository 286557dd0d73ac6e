// health, status, identity, presence, logs, channels, models, tools: what a client asks to see how
// things are.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gateway/agents_catalogue.h"
#include "gateway/server_state.h"
#include "gateway/tool_entry.h"
#include "logging/logging.h"
#include "sandbox/explain.h"
#include "sandbox/sandbox_browsers.h"

namespace openclaw::gateway {
namespace {

using Kind = Param::Kind;

constexpr std::int64_t kMaxLogLines = 5000;
constexpr std::int64_t kMaxLogBytes = 1000000;

Awaitable<Reply> health(ServerState& state, MethodCall call) {
  auto payload = co_await state.health.get(state, bool_param(call.params, "probe", false));
  state.health.refresh_later(state);
  co_return Reply::ok(std::move(payload));
}

Awaitable<Reply> status(ServerState& state, MethodCall call) {
  auto payload = co_await collect_status(state, call.client->is_admin());
  co_return Reply::ok(std::move(payload));
}

Awaitable<Reply> gateway_identity(ServerState& state, MethodCall) {
  co_return Reply::ok(json::object{{"deviceId", state.identity.device_id},
                                   {"publicKey", state.identity.public_key}});
}

Awaitable<Reply> system_presence(ServerState& state, MethodCall) {
  co_return Reply::ok(state.presence.list(now_ms()));
}

Awaitable<Reply> system_event(ServerState& state, MethodCall call) {
  auto text = text_param(call.params, "text");
  if (text.find_first_not_of(" \t\r\n") == std::string::npos)
    co_return Reply::invalid("text required");
  auto entry = call.params;
  auto key = text_param(entry, "deviceId",
                        text_param(entry, "instanceId", text_param(entry, "host", "system")));
  state.presence.note(key, std::move(entry), now_ms());
  state.broadcast_presence();
  co_return Reply::ok(json::object{{"ok", true}});
}

Awaitable<Reply> last_heartbeat(ServerState&, MethodCall) {
  co_return Reply::ok(nullptr);
}

Awaitable<Reply> models_list(ServerState& state, MethodCall) {
  auto models = co_await state.services.agents.models(Limits::within(std::chrono::seconds(10)));
  if (models.has_error()) co_return Reply::failed(models.error());
  json::object out;
  out["models"] = std::move(models.value());
  co_return Reply::ok(std::move(out));
}

json::object tool_row(const tool::ToolSpec& spec) {
  json::object row{{"id", spec.name},
                   {"label", spec.label.empty() ? spec.name : spec.label},
                   {"description", spec.description},
                   {"source", spec.plugin_id.empty() ? "core" : "plugin"}};
  if (!spec.plugin_id.empty()) row["pluginId"] = spec.plugin_id;
  row["defaultProfiles"] = json::array{};
  return row;
}

Awaitable<Reply> tools_catalog(ServerState& state, MethodCall call) {
  auto config = state.snapshot();
  auto agent = session::normalise_agent_id(
      text_param(call.params, "agentId", session::default_agent(*config)));
  if (!agent_exists(*config, agent)) co_return Reply::invalid("unknown agent id \"" + agent + "\"");
  bool plugins = bool_param(call.params, "includePlugins", true);
  json::array groups;
  std::map<std::string, std::size_t> index;
  for (const auto* spec : state.services.tools.catalogue()) {
    if (!plugins && !spec->plugin_id.empty()) continue;
    auto id = spec->plugin_id.empty() ? spec->group : "plugin:" + spec->plugin_id;
    auto [place, is_new] = index.emplace(id, groups.size());
    if (is_new) {
      json::object group{{"id", id},
                         {"label", spec->plugin_id.empty() ? spec->group : spec->plugin_id}};
      group["source"] = spec->plugin_id.empty() ? "core" : "plugin";
      if (!spec->plugin_id.empty()) group["pluginId"] = spec->plugin_id;
      group["tools"] = json::array{};
      groups.emplace_back(std::move(group));
    }
    groups[place->second].get_object()["tools"].get_array().emplace_back(tool_row(*spec));
  }
  json::array profiles;
  for (const auto* id : {"minimal", "coding", "messaging", "full"}) {
    std::string label = id;
    label[0] = static_cast<char>(label[0] - 'a' + 'A');
    profiles.emplace_back(json::object{{"id", id}, {"label", label}});
  }
  json::object out;
  out["agentId"] = agent;
  out["profiles"] = std::move(profiles);
  out["groups"] = std::move(groups);
  co_return Reply::ok(std::move(out));
}

Awaitable<Reply> channels_status(ServerState& state, MethodCall call) {
  auto time = std::clamp<std::int64_t>(int_param(call.params, "timeoutMs", 10000), 100, 60000);
  auto payload = co_await state.services.channels.status(
      bool_param(call.params, "probe", false), Limits::within(std::chrono::milliseconds(time)));
  payload["ts"] = now_ms();
  static constexpr std::pair<const char*, bool> kParts[] = {
      {"channelOrder", true},         {"channelLabels", false},
      {"channelDetailLabels", false}, {"channelSystemImages", false},
      {"channelMeta", true},          {"channels", false},
      {"channelAccounts", false},     {"channelDefaultAccountId", false}};
  for (const auto& [key, is_array] : kParts) {
    if (!payload.contains(key))
      payload[key] = is_array ? json::value(json::array{}) : json::value(json::object{});
  }
  co_return Reply::ok(std::move(payload));
}

// With a channel it also waits for what becomes of that account.
Awaitable<Reply> channels_apply(ServerState& state, MethodCall call) {
  auto reloaded = state.services.config.reload();
  if (reloaded.has_error()) co_return Reply::failed(reloaded.error());
  co_await state.services.channels.apply_config();
  json::object out{{"ok", true}};
  if (auto channel = text_param(call.params, "channel"); !channel.empty()) {
    std::chrono::milliseconds wait(int_param(call.params, "timeoutMs", 15'000));
    out["account"] = co_await state.services.channels.first_result(
        std::move(channel), text_param(call.params, "accountId", "default"), Deadline::after(wait));
  }
  co_return Reply::ok(std::move(out));
}

struct LogPiece {
  json::array lines;
  std::int64_t cursor = 0, size = 0;
  bool truncated = false, reset = false;
};

// Reads whole lines only; runs on the blocking pool.
Result<LogPiece> read_log(const std::string& path, std::int64_t cursor, std::int64_t limit,
                          std::int64_t max_bytes) {
  LogPiece out;
  int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return out;
  struct stat info {};
  if (::fstat(fd, &info) == 0) out.size = info.st_size;
  bool given = cursor >= 0;
  if (given && (cursor > out.size || out.size - cursor > max_bytes))
    out.reset = out.truncated = true;
  auto start = given && !out.reset ? cursor : std::max<std::int64_t>(out.size - max_bytes, 0);
  bool partial_first = start > 0 && !(given && !out.reset);
  std::string text(static_cast<std::size_t>(out.size - start), '\0');
  auto got = ::pread(fd, text.data(), text.size(), start);
  ::close(fd);
  text.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
  if (partial_first) {
    auto newline = text.find('\n');
    text.erase(0, newline == std::string::npos ? text.size() : newline + 1);
    out.truncated = true;
  }
  auto end = text.rfind('\n');
  auto unfinished = end == std::string::npos ? text.size() : text.size() - end - 1;
  out.cursor = out.size - static_cast<std::int64_t>(unfinished);
  std::vector<std::string_view> lines;
  std::string_view rest(text);
  rest.remove_suffix(unfinished);
  while (!rest.empty()) {
    auto newline = rest.find('\n');
    if (newline > 0) lines.push_back(rest.substr(0, newline));
    rest.remove_prefix(newline + 1);
  }
  auto skip = lines.size() > static_cast<std::size_t>(limit)
                  ? lines.size() - static_cast<std::size_t>(limit)
                  : 0;
  out.truncated |= skip > 0;
  for (std::size_t i = skip; i < lines.size(); ++i) out.lines.emplace_back(lines[i]);
  return out;
}

Awaitable<Reply> logs_tail(ServerState& state, MethodCall call) {
  auto file = logging::current_file();
  if (file.empty()) file = logging::file_for_today(state.state_dir() / "logs");
  auto cursor = int_param(call.params, "cursor", -1);
  auto limit = int_param(call.params, "limit", 500);
  auto bytes = int_param(call.params, "maxBytes", 250000);
  logging::flush();
  std::function<Result<LogPiece>()> work = [path = file.string(), cursor, limit, bytes] {
    return read_log(path, cursor, limit, bytes);
  };
  auto piece = co_await run_blocking<LogPiece>(
      state.services.runtime, Limits::within(std::chrono::seconds(10)), std::move(work));
  if (piece.has_error()) co_return Reply::failed(piece.error());
  json::object out;
  out["file"] = file.string();
  out["cursor"] = piece.value().cursor;
  out["size"] = piece.value().size;
  out["lines"] = std::move(piece.value().lines);
  out["truncated"] = piece.value().truncated;
  out["reset"] = piece.value().reset;
  co_return Reply::ok(std::move(out));
}

Awaitable<Reply> plugins_list(ServerState& state, MethodCall) {
  json::array plugins;
  for (const auto& info : state.services.plugins.list()) {
    json::array instances;
    for (const auto& id : info.instances) instances.emplace_back(id);
    json::object row{
        {"id", info.id}, {"origin", info.origin}, {"version", info.version}, {"abi", info.abi}};
    row["library"] = info.library.string();
    row["state"] = plugin::state_name(info.state);
    if (!info.reason.empty()) row["reason"] = info.reason;
    row["name"] = info.manifest.name;
    row["description"] = info.manifest.description;
    json::array provides;
    for (const auto& id : info.manifest.provides) provides.emplace_back(id);
    row["provides"] = std::move(provides);
    row["instances"] = std::move(instances);
    plugins.emplace_back(std::move(row));
  }
  json::object out;
  out["plugins"] = std::move(plugins);
  co_return Reply::ok(std::move(out));
}

Awaitable<Reply> sandbox_list(ServerState& state, MethodCall) {
  auto list = co_await state.services.sandboxes.list(Limits::within(std::chrono::seconds(20)));
  if (list.has_error()) co_return Reply::failed(list.error());
  json::array containers;
  for (const auto& info : list.value()) {
    containers.emplace_back(sandbox::container_row(info));
  }
  json::array browsers;
  if (auto* rooms = state.services.sandboxes.browsers()) {
    auto found = co_await rooms->list(Limits::within(std::chrono::seconds(20)));
    if (found.has_error()) co_return Reply::failed(found.error());
    for (const auto& info : found.value()) browsers.emplace_back(sandbox::container_row(info));
  }
  json::object out;
  out["containers"] = std::move(containers);
  out["browsers"] = std::move(browsers);
  co_return Reply::ok(std::move(out));
}

Awaitable<Reply> sandbox_recreate(ServerState& state, MethodCall call) {
  auto config = state.snapshot();
  auto key = text_param(call.params, "sessionKey");
  if (!key.empty()) {
    auto canonical = session::canonical_key(key, *config);
    if (canonical.has_error()) co_return Reply::failed(canonical.error());
    key = canonical.value();
  }
  auto agent = text_param(call.params, "agentId");
  auto limits = Limits::within(std::chrono::minutes(2));
  json::array names;
  if (auto* browsers = state.services.sandboxes.browsers()) {
    auto removed = co_await browsers->recreate(key, agent, limits);
    if (removed.has_error()) co_return Reply::failed(removed.error());
    for (const auto& name : removed.value()) names.emplace_back(name);
  }
  if (!bool_param(call.params, "browser", false)) {
    auto removed = co_await state.services.sandboxes.recreate(
        key, agent, bool_param(call.params, "force", false), limits);
    if (removed.has_error()) co_return Reply::failed(removed.error());
    for (const auto& name : removed.value()) names.emplace_back(name);
  }
  json::object out;
  out["ok"] = true;
  out["removed"] = std::move(names);
  co_return Reply::ok(std::move(out));
}

Awaitable<Reply> sandbox_prune(ServerState& state, MethodCall) {
  json::array names;
  for (const auto& name : co_await state.services.sandboxes.sweep()) names.emplace_back(name);
  json::object out;
  out["ok"] = true;
  out["removed"] = std::move(names);
  co_return Reply::ok(std::move(out));
}

const ParamTable kChannelsApply{{{"channel", Param::Kind::kText},
                                 {"accountId", Param::Kind::kText},
                                 {"timeoutMs", Param::Kind::kInteger, false, 1, 60'000}}};
const ParamTable kHealth{{{"probe", Kind::kBoolean}}};
const ParamTable kToolsCatalog{{{"agentId", Kind::kText}, {"includePlugins", Kind::kBoolean}}};
const ParamTable kChannelsStatus{
    {{"probe", Kind::kBoolean}, {"timeoutMs", Kind::kInteger, false, 0}}};
const ParamTable kLogsTail{{{"cursor", Kind::kInteger, false, 0},
                            {"limit", Kind::kInteger, false, 1, kMaxLogLines},
                            {"maxBytes", Kind::kInteger, false, 1, kMaxLogBytes}}};
const ParamTable kToolsInvoke{{{"tool", Kind::kText, true},
                               {"args", Kind::kObject},
                               {"sessionKey", Kind::kText, false, 0, 512},
                               {"agentId", Kind::kText, false, 0, 64}}};
const ParamTable kRecreate{{{"sessionKey", Kind::kText, false, 0, 512},
                            {"agentId", Kind::kText, false, 0, 64},
                            {"browser", Kind::kBoolean},
                            {"force", Kind::kBoolean}}};

}  // namespace

void add_core_methods(std::vector<Method>& out) {
  out.push_back({"health", "", nullptr, health});
  out.push_back({"status", "operator.read", nullptr, status});
  out.push_back({"logs.tail", "operator.read", &kLogsTail, logs_tail});
  out.push_back({"channels.status", "operator.read", &kChannelsStatus, channels_status});
  out.push_back({"models.list", "operator.read", &kNothing, models_list});
  out.push_back({"tools.catalog", "operator.read", &kToolsCatalog, tools_catalog});
  out.push_back({"gateway.identity.get", "operator.read", nullptr, gateway_identity});
  out.push_back({"system-presence", "operator.read", nullptr, system_presence});
  out.push_back({"system-event", "operator.admin", nullptr, system_event});
  out.push_back({"last-heartbeat", "operator.read", nullptr, last_heartbeat});
  // Our own.
  out.push_back({"tools.invoke", "operator.admin", &kToolsInvoke, rpc_tools_invoke});
  out.push_back({"sandbox.list", "operator.admin", &kNothing, sandbox_list});
  out.push_back({"sandbox.prune", "operator.admin", &kNothing, sandbox_prune});
  out.push_back({"sandbox.recreate", "operator.admin", &kRecreate, sandbox_recreate});
  out.push_back({"plugins.list", "operator.admin", &kNothing, plugins_list});
  out.push_back({"channels.apply", "operator.admin", &kChannelsApply, channels_apply});
}

}  // namespace openclaw::gateway
