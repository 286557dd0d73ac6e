// What the exec and the process tool share; private to this room.
#pragma once

#include "config/config.h"
#include "process/command_sessions.h"
#include "process/process_tools.h"
#include "sandbox/sandbox_manager.h"
#include "tool/tool_router.h"

namespace openclaw::process {

struct SharedState final : ProcessTools {
  SharedState(tool::ToolRouter& r, sandbox::SandboxManager& s, Runtime& rt, config::ConfigStore& c)
      : router(r), sandboxes(s), runtime(rt), config(c), sessions(rt) {}
  Awaitable<> stop(Deadline deadline) override { co_await sessions.stop(deadline); }
  std::size_t running() const override { return sessions.running(); }

  tool::ToolRouter& router;
  sandbox::SandboxManager& sandboxes;
  Runtime& runtime;
  config::ConfigStore& config;
  CommandSessions sessions;
};

std::unique_ptr<tool::Tool> make_exec_tool(std::shared_ptr<SharedState> state);
std::unique_ptr<tool::Tool> make_process_tool(std::shared_ptr<SharedState> state);

// "exit code 0", "ended by signal 9 (Killed)", "killed: the time limit of 30 s passed".
std::string end_text(const CommandSession& session);
// status, exitCode or signal, durationMs, cwd, sandboxed.
json::object end_details(const CommandSession& session);

}  // namespace openclaw::process
