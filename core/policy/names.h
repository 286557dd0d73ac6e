// Names as the policy reads them: groups, profiles, patterns, and folding without allocation. Pure
// functions; any thread. Private to the policy room.
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

namespace openclaw::policy {

// Trimmed and lower-cased copy on the stack; the hot path folds ids with it. Longer texts go to the
// heap.
class Folded {
 public:
  explicit Folded(std::string_view text);
  // "<provider>/<model>", or the model alone when it holds a slash already.
  Folded(std::string_view provider, std::string_view model);
  Folded(const Folded&) = delete;
  Folded& operator=(const Folded&) = delete;
  std::string_view view() const { return view_; }

 private:
  std::array<char, 192> stack_;
  std::string heap_;
  std::string_view view_;
};

std::string_view trimmed(std::string_view text) noexcept;
std::string folded(std::string_view text);
// Trimmed, lower case, one leading "@" removed: how senders are compared.
std::string folded_sender(std::string_view text);

// Anchored; "*" matches any run of characters, everything else is literal.
bool glob_matches(std::string_view pattern, std::string_view name) noexcept;

// Allow list of a profile. Null for "full" and for names that are no profile: no restriction.
const std::vector<std::string>* profile_allow(std::string_view profile);
bool is_profile_name(std::string_view profile);
// A name that some version of the product uses for a core tool, registered here or not.
bool is_known_core_tool(std::string_view name);
const std::vector<std::string>& known_core_tools();

// The group a session key belongs to: "<channel>:group:<id>" or "<channel>:channel:<id>", with
// threads and a "subagent:" prefix looked through. Views into `key`; empty when it names no group.
struct GroupContext {
  std::string_view channel, group_id;
};
GroupContext group_of_session(std::string_view key) noexcept;
// How often the key says "subagent".
int subagent_depth_of_session(std::string_view key) noexcept;

}  // namespace openclaw::policy
