// SessionQueue: one turn at a time per session. A later message steers the running turn, which
// takes it before its next model call, or waits until that turn has ended. Loop thread only.
#pragma once

#include <deque>
#include <map>
#include <string>
#include <vector>

#include "agent/run.h"

namespace openclaw::agent {

class SessionQueue {
 public:
  static constexpr std::size_t kMaxWaiting = 32;
  enum class Turn { kOwn, kSteered };

  explicit SessionQueue(Runtime& runtime) : runtime_(runtime) {}

  // Returns when it is this run's turn (leave() must follow) or when the running turn has taken its
  // message. kResourceExhausted when too many wait; kCancelled and kDeadlineExceeded from the run's
  // limits.
  Awaitable<Result<Turn>> enter(RunPtr run);
  void leave(const std::string& session_key, const Run& run);
  // Runs whose messages the running turn of the session now takes over, oldest first.
  std::vector<RunPtr> take_steering(const std::string& session_key);
  bool is_running(std::string_view session_key) const { return lanes_.contains(session_key); }

 private:
  struct Waiter {
    RunPtr run;
    Completer<Turn> go;
  };
  struct Lane {
    RunPtr running;
    std::deque<Waiter> waiting;
  };
  Runtime& runtime_;
  std::map<std::string, Lane, std::less<>> lanes_;
};

}  // namespace openclaw::agent
