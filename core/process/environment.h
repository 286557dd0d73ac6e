// What a command sees of the gateway's environment: a short list, never the rest.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "result.h"

namespace openclaw::process {

using Variables = std::vector<std::pair<std::string, std::string>>;

// The gateway's own variables that commands on the host inherit (PATH, HOME, LANG ...), and nothing
// else.
Variables host_environment();
// Names a caller may not set for a command on the host: they change what programs load or run.
bool changes_program_behaviour(std::string_view name);
// kInvalidArgument names the first variable that is malformed, or on the host refused.
Result<void> check_variables(const Variables& variables, bool on_host);

}  // namespace openclaw::process
