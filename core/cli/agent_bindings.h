// The `bindings` of the configuration, edited as `openclaw agents bind` and `unbind` do it: whole
// channels and accounts. Entries for peers and guilds are left alone. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "result.h"

namespace openclaw::cli {

// What a binding matches, without peers: "telegram" (its default account), "telegram:work",
// "telegram:*" (every account).
struct BindingSpec {
  std::string channel, account;  // account empty: none was written
};
// kInvalidArgument for what is no channel[:account].
Result<BindingSpec> parse_binding(std::string_view text);

struct BindingChanges {
  json::array bindings;  // the list as it becomes
  std::vector<std::string> added, updated, skipped, removed, missing;
  std::vector<std::string> conflicts;  // "telegram (agent home)": another agent has it
  bool changed() const { return !added.empty() || !updated.empty() || !removed.empty(); }
};
// What another agent has stays there and is a conflict. A binding of the agent for the channel's
// default account is updated when it gets an account.
BindingChanges add_bindings(const json::array& bindings, const std::string& agent,
                            const std::vector<BindingSpec>& specs);
BindingChanges remove_bindings(const json::array& bindings, const std::string& agent,
                               const std::vector<BindingSpec>& specs);
// Everything that leads to the agent, peers and guilds too.
BindingChanges remove_all_bindings(const json::array& bindings, const std::string& agent);

// "telegram", "telegram accountId=work", "discord peer=channel:123": as people read it.
std::string describe_match(const json::object& match);
// The agent of a binding, normalised; empty when it names none.
std::string bound_agent(const json::value& binding);

}  // namespace openclaw::cli
