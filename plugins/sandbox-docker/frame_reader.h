// FrameReader: splits the multiplexed stream of an exec without a terminal into stdout and stderr.
// Each frame has 8 bytes of head: kind, three zeros, length (big-endian).
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace openclaw::docker {

class FrameReader {
 public:
  using Sink = std::function<void(bool is_stderr, std::string_view piece)>;
  // Calls `sink` for what is complete of the payload so far; frames may be cut anywhere. False: the
  // stream is not one of this kind, nothing more is read.
  bool feed(std::string_view data, const Sink& sink);

 private:
  std::string head_;
  std::uint32_t left_ = 0;
  bool is_stderr_ = false, broken_ = false;
};

}  // namespace openclaw::docker
