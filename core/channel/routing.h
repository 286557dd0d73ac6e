// Which agent answers a conversation: config `bindings`, the most specific match first.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "config/config.h"

namespace openclaw::channel {

struct RoutedPeer {
  std::string channel, account = "default";
  std::string kind;                     // "direct", "group", "channel"
  std::string id;                       // the person or the chat
  std::string thread_id;                // a topic's binding beats its group's
  std::string parent_id = {};           // a thread's room, whose binding is the thread's too
  std::string space_id = {};            // the server that the room is in ("guildId" of a binding)
  std::vector<std::string> roles = {};  // the sender's there
};

// The agent's normalised id; the default agent when nothing matches.
std::string route_agent(const config::Config& config, const RoutedPeer& peer);

}  // namespace openclaw::channel
