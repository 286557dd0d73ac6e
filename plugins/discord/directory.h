// Directory: what is known of servers and channels, as far as messages need it: which server a
// channel is in, which channel a thread hangs on, which role is the bot's own. Learnt from gateway
// events and from answers; bounded. Pure.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "json_fields.h"

namespace discord {

namespace json = boost::json;

struct Channel {
  std::string guild_id;   // empty: a direct chat
  std::string parent_id;  // of a thread: the channel it hangs on; empty for all others
  std::string name;       // of a direct chat: the other person's
  bool direct = false;
  bool own_thread = false;  // the bot opened it
};

class Directory {
 public:
  explicit Directory(std::string bot_id) : bot_id_(std::move(bot_id)) {}

  // A dispatch that is about servers, channels or threads; others are ignored.
  void learn(std::string_view type, const json::value& data);
  // One channel object of the service.
  void add_channel(const json::object& channel, std::string_view guild_id = {});
  void add_channel(std::string_view id, Channel channel);
  void add_roles(std::string_view guild_id, const json::array& roles);

  const Channel* channel(std::string_view id) const;
  // The role that the service made for the bot in this server; empty: none or unknown.
  std::string own_role(std::string_view guild_id) const;
  bool knows_roles(std::string_view guild_id) const;
  const std::string& bot_id() const { return bot_id_; }
  std::size_t channels() const { return channels_.size(); }

 private:
  void add_list(const json::object& in, std::string_view key, std::string_view guild_id);
  void forget_guild(std::string_view guild_id);

  std::string bot_id_;
  std::map<std::string, Channel, std::less<>> channels_;
  std::map<std::string, std::string, std::less<>> own_roles_;  // by server
};

}  // namespace discord
