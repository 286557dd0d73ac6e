// ServerState: what the parts of the gateway's network face share: services, devices, clients,
// runs, caches. Made by GatewayServer, passed to every handler. Loop thread only.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

#include "async/task_scope.h"
#include "gateway/auth.h"
#include "gateway/chat_events.h"
#include "gateway/frame_channel.h"
#include "gateway/gateway_server.h"
#include "gateway/health.h"
#include "gateway/hub.h"
#include "gateway/method_registry.h"
#include "gateway/presence.h"
#include "gateway/run_table.h"
#include "identity/device_identity.h"
#include "identity/device_store.h"

namespace openclaw::gateway {

std::int64_t now_ms();

struct ServerState {
  ServerState(Services s, ServerOptions o, identity::DeviceIdentity own);
  ServerState(const ServerState&) = delete;
  ServerState& operator=(const ServerState&) = delete;

  Services services;
  ServerOptions options;
  identity::DeviceIdentity identity;
  identity::DeviceStore devices;
  RateLimiter limiter;
  AuthGuard guard;
  Hub hub;
  Presence presence;
  RunTable runs;
  ChatEvents chat;
  HealthCache health;
  MethodRegistry methods;
  CallBudget config_writes;
  Deadline::Clock::time_point started;
  std::uint16_t port = 0;
  bool heartbeats_enabled = true;
  bool stopping = false;
  // Last: stopped and joined before anything above goes away.
  TaskScope tasks;

  const config::Config& config() const { return *snapshot_for_now(); }
  config::Snapshot snapshot() const { return services.config.current(); }
  const std::filesystem::path& state_dir() const { return services.config.paths().state_dir; }
  // Read anew when the configuration changed: a rotated secret counts at once.
  const AuthSettings& auth();
  const std::string& response_headers();
  std::int64_t uptime_ms() const;
  StateVersion versions() const { return {presence.version(), health.version()}; }

  std::shared_ptr<FrameReceiver> make_client(const Peer& peer);
  // Sees what the CLI wrote; not while our own write is on its way.
  void refresh_devices();
  // Writes what changed in `devices`, in order, on the blocking pool. Durable when it returns.
  Awaitable<Result<void>> save_devices();
  void save_devices_later();
  void broadcast_presence();

 private:
  const config::Snapshot& snapshot_for_now() const;
  mutable config::Snapshot held_;
  config::Snapshot auth_for_;
  AuthSettings auth_;
  std::string response_headers_;
  bool saving_ = false;
  std::vector<std::shared_ptr<Event>> save_waiters_;
};

}  // namespace openclaw::gateway
