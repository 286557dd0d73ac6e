// The tools `exec` (run a command) and `process` (manage what runs in the background).
#pragma once

#include <memory>

#include "async/runtime.h"
#include "config/config.h"
#include "sandbox/sandbox_manager.h"
#include "tool/tool_router.h"

namespace openclaw::process {

// What the two tools share. The router's tools keep it alive.
class ProcessTools {
 public:
  virtual ~ProcessTools() = default;
  // Kills all commands and waits until they are gone.
  virtual Awaitable<> stop(Deadline deadline) = 0;
  virtual std::size_t running() const = 0;
};

// All arguments outlive the router's tools. Commands of a sandboxed session run in its sandbox,
// others on the host in the agent's workspace.
std::shared_ptr<ProcessTools> register_process_tools(tool::ToolRouter& router,
                                                     sandbox::SandboxManager& sandboxes,
                                                     Runtime& runtime, config::ConfigStore& config);

}  // namespace openclaw::process
