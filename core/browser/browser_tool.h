// The tool `browser`: the browser of a sandboxed session. So far it is started, stopped and looked
// at; driving it is to come.
#pragma once

#include "sandbox/sandbox_manager.h"
#include "tool/tool_router.h"

namespace openclaw::browser {

// `sandboxes` outlives the router's tools.
void register_browser_tool(tool::ToolRouter& router, sandbox::SandboxManager& sandboxes);

}  // namespace openclaw::browser
