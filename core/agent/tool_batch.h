// The tool calls of one answer: all at once, results in the order of the calls. Loop thread only.
#pragma once

#include <string>
#include <vector>

#include "agent/run.h"
#include "async/task_scope.h"
#include "tool/tool_router.h"

namespace openclaw::agent {

// Emits the tool events of the run. A call that could not run (denied, unknown, bad arguments) is a
// result with is_error; one that the abort cut short says so. Ends soon after an abort even when a
// tool does not.
Awaitable<std::vector<tool::ToolResult>> run_tools(Runtime& runtime, TaskScope& tasks,
                                                   tool::ToolRouter& router, RunPtr run,
                                                   policy::Caller caller, json::array content);

}  // namespace openclaw::agent
