// A plain look at a container engine: is its socket there, may we use it, does it answer, has it the
// image. The backend plugin does the real work; this finds out what a person has to type first.
#pragma once

#include <string>

namespace openclaw::cli {

struct EngineLook {
  enum class State { kReady, kNoSocket, kNoPermission, kNoAnswer, kNoImage } state = State::kReady;
  std::string detail;  // one sentence
  std::string fix;     // command to type; empty when ready
};

// `address` is "unix:/path". Blocks for at most a few seconds.
EngineLook look_at_engine(const std::string& address, const std::string& image);

}  // namespace openclaw::cli
