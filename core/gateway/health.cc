#include "gateway/health.h"

#include <spdlog/spdlog.h>

#include "gateway/agents_catalogue.h"
#include "gateway/server_state.h"

namespace openclaw::gateway {
namespace {

constexpr std::int64_t kFreshMs = 60000;
constexpr std::chrono::seconds kProbeTime{10};
constexpr std::size_t kRecent = 5;
constexpr std::size_t kRecentRows = 10;
constexpr std::int64_t kHeartbeatSeconds = 1800;

json::object heartbeat_of(bool enabled) {
  return {{"enabled", enabled}, {"every", "30m"},   {"everyMs", kHeartbeatSeconds * 1000},
          {"prompt", ""},       {"target", "none"}, {"ackMaxChars", 300}};
}

std::int64_t updated_at(const json::object& row) {
  return int_param(row, "updatedAt", 0);
}

json::object recent_entry(const json::object& row, std::int64_t now) {
  return {{"key", text_param(row, "key")},
          {"updatedAt", updated_at(row)},
          {"age", now - updated_at(row)}};
}

json::object sessions_summary(const ServerState& state, const std::string& agent,
                              const std::vector<json::object>& rows, std::int64_t now) {
  json::array recent;
  for (std::size_t i = 0; i < rows.size() && i < kRecent; ++i)
    recent.emplace_back(recent_entry(rows[i], now));
  return {{"path", state.services.sessions.sessions_dir(agent) + "/sessions.json"},
          {"count", rows.size()},
          {"recent", std::move(recent)}};
}

json::object status_row(const json::object& row, const std::string& agent, std::int64_t now) {
  json::object out{{"agentId", agent},
                   {"key", text_param(row, "key")},
                   {"kind", session_kind(row)},
                   {"sessionId", text_param(row, "sessionId")},
                   {"updatedAt", updated_at(row)},
                   {"age", now - updated_at(row)},
                   {"abortedLastRun", bool_param(row, "abortedLastRun", false)},
                   {"totalTokensFresh", bool_param(row, "totalTokensFresh", false)},
                   {"model", text_param(row, "model")},
                   {"flags", json::array{"id:" + text_param(row, "sessionId")}}};
  for (const auto* key :
       {"inputTokens", "outputTokens", "cacheRead", "cacheWrite", "totalTokens", "contextTokens"}) {
    if (const auto* value = row.if_contains(key)) out[key] = *value;
  }
  auto total = int_param(row, "totalTokens", 0);
  auto context = int_param(row, "contextTokens", 0);
  if (total > 0 && context > 0) {
    out["remainingTokens"] = std::max<std::int64_t>(context - total, 0);
    out["percentUsed"] = std::min<std::int64_t>(total * 100 / context, 999);
  }
  return out;
}

}  // namespace

Awaitable<json::object> HealthCache::get(ServerState& state, bool probe) {
  if (!probe && !payload_.empty() && now_ms() - collected_at_ < kFreshMs) co_return payload_;
  co_return co_await collect(state, probe);
}

Awaitable<json::object> HealthCache::collect(ServerState& state, bool probe) {
  auto now = now_ms();
  auto begun = Deadline::Clock::now();
  auto config = state.snapshot();
  auto channels = co_await state.services.channels.status(probe, Limits::within(kProbeTime));
  json::array agents;
  json::object main_sessions;
  auto default_agent = session::default_agent(*config);
  for (const auto& agent : agent_ids(*config)) {
    auto rows = co_await state.services.sessions.list(agent);
    static const std::vector<json::object> kNone;
    auto summary = sessions_summary(state, agent, rows.has_value() ? rows.value() : kNone, now);
    if (agent == default_agent) main_sessions = summary;
    agents.emplace_back(json::object{{"agentId", agent},
                                     {"isDefault", agent == default_agent},
                                     {"heartbeat", heartbeat_of(false)},
                                     {"sessions", std::move(summary)}});
  }
  auto part = [&](const char* key, json::value otherwise) {
    auto* value = channels.if_contains(key);
    return value ? *value : std::move(otherwise);
  };
  json::object out{{"ok", true}, {"ts", now}};
  auto took =
      std::chrono::duration_cast<std::chrono::milliseconds>(Deadline::Clock::now() - begun).count();
  out["durationMs"] = took;
  out["channels"] = part("channels", json::object{});
  out["channelOrder"] = part("channelOrder", json::array{});
  out["channelLabels"] = part("channelLabels", json::object{});
  out["heartbeatSeconds"] = kHeartbeatSeconds;
  out["defaultAgentId"] = default_agent;
  out["agents"] = std::move(agents);
  out["sessions"] = std::move(main_sessions);
  payload_ = std::move(out);
  collected_at_ = now;
  ++version_;
  co_return payload_;
}

void HealthCache::refresh_later(ServerState& state) {
  if (refreshing_ || state.stopping) return;
  refreshing_ = true;
  state.tasks.spawn("health", refresh(state));
}

Awaitable<> HealthCache::refresh(ServerState& state) {
  auto& cache = state.health;
  co_await cache.collect(state, false);
  cache.refreshing_ = false;
  auto version = state.versions();
  state.hub.broadcast("health", cache.payload_, Hub::Delivery::kSure, {}, &version);
}

Awaitable<json::object> collect_status(ServerState& state, bool with_details) {
  auto config = state.snapshot();
  auto now = now_ms();
  json::array heartbeats;
  json::array by_agent;
  json::array paths;
  std::vector<json::object> recent;
  std::int64_t count = 0;
  for (const auto& agent : agent_ids(*config)) {
    heartbeats.emplace_back(json::object{{"agentId", agent},
                                         {"enabled", false},
                                         {"every", "30m"},
                                         {"everyMs", kHeartbeatSeconds * 1000}});
    auto rows = co_await state.services.sessions.list(agent);
    if (rows.has_error()) continue;
    count += static_cast<std::int64_t>(rows.value().size());
    auto path = state.services.sessions.sessions_dir(agent) + "/sessions.json";
    json::array own;
    for (std::size_t i = 0; with_details && i < rows.value().size() && i < kRecentRows; ++i) {
      auto row = status_row(rows.value()[i], agent, now);
      own.emplace_back(row);
      recent.push_back(std::move(row));
    }
    if (with_details) paths.emplace_back(path);
    by_agent.emplace_back(json::object{{"agentId", agent},
                                       {"path", with_details ? path : std::string()},
                                       {"count", rows.value().size()},
                                       {"recent", std::move(own)}});
  }
  std::stable_sort(recent.begin(), recent.end(),
                   [](const auto& a, const auto& b) { return updated_at(a) > updated_at(b); });
  json::array rows;
  for (std::size_t i = 0; i < recent.size() && i < kRecentRows; ++i) rows.emplace_back(recent[i]);
  auto channels = co_await state.services.channels.status(false, Limits::within(kProbeTime));
  json::array summary;
  if (const auto* order = channels.if_contains("channelOrder"); order && order->is_array())
    summary = order->get_array();
  json::object heartbeat{{"defaultAgentId", session::default_agent(*config)},
                         {"agents", std::move(heartbeats)}};
  json::object defaults{{"model", default_model(*config)}, {"contextTokens", nullptr}};
  json::object sessions;
  sessions["paths"] = std::move(paths);
  sessions["count"] = count;
  sessions["defaults"] = std::move(defaults);
  sessions["recent"] = std::move(rows);
  sessions["byAgent"] = std::move(by_agent);
  json::object out;
  out["runtimeVersion"] = state.options.version;
  out["heartbeat"] = std::move(heartbeat);
  out["channelSummary"] = std::move(summary);
  out["queuedSystemEvents"] = json::array{};
  out["sessions"] = std::move(sessions);
  co_return out;
}

}  // namespace openclaw::gateway
