// Compiled by single_gate_check.cmake, with and without CALL_RUN; never linked.
#include "tool/tool_router.h"

namespace openclaw::tool {

const ToolSpec& look(Tool& tool) {
  return tool.spec();
}
#ifdef CALL_RUN
auto around_the_gate(Tool& tool) {
  return tool.run(ToolCall{}, Limits{});
}
#endif

}  // namespace openclaw::tool
