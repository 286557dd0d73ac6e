// InitFrames: what openclaw-sandbox-init says, cut into frames. Its bytes may come from whoever
// broke out of a command, so a frame that is not one ends the reading. Pure.
#pragma once

#include <string>
#include <string_view>

#include "init/protocol.h"

namespace openclaw::docker {

class InitFrames {
 public:
  struct Frame {
    sandbox_init::Kind kind;
    std::uint32_t command;
    std::string_view payload;  // until the next call
  };
  enum class Found { kFrame, kIncomplete, kBroken };

  void append(std::string_view bytes) { bytes_.append(bytes); }
  // What an earlier gateway did not read comes first, and ends anywhere: drops all before the end
  // of `mark`. False: it has not come yet.
  bool skip_past(std::string_view mark);
  Found next(Frame& frame);

 private:
  void drop_read();

  std::string bytes_;
  std::size_t read_ = 0;  // of `bytes_`
};

// A frame for the helper.
std::string init_frame(sandbox_init::Kind kind, std::uint32_t command, std::string_view payload);

}  // namespace openclaw::docker
