// Rules that a schema cannot say: values that fit their type and are still refused, each with the
// way out. Pure: no files, no environment. [any-thread]
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "result.h"

namespace openclaw::config {

struct RuleProblem {
  std::string path;
  std::string message;
  bool is_warning = false;
  bool at_key = false;
};

// Folders that belong to the user who runs the gateway; empty when unknown.
struct RuleContext {
  std::string home;
  std::string state_dir;
};

std::vector<RuleProblem> check_rules(const json::object& root, const RuleContext& context);

// --- shared with the sandbox backend, which asks again when a container is made ---

// "docker.network": the reason why it is refused. Case and spaces do not matter.
std::optional<std::string> refused_network(std::string_view network, bool allow_namespace_join);
// The reason why a container must not see this host path, looked at as text: `..` and double
// slashes are folded, links are not followed. Callers that may look at the disk check the canonical
// path as well.
std::optional<std::string> refused_bind_source(std::string_view source, const RuleContext& context);
// One entry of docker.binds, "source:target[:options]".
struct BindSpec {
  std::string source, target, options;
};
std::optional<BindSpec> split_bind(std::string_view entry);
// A setup command that installs packages needs a network, a writable root and root itself. `docker`
// is the merged section. Names the keys that stand in the way; nothing when the command can work.
std::optional<std::string> setup_conflict(const json::object& docker);

bool is_ip_address(std::string_view text);
// An address or a range, 10.0.0.0/8.
bool is_cidr(std::string_view text);

namespace detail {
void check_sandbox_rules(const json::object& root, const RuleContext& context,
                         std::vector<RuleProblem>& out);
void check_tool_rules(const json::object& root, std::vector<RuleProblem>& out);
}  // namespace detail

}  // namespace openclaw::config
