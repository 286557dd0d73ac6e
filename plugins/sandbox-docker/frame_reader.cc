#include "frame_reader.h"

#include <algorithm>

namespace openclaw::docker {

bool FrameReader::feed(std::string_view data, const Sink& sink) {
  while (!data.empty() && !broken_) {
    if (left_ == 0) {
      std::size_t n = std::min<std::size_t>(8 - head_.size(), data.size());
      head_.append(data.substr(0, n));
      data.remove_prefix(n);
      if (head_.size() < 8) break;
      auto byte = [&](std::size_t i) {
        return static_cast<std::uint32_t>(static_cast<unsigned char>(head_[i]));
      };
      if (byte(0) > 2 || byte(1) != 0 || byte(2) != 0 || byte(3) != 0) {
        broken_ = true;
        break;
      }
      is_stderr_ = byte(0) == 2;
      left_ = byte(4) << 24 | byte(5) << 16 | byte(6) << 8 | byte(7);
      head_.clear();
    } else {
      std::size_t n = std::min<std::size_t>(left_, data.size());
      sink(is_stderr_, data.substr(0, n));
      data.remove_prefix(n);
      left_ -= static_cast<std::uint32_t>(n);
    }
  }
  return !broken_;
}

}  // namespace openclaw::docker
