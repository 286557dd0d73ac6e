#include "channel/mention_patterns.h"

#include <algorithm>

#include "json_fields.h"
#include "session/session_key.h"

namespace openclaw::channel {
namespace {

constexpr std::size_t kMostCompiled = 256;
constexpr const char* kKey = "mentionPatterns";

std::vector<std::string> strings_of(const json::value& list) {
  std::vector<std::string> out;
  if (!list.is_array()) return out;
  for (const json::value& item : list.get_array()) {
    if (item.is_string()) out.emplace_back(item.get_string());
  }
  return out;
}

}  // namespace

std::vector<std::string> mention_patterns(const config::Config& config, std::string_view agent_id) {
  const json::value* agents = config.find("agents.list");
  if (agents != nullptr && agents->is_array()) {
    for (const json::value& item : agents->get_array()) {
      if (!item.is_object() ||
          session::normalise_agent_id(text_of(item.get_object(), "id")) != agent_id)
        continue;
      const json::value* own = object_of(item.get_object(), "groupChat").if_contains(kKey);
      if (own != nullptr) return strings_of(*own);
    }
  }
  return config.get_strings(std::string("messages.groupChat.") + kKey);
}

bool MentionPatterns::found_in(std::string_view text, const config::Config& config,
                               std::string_view agent_id) {
  const std::vector<std::string> patterns = mention_patterns(config, agent_id);
  return std::any_of(patterns.begin(), patterns.end(), [&](const std::string& expression) {
    auto found = compiled_.find(expression);
    if (found == compiled_.end()) {
      if (compiled_.size() >= kMostCompiled)
        compiled_.clear();  // the configuration has changed often
      auto compiled = config::TextPattern::compile(expression);
      found =
          compiled_
              .emplace(expression, compiled.has_value() ? std::optional(*compiled) : std::nullopt)
              .first;
    }
    return found->second && found->second->found_in(text);
  });
}

}  // namespace openclaw::channel
