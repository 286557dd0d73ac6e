// Words that count as a mention of an agent in a group: agents.list[].groupChat.mentionPatterns of
// that agent, else messages.groupChat.mentionPatterns. An agent's own empty list switches the
// general one off. Loop thread only.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/config.h"
#include "config/text_pattern.h"

namespace openclaw::channel {

class MentionPatterns {
 public:
  // An expression that does not compile matches nothing; the check of the configuration refuses it.
  bool found_in(std::string_view text, const config::Config& config, std::string_view agent_id);

 private:
  std::map<std::string, std::optional<config::TextPattern>, std::less<>> compiled_;
};

// The expressions that count for the agent.
std::vector<std::string> mention_patterns(const config::Config& config, std::string_view agent_id);

}  // namespace openclaw::channel
