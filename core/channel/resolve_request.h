// Names that are to become ids: RPC `channels.resolve`.
#pragma once

#include <string>
#include <vector>

namespace openclaw::channel {

struct ResolveRequest {
  std::string channel, account;      // account empty: "default", or the only one
  std::string kind = "auto";         // "user" and "group": nothing else is looked at
  std::vector<std::string> entries;  // "@alice", "#general", "user:123", "Ada"
};

}  // namespace openclaw::channel
