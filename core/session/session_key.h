// Session keys: "agent:<agentId>:<rest>", lower case. See the reference: canonical forms, aliases, threads.
#pragma once

#include <string>
#include <string_view>

#include "config/config.h"
#include "result.h"

namespace openclaw::session {

struct KeyParts {
  std::string agent_id;
  std::string rest;       // "main", "telegram:group:-100123", "subagent:<uuid>", "openai:<uuid>"
  std::string channel;    // "telegram" when rest names one
  std::string group_id;   // set for group and channel keys (topics included)
  std::string thread_id;
  int subagent_depth = 0;
  bool is_main = false;
};

// `[a-z0-9][a-z0-9_-]{0,63}`; other characters become '-'; empty becomes "main".
std::string normalise_agent_id(std::string_view id);
// Canonical key for what a caller wrote ("main", "x", "agent:a:main", ...). kInvalidArgument: malformed.
Result<std::string> canonical_key(std::string_view written, const config::Config& config,
                                  std::string_view default_agent = {});
Result<KeyParts> parse_key(std::string_view canonical, const config::Config& config);
std::string main_key(const config::Config& config, std::string_view agent_id);
std::string default_agent(const config::Config& config);

// Key of a conversation on a channel, by session.dmScope and identity links.
struct Conversation {
  std::string channel, account = "default";
  std::string type;  // "direct", "group", "channel"
  std::string peer_id, peer_username;  // direct: the person
  std::string chat_id, thread_id;
};
std::string conversation_key(const config::Config& config, std::string_view agent_id,
                             const Conversation& conversation);

}  // namespace openclaw::session
