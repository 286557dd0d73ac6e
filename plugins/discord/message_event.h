// One message of the service -> one channel event (plugin-api/PAYLOADS.md, "channel"). Pure;
// hostile input is expected: nothing throws, nothing is trusted to have a type.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "directory.h"
#include "json_fields.h"

namespace discord {

struct Parsed {
  enum class Kind {
    kEvent,    // `event` goes to the host
    kIgnored,  // nothing a person said to the agent: the bot's own, other bots', service messages
    kPoison,   // not understood; `event` holds it raw, so that the queue can move on
  } kind = Kind::kIgnored;
  std::string channel_id, message_id;  // empty when there are none
  std::string guild_id, parent_id;     // of an event; empty in direct chats
  json::object event;
};

// `type`: MESSAGE_CREATE or MESSAGE_UPDATE. `fallback_key` names a message that has no id.
Parsed parse_message(std::string_view type, const json::value& data, const Directory& directory,
                     std::string_view account, std::string_view fallback_key);

// The copy of another message that this one passes on, with its words and files; null: it is none
// of these.
const json::object* forwarded_in(const json::object& message);

// A slash command: the same event as if it had been typed. Its conversation has the key
// "interaction", by which the reply finds the answer it takes the place of. Or the press of a
// button: a callback.
Parsed parse_interaction(const json::value& data, const Directory& directory,
                         std::string_view account);

// A person's reaction to a message: MESSAGE_REACTION_ADD. The service gives it no id, so `key` (the
// session and its sequence) tells one that is replayed from one that was put there once more.
// `toSelf` is there when the service says whose message it is.
Parsed parse_reaction(const json::value& data, const Directory& directory, std::string_view account,
                      std::string_view key);

// What has to be known before the message can be read rightly.
struct Unknown {
  std::string channel_id;  // a channel of a server that the directory does not have
  std::string guild_id;    // a server whose roles it does not have, and the message names some
};
Unknown unknown_in(const json::value& message, const Directory& directory);

}  // namespace discord
