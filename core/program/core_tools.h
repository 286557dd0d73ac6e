// The tools that are part of the program, registered with the gate, and what a gateway would offer
// altogether under a configuration, known without running one.
#pragma once

#include <memory>
#include <vector>

#include "async/runtime.h"
#include "config/config.h"
#include "policy/tool_policy.h"

namespace openclaw::agent {
class AgentService;
}
namespace openclaw::channel {
class ChannelService;
}
namespace openclaw::process {
class ProcessTools;
}
namespace openclaw::sandbox {
class SandboxManager;
}
namespace openclaw::session {
class SessionStore;
}
namespace openclaw::tool {
class ToolRouter;
}

namespace openclaw::gateway {

// What the tools work with. Everything outlives the router.
struct ToolRooms {
  Runtime& runtime;
  config::ConfigStore& config;
  sandbox::SandboxManager& sandboxes;
  session::SessionStore& sessions;
  agent::AgentService& agents;
  channel::ChannelService* channels = nullptr;  // null where no gateway runs
};
// Answers what must be stopped before the rooms are: commands that run in the background.
std::shared_ptr<process::ProcessTools> add_core_tools(tool::ToolRouter& router,
                                                      const ToolRooms& rooms);

// Core's tools and those that the manifests of usable tool plugins promise. Runs no plugin code.
std::vector<policy::ToolFacts> offered_tools(const config::Paths& paths,
                                             const config::Snapshot& config);

}  // namespace openclaw::gateway
