// RateLimiter: counts wrong secrets by address and by credential and locks out. Loop thread only.
//
// On for everybody, loopback and browsers included; no field a client sends can switch it off. A
// lock-out is checked before the secret is compared, so guesses during it never reach the comparer.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <string>
#include <string_view>

namespace openclaw::gateway {

struct RateLimits {
  int max_attempts = 10;
  std::chrono::milliseconds window{60000};
  std::chrono::milliseconds lockout{300000};
};

class RateLimiter {
 public:
  using Clock = std::chrono::steady_clock;
  using Now = std::function<Clock::time_point()>;
  explicit RateLimiter(Now now = {});

  // Zero when an attempt may be made, else how long to wait.
  std::chrono::milliseconds locked_for(std::string_view key);
  // Answers true when this failure locks the key out.
  bool failed(std::string_view key, const RateLimits& limits);
  void succeeded(std::string_view key);
  std::size_t size() const { return entries_.size(); }

 private:
  struct Entry {
    std::deque<Clock::time_point> failures;
    Clock::time_point locked_until{};
    Clock::time_point last{};
  };
  void make_room();

  Now now_;
  std::map<std::string, Entry, std::less<>> entries_;
};

// Counts calls, not failures: config writes. Answers zero, or how long to wait.
class CallBudget {
 public:
  CallBudget(int calls, std::chrono::milliseconds window, RateLimiter::Now now = {});
  std::chrono::milliseconds take(std::string_view key);

 private:
  int calls_;
  std::chrono::milliseconds window_;
  RateLimiter::Now now_;
  std::map<std::string, std::deque<RateLimiter::Clock::time_point>, std::less<>> taken_;
};

}  // namespace openclaw::gateway
