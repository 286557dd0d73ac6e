// What stays of conversations when their messages have been answered, so that people and agents can
// read back and find whom they know: messages that access let in, and whom they came from. A
// stranger leaves nothing here. Store::prune() holds the record to the limits below.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include <boost/json.hpp>

namespace openclaw::channel {

inline constexpr std::int64_t kMostHeard = 10'000;
inline constexpr std::int64_t kKeepHeardMs = 7LL * 24 * 60 * 60 * 1000;
inline constexpr std::size_t kMostHeardText = 16 * 1024;  // of one message; the rest is cut
inline constexpr std::int64_t kMostPeers = 10'000;
inline constexpr std::int64_t kKeepPeersMs = 90LL * 24 * 60 * 60 * 1000;
inline constexpr std::size_t kMostPeerName = 128;  // bytes

// A message that was let in.
struct Heard {
  std::string instance;
  std::string chat, chat_title, thread;
  bool direct = false;
  std::string message_id, text;
  std::string sender_id, sender_name, sender_username;
};

// What of an event goes on record; files are named in the text.
Heard heard_from(const std::string& instance, const boost::json::object& event);

// Somebody whose message was let in, or a group or channel where that happened.
struct Peer {
  bool group = false;
  std::string id, name, username;
  std::string chat;  // of a person: the direct chat, where the platform gives it an id of its own
  std::int64_t seen_ms = 0;
};

struct RecordedMessage {
  bool own = false;  // the bot's
  std::string message_id, thread, sender_id, sender_name, text;
  std::int64_t at_ms = 0;
};

// Which messages: of one chat, the newest ones.
struct RecordQuery {
  std::string instance, chat;
  std::string thread;  // empty: whatever the thread
  std::int64_t limit = 20;
};

}  // namespace openclaw::channel
