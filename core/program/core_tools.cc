#include "program/core_tools.h"

#include <algorithm>

#include "agent/agent_service.h"
#include "browser/browser_tool.h"
#include "channel/message_tool.h"
#include "plugin/plugin_host.h"
#include "process/process_tools.h"
#include "program/workbench.h"
#include "session/session_store.h"
#include "tool/plugin_tools.h"
#include "tool/tool_router.h"
#include "workspace/file_tools.h"

namespace openclaw::gateway {

std::shared_ptr<process::ProcessTools> add_core_tools(tool::ToolRouter& router,
                                                      const ToolRooms& rooms) {
  workspace::register_file_tools(router, rooms.sandboxes, rooms.runtime, &rooms.config);
  auto commands =
      process::register_process_tools(router, rooms.sandboxes, rooms.runtime, rooms.config);
  browser::register_browser_tool(router, rooms.sandboxes);
  channel::register_message_tool(router, rooms.channels, rooms.config);
  agent::add_session_tools(router, rooms.agents, rooms.sessions, rooms.config);
  return commands;
}

std::vector<policy::ToolFacts> offered_tools(const config::Paths& paths,
                                             const config::Snapshot& config) {
  Workbench bench(paths, config);
  tool::ToolRouter router(bench.runtime());
  auto sessions = session::SessionStore::create(bench.runtime(), bench.config());
  auto agents = agent::AgentService::create(bench.runtime(), bench.config(), bench.plugins(),
                                            *sessions, router, bench.sandboxes());
  add_core_tools(router, {bench.runtime(), bench.config(), bench.sandboxes(), *sessions, *agents});
  auto facts = router.facts();
  for (const auto& info : bench.plugins().list()) {
    const auto& provides = info.manifest.provides;
    bool has_tools = std::find(provides.begin(), provides.end(), "openclaw.tool/1") != provides.end();
    if (!info.usable || !has_tools) continue;
    std::vector<std::string> problems;
    for (const auto& spec : tool::plugin_tool_specs(info.manifest, problems)) {
      bool taken = std::any_of(facts.begin(), facts.end(),
                               [&](const auto& fact) { return fact.name == spec.name; });
      if (!taken) {
        facts.push_back({spec.name, spec.plugin_id, spec.owner_only, spec.is_channel_tool});
      }
    }
  }
  bench.take_down(agents.get());
  return facts;
}

}  // namespace openclaw::gateway
