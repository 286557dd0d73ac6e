// Pauses: waits on the strand that end early, one by one or all together, so that nothing waits
// when the account stops. Strand only.
#pragma once

#include <cstdint>
#include <map>
#include <memory>

#include <openclaw/plugin.hpp>

#include "flow.h"

namespace parts {

class Pauses {
 public:
  explicit Pauses(openclaw::Timer& timer) : timer_(timer) {}

  // Set `*handle`, when given, to what wake() takes while the pause lasts. Ends at once after
  // close().
  openclaw::Flow<openclaw::Nothing> wait(std::uint64_t ms, std::uint64_t* handle = nullptr);
  void wake(std::uint64_t handle);
  // Ends all, and every later one at once.
  void close();
  void open() { closed_ = false; }

 private:
  struct Wait : openclaw::Waiter {
    std::uint64_t timer = 0;
  };
  openclaw::Timer& timer_;
  std::map<std::uint64_t, Wait*> waits_;
  std::uint64_t last_ = 0;
  bool closed_ = false;
};

// Admits one at a time, in order. What waits is woken with enter() false after close().
class Turnstile {
 public:
  struct Ticket : openclaw::Waiter {
    bool admitted = false, out = false;
  };
  // `ticket` is the caller's own and lives until leave(). False: full.
  bool enter(Ticket& ticket, std::size_t most);
  // After admission, or instead of it.
  void leave(Ticket& ticket);
  bool busy() const { return !queue_.empty(); }

 private:
  std::map<std::uint64_t, Ticket*> queue_;  // the first is inside
  std::uint64_t last_ = 0;
};

}  // namespace parts
