// StartTimes: how long the last messages of an account took from the plugin's hands to the disk,
// and to the start of their turn. Waiting behind earlier messages of the conversation counts. Loop
// thread only.
#pragma once

#include <chrono>
#include <cstddef>
#include <vector>

#include <boost/json.hpp>

namespace openclaw::channel {

class StartTimes {
 public:
  using Duration = std::chrono::steady_clock::duration;
  void add(Duration until_stored, Duration until_turn);
  // {"messages":N,"storedMs":{"p50":..,"p99":..},"turnMs":{"p50":..,"p99":..}} over the last 200;
  // null before the first.
  boost::json::value summary() const;

 private:
  struct Times {
    float stored_ms, turn_ms;
  };
  std::vector<Times> last_;  // a ring once it is full
  std::size_t next_ = 0;
};

}  // namespace openclaw::channel
