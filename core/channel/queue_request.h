// What is asked of the messages that are not sent: RPC `message.queue.list`, `.retry` and `.drop`.
#pragma once

#include <cstdint>
#include <string>

namespace openclaw::channel {

struct QueueRequest {
  enum class Kind { kList, kRetry, kDrop };
  Kind kind = Kind::kList;
  std::string channel = {}, account = {};  // list, and retry of all: only theirs
  std::string state = {};                  // list: "queued", "sending", "ambiguous" or "dead"
  std::int64_t id = 0;                     // retry, drop; 0: retry all that were given up
  std::int64_t limit = 200;                // list: the newest so many
};

}  // namespace openclaw::channel
