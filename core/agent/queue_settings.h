// QueueSettings: what happens to messages that come to a session while its turn runs. From
// messages.queue.*, and over it what /queue said for the session. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "config/config.h"
#include "result.h"

namespace openclaw::agent {

enum class QueueMode {
  kSteer,         // into the running turn, before its next model call
  kFollowup,      // each is a turn of its own, afterwards
  kCollect,       // one turn for all of them, afterwards
  kSteerBacklog,  // into the running turn, and a turn of its own afterwards
  kInterrupt      // the running turn is aborted
};
// Of more than `cap` messages: the oldest or the newest are let go, or the oldest are shortened to
// a line each.
enum class QueueDrop { kOld, kNew, kSummarize };

struct QueueSettings {
  QueueMode mode = QueueMode::kCollect;
  bool chosen = false;               // somebody has set the mode
  std::int64_t debounce_ms = 1'000;  // quiet time before the turn of what has waited begins
  std::int64_t cap = 20;
  QueueDrop drop = QueueDrop::kSummarize;
};

// `entry`: the session's entry, as sessions.json has it. `channel` in lower case; may be empty.
QueueSettings queue_settings(const config::Config& config, std::string_view channel,
                             const json::object& entry);

// The changes of the session's entry that "/queue <rest>" asks for; the error says what may be
// written. `rest` is not empty.
Result<json::object> parse_queue_command(std::string_view rest);
// "collect debounce:1000ms cap:20 drop:summarize": what one can write after /queue.
std::string queue_text(const QueueSettings& settings);

}  // namespace openclaw::agent
