// Tools of a tool plugin, registered with the router like core's own. What the manifest promises
// and tool.list confirms is offered; nothing else, whatever the plugin answers at run time.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "plugin/plugin_host.h"
#include "tool/tool_router.h"

namespace openclaw::tool {

// The tools of a manifest's "tools" list; entries that describe no tool are left out, with the
// reason in `problems`. Pure.
std::vector<ToolSpec> plugin_tool_specs(const plugin::Manifest& manifest,
                                        std::vector<std::string>& problems);

// Asks the running `instance` for its list and adds what both name. A name that is taken, or a
// schema that is none, is logged and left out. `router` and `host` outlive the tools. The caller
// removes them with ToolRouter::remove_plugin before the last instance goes. [loop thread]
Awaitable<Result<void>> add_plugin_tools(ToolRouter& router, plugin::PluginHost& host,
                                         plugin::PluginInstance& instance,
                                         Limits limits = Limits::within(std::chrono::seconds(10)));

// A completion of tool.invoke as a result: {"content","isError","details"}, or any other JSON as
// text. Bounded.
ToolResult plugin_tool_result(const json::value& answer);

}  // namespace openclaw::tool
