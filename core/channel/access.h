// Who may talk to the agent over a channel, and who may do more: a pure function of the account's
// config, the ids approved by pairing, and the facts of one event. Ids only, never names, since
// names change hands; a kind of chat this file does not know is refused.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "result.h"

namespace openclaw::channel {

// Platforms whose rooms lie in spaces (servers, teams): where the config has the table of spaces,
// and each space that of its rooms. Empty: the platform has none.
struct SpaceKeys {
  std::string spaces, rooms;
};

// The account's config: the channel's keys with the account's over them. Values point into the
// snapshot's copy.
struct AccessRules {
  json::object config;
  SpaceKeys keys = {};
  json::object defaults;                      // channels.defaults
  std::vector<std::string> owner_allow_from;  // commands.ownerAllowFrom
};

struct AccessFacts {
  std::string channel;
  std::string chat_type;  // "direct", "group", "channel", anything else is refused
  std::string chat_id, thread_id;
  std::string space_id;   // the space that the chat is a room of
  std::string parent_id;  // the room that this one, a thread, hangs on
  std::string sender_id;  // empty: nobody signed it
  std::vector<std::string> sender_roles = {};
  bool anonymous = false;  // sent in the name of a group or channel
  bool mentioned = false;
  bool for_other = false;   // a command that names another bot
  bool is_command = false;  // begins with a slash command this program answers
};

struct Access {
  enum class Verdict {
    kAllow,
    kPair,    // a stranger who is told a pairing code
    kDeny,    // not answered, so that a stranger learns nothing
    kIgnore,  // allowed, but not addressed to the agent
  } verdict = Verdict::kDeny;
  std::string reason;  // for the log and `status`
  bool is_owner = false;
  bool may_command = false;
};

// Whether it matters to decide_access() who is paired.
bool asks_who_is_paired(const AccessRules& rules, const AccessFacts& facts);
// `paired`: ids from the credentials file; they open direct messages and nothing else.
Access decide_access(const AccessRules& rules, const AccessFacts& facts,
                     const std::vector<std::string>& paired);

// "telegram:123", "tg:123", " 123 " -> "123"; "*" stays.
std::string plain_sender_id(std::string_view written, std::string_view channel);
// Who may write directly: "dmPolicy" and "allowFrom", or "policy" and "allowFrom" in "dm".
std::string direct_policy(const json::object& config, std::string_view otherwise);
std::vector<std::string> direct_allow_from(const json::object& config, std::string_view channel);
// The ids under `key` (numbers are read as ids too).
std::vector<std::string> ids_at(const json::object& config, std::string_view key,
                                std::string_view channel);
std::string string_or(const json::object& config, std::string_view key, std::string_view otherwise);
bool bool_or(const json::object& config, std::string_view key, bool otherwise);

}  // namespace openclaw::channel
