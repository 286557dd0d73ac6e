// What the process environment adds to a configuration: overrides by OPENCLAW_* variables and the
// text of
// ${NAME} in values.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/config.h"

namespace openclaw::config {

// Value of a variable; nothing when unset. Tests give their own.
using EnvironmentReader = std::function<std::optional<std::string>(const std::string& name)>;
EnvironmentReader process_environment();

// Replaces ${NAME} in every text of the tree ($${NAME} stays as ${NAME}) and
// {"source":"env","id":NAME} objects. Looks at `read` first, then at the tree's own env section. A
// name without a value is an issue.
void substitute_variables(json::object& root, const EnvironmentReader& read,
                          std::vector<Issue>& issues);

// OPENCLAW_GATEWAY_PORT and so on put into the tree. Answers path -> variable.
std::map<std::string, std::string, std::less<>> apply_overrides(json::object& root,
                                                                const EnvironmentReader& read);

}  // namespace openclaw::config
