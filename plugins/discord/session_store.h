// SessionStore: what must outlive a restart, in the host's key-value store: the gateway session
// with the number of the last event that the host has on disk, the last message stored of each
// channel, and when sessions were begun. Strand only.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include <openclaw/plugin.hpp>

#include "flow.h"
#include "gateway_payload.h"

namespace discord {

// The last message of a channel that the host has, and where that channel is.
struct LastSeen {
  std::string message_id, guild_id, parent_id;
};

class SessionStore {
 public:
  explicit SessionStore(openclaw::Plugin& plugin) : plugin_(plugin) {}

  // Of one bot: another bot's session is not taken up.
  openclaw::Flow<openclaw::Nothing> load(std::string bot_id);
  // What has changed since the last time.
  openclaw::Flow<openclaw::Nothing> save();

  const Session& session() const { return session_; }
  void begin(Session session);
  void forget();
  // Events of `session_id` up to `seq` are with the host. Of another session than the current one
  // it says nothing.
  void commit(const std::string& session_id, std::int64_t seq);

  // An older id than the known one changes nothing.
  void note_message(const std::string& channel_id, LastSeen seen);
  void forget_channel(const std::string& channel_id);
  const std::map<std::string, LastSeen>& last_seen() const { return last_seen_; }

  // Wall clock, milliseconds: when a new session may be begun. Many in a short time are a loop of
  // crashes, and the service resets the token of a bot that goes on with it.
  std::int64_t next_begin_ms(std::int64_t now_ms) const;
  void note_begin(std::int64_t now_ms);

 private:
  openclaw::Flow<std::string> read(std::string key);
  openclaw::Flow<openclaw::Nothing> write(std::string key, std::string value);
  void read_session(const std::string& text);
  void read_channels(const std::string& text);

  openclaw::Plugin& plugin_;
  std::string bot_id_;
  Session session_;
  std::vector<std::int64_t> begun_;
  std::map<std::string, LastSeen> last_seen_;
  bool session_changed_ = false, channels_changed_ = false;
};

}  // namespace discord
