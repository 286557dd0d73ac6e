// What people see on a terminal while an answer takes more than a second.
#pragma once

#include <chrono>
#include <string>

#include <boost/asio/steady_timer.hpp>

#include "async/runtime.h"

namespace openclaw::cli {

// One line on standard error that counts seconds and is wiped in the end; nothing where standard error
// is no terminal. Loop thread only; the loop must not run on after its destruction.
class WaitingLine {
 public:
  WaitingLine(Runtime& runtime, std::string what);
  ~WaitingLine();
  WaitingLine(const WaitingLine&) = delete;
  WaitingLine& operator=(const WaitingLine&) = delete;

 private:
  void count();

  const std::string what_;
  asio::steady_timer timer_;
  const std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
  bool shown_ = false;
};

}  // namespace openclaw::cli
