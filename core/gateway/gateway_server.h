// GatewayServer: the HTTP and WebSocket face of the gateway on one port (default 127.0.0.1:18789): probes,
// /tools/invoke, /v1/chat/completions, the page, and protocol v3. Loop thread only.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "agent/agent_service.h"
#include "channel/channel_service.h"
#include "config/config.h"
#include "plugin/plugin_host.h"
#include "sandbox/sandbox_manager.h"
#include "session/session_store.h"
#include "tool/tool_router.h"

namespace openclaw::gateway {

// Borrowed; all outlive the server.
struct Services {
  Runtime& runtime;
  config::ConfigStore& config;
  plugin::PluginHost& plugins;
  tool::ToolRouter& tools;
  sandbox::SandboxManager& sandboxes;
  session::SessionStore& sessions;
  agent::AgentService& agents;
  channel::ChannelService& channels;
};

struct ServerOptions {
  std::string bind_mode = "loopback";  // loopback, lan, tailnet, auto, custom
  std::string custom_host;
  std::uint16_t port = 18789;          // 0: any free one
  std::string version;
};

class GatewayServer {
 public:
  static std::unique_ptr<GatewayServer> create(Services services, ServerOptions options);
  virtual ~GatewayServer() = default;
  // Binds and listens. The error of a taken port names who may hold it and what to type.
  virtual Result<void> start() = 0;
  virtual std::uint16_t port() const = 0;
  virtual std::vector<std::string> addresses() const = 0;
  // Sends `shutdown` with the reason, closes with 1012, stops accepting.
  virtual Awaitable<> stop(std::string reason, Deadline deadline) = 0;
};

}  // namespace openclaw::gateway
