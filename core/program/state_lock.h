// StateLock: one gateway per state directory; two would race for the same files and platform
// connections.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "result.h"

namespace openclaw::gateway {

// Holds the lock until it is destroyed, or until the process ends in whatever way.
class StateLock {
 public:
  StateLock() = default;
  ~StateLock();
  StateLock(const StateLock&) = delete;
  StateLock& operator=(const StateLock&) = delete;

  // Blocks for up to a second while the lock is held. kAlreadyExists names who holds it.
  Result<void> take(const std::filesystem::path& state_dir);

 private:
  int fd_ = -1;
};

// The process id (as text) of the gateway that runs on this state directory; nothing when none
// does.
std::optional<std::string> running_gateway(const std::filesystem::path& state_dir);

}  // namespace openclaw::gateway
