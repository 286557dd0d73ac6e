// `sandbox explain`: the resolved sandbox of an agent and session, the source of each value, the
// policy lists and, when a tool is named, its verdict. Works without a running gateway.
#pragma once

#include <string>
#include <string_view>

#include "config/config.h"
#include "policy/tool_policy.h"
#include "result.h"

namespace openclaw::sandbox {

struct ContainerInfo;

// `policy` may be null: then there are no lists and no verdict. `tool` may be empty. `caller` says
// who asks when a tool is named; its agent, session and sandboxed fields are filled in here.
json::object explain_json(const config::Config& config, const config::Paths& paths,
                          std::string_view agent_id, std::string_view session_key,
                          const policy::ToolPolicy* policy, std::string_view tool = {},
                          policy::Caller caller = {});
// The same for people.
std::string explain_text(const json::object& explained);

// One row of `sandbox list`, as the gateway and the command line give it.
json::object container_row(const ContainerInfo& info);

}  // namespace openclaw::sandbox
