// The tools read, write, edit and apply_patch.
#pragma once

#include "async/runtime.h"
#include "config/config.h"
#include "sandbox/sandbox_manager.h"
#include "tool/tool_router.h"

namespace openclaw::workspace {

// All arguments outlive the router's tools. Absolute paths outside of the workspace are for the
// owner, outside of sandboxes, and only where tools.fs.workspaceOnly (the agent's, else the global
// one) is not set; without a `config` they are for nobody.
void register_file_tools(tool::ToolRouter& router, sandbox::SandboxManager& sandboxes,
                         Runtime& runtime, config::ConfigStore* config = nullptr);

// tools.fs.workspaceOnly as it holds for an agent.
bool workspace_only(const json::object& config, std::string_view agent_id);

}  // namespace openclaw::workspace
