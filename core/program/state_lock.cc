#include "program/state_lock.h"

#include <fcntl.h>
#include <unistd.h>

#include <chrono>
#include <thread>

namespace openclaw::gateway {
namespace {

constexpr std::chrono::milliseconds kPredecessorTime{1'000};
constexpr std::chrono::milliseconds kPredecessorPause{10};

std::string holder_of(int fd) {
  char holder[32] = {};
  auto size = pread(fd, holder, sizeof holder - 1, 0);
  std::string pid(holder, size > 0 ? static_cast<std::size_t>(size) : 0);
  if (auto end = pid.find('\n'); end != std::string::npos) pid.resize(end);
  return pid;
}

// A lock of the open file: it ends with the process, however that ends, and to look at it does not
// take it.
struct flock whole_file() {
  struct flock lock {};
  lock.l_type = F_WRLCK;
  lock.l_whence = SEEK_SET;
  return lock;
}

// A predecessor that was killed may leave a child that it was just starting: until the kernel runs
// it, that child holds the lock.
bool lock_when_free(int fd) {
  const auto until = std::chrono::steady_clock::now() + kPredecessorTime;
  for (;;) {
    auto lock = whole_file();
    if (fcntl(fd, F_OFD_SETLK, &lock) == 0) return true;
    if (std::chrono::steady_clock::now() > until) return false;
    std::this_thread::sleep_for(kPredecessorPause);
  }
}

}  // namespace

Result<void> StateLock::take(const std::filesystem::path& state_dir) {
  auto file = state_dir / "gateway.lock";
  fd_ = open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd_ < 0) return Error(Code::kUnavailable, "Cannot open " + file.string());
  if (lock_when_free(fd_)) {
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
  std::optional<std::string> pid;
  auto lock = whole_file();
  if (fcntl(fd, F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK) pid = holder_of(fd);
  close(fd);
  return pid;
}

}  // namespace openclaw::gateway
