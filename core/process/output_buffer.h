// OutputBuffer: what a command printed, bounded. Keeps the beginning and the end and says how much
// is missing between them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace openclaw::process {

class OutputBuffer {
 public:
  explicit OutputBuffer(std::size_t limit = 200'000) : limit_(limit) {}

  void append(std::string_view data);
  // Everything kept: beginning, a note of the bytes cut, end.
  std::string text() const;
  // What came since the last call; cut at its beginning when too much.
  std::string take_new();
  bool has_new() const { return unread_cut_ > 0 || !unread_.empty(); }
  // The last `bytes` at most.
  std::string tail(std::size_t bytes) const;
  std::uint64_t total_bytes() const { return total_; }

 private:
  std::size_t limit_;
  std::string head_, tail_, unread_;
  std::uint64_t total_ = 0, unread_cut_ = 0;
};

}  // namespace openclaw::process
