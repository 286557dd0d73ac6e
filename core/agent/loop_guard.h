// LoopGuard: notices a model that makes the same tool call again and again and gets the same
// answer. Pure.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "result.h"

namespace openclaw::agent {

class LoopGuard {
 public:
  static constexpr int kNoteAt = 3;
  static constexpr int kStopAt = 5;

  // How often in a row this call has had this result, this time included.
  int count(std::string_view tool, const json::object& args, std::string_view result) {
    auto& seen = calls_[std::string(tool) + ' ' + json::serialize(args)];
    auto hash = std::hash<std::string_view>{}(result);
    seen.times = seen.times > 0 && seen.hash == hash ? seen.times + 1 : 1;
    seen.hash = hash;
    return seen.times;
  }
  static std::string note(int times) {
    return "[Note: this exact call has now given the same result " + std::to_string(times) +
           " times. Repeating it will not help; do something else or answer.]";
  }

 private:
  struct Seen {
    std::size_t hash = 0;
    int times = 0;
  };
  std::map<std::string, Seen> calls_;
};

}  // namespace openclaw::agent
