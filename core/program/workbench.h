// Workbench: the rooms that a command needs when it does by itself what a gateway would do. Nothing
// listens, no channel is connected, and plugins are loaded only when they are asked.
#pragma once

#include <memory>

#include "async/runtime.h"
#include "config/config.h"
#include "plugin/host_services.h"
#include "plugin/plugin_host.h"
#include "sandbox/sandbox_manager.h"

namespace openclaw::agent {
class AgentService;
}

namespace openclaw::gateway {

// One thread: the caller's, which is the loop during run().
class Workbench {
 public:
  Workbench(const config::Paths& paths, const config::Snapshot& config);
  ~Workbench();
  Workbench(const Workbench&) = delete;
  Workbench& operator=(const Workbench&) = delete;

  Runtime& runtime() { return runtime_; }
  config::ConfigStore& config() { return *config_; }
  plugin::PluginHost& plugins() { return *plugins_; }
  sandbox::SandboxManager& sandboxes() { return *sandboxes_; }

  // Runs the loop until the task has ended.
  void run(Awaitable<> task);
  // Stops everything in order; before that nothing may be destroyed. `agents` may be null.
  void take_down(agent::AgentService* agents = nullptr);

 private:
  Runtime runtime_;
  std::unique_ptr<plugin::HostServices> services_;
  std::unique_ptr<plugin::PluginHost> plugins_;
  std::unique_ptr<config::ConfigStore> config_;
  std::unique_ptr<sandbox::SandboxManager> sandboxes_;
  bool down_ = false;
};

}  // namespace openclaw::gateway
