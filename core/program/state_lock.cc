#include "program/state_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <chrono>
#include <thread>

namespace openclaw::gateway {
namespace {

std::string holder_of(int fd) {
  char holder[32] = {};
  auto size = pread(fd, holder, sizeof holder - 1, 0);
  std::string pid(holder, size > 0 ? static_cast<std::size_t>(size) : 0);
  if (auto end = pid.find('\n'); end != std::string::npos) pid.resize(end);
  return pid;
}

// running_gateway() of another process may hold it for a moment: that is no gateway.
bool lock_exclusively(int fd) {
  constexpr int kTries = 10;
  for (int i = 0; i < kTries; ++i) {
    if (flock(fd, LOCK_EX | LOCK_NB) == 0) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return false;
}

}  // namespace

Result<void> StateLock::take(const std::filesystem::path& state_dir) {
  auto file = state_dir / "gateway.lock";
  fd_ = open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd_ < 0) return Error(Code::kUnavailable, "Cannot open " + file.string());
  if (lock_exclusively(fd_)) {
    std::string pid = std::to_string(getpid()) + "\n";
    if (ftruncate(fd_, 0) == 0 && pwrite(fd_, pid.data(), pid.size(), 0) > 0) return {};
    return {};  // the pid is a courtesy; the lock is what counts
  }
  return Error(Code::kAlreadyExists, "A gateway already runs on " + state_dir.string() + " (pid " +
                                         holder_of(fd_) +
                                         "). Stop it, or set OPENCLAW_STATE_DIR for a second one.");
}

StateLock::~StateLock() {
  if (fd_ >= 0) close(fd_);
}

std::optional<std::string> running_gateway(const std::filesystem::path& state_dir) {
  auto file = state_dir / "gateway.lock";
  int fd = open(file.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return std::nullopt;
  // A shared lock for an instant: two that ask at once do not see each other, and take() tries
  // again.
  std::optional<std::string> pid;
  if (flock(fd, LOCK_SH | LOCK_NB) != 0) pid = holder_of(fd);
  close(fd);
  return pid;
}

}  // namespace openclaw::gateway
