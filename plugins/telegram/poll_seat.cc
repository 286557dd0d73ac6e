#include "poll_seat.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <functional>

namespace telegram {
namespace {

constexpr int kMostRounds = 8;

// One place for all gateways of this user, whatever their state directories; empty: none that
// only this user can write to.
std::string seats_folder() {
  std::string path = "/tmp/openclaw-" + std::to_string(::geteuid());
  (void)::mkdir(path.c_str(), 0700);
  struct stat about {};
  if (::lstat(path.c_str(), &about) != 0 || !S_ISDIR(about.st_mode)) return {};
  if (about.st_uid != ::geteuid() || (about.st_mode & 0022U) != 0) return {};
  return path;
}

bool is_still_at(int fd, const std::string& path) {
  struct stat held {};
  struct stat named {};
  return ::fstat(fd, &held) == 0 && ::lstat(path.c_str(), &named) == 0 &&
         held.st_ino == named.st_ino && held.st_dev == named.st_dev;
}

}  // namespace

bool PollSeat::take(std::string_view api_root, std::int64_t bot_id) {
  if (fd_ >= 0) return true;
  const std::string folder = seats_folder();
  if (folder.empty()) return true;
  const std::string path = folder + "/telegram-" + std::to_string(bot_id) + "-" +
                           std::to_string(std::hash<std::string_view>{}(api_root)) + ".lock";
  for (int round = 0; round < kMostRounds; ++round) {
    const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) return true;
    const bool locked = ::flock(fd, LOCK_EX | LOCK_NB) == 0;
    const bool taken = !locked && errno == EWOULDBLOCK;
    if (locked && is_still_at(fd, path)) {
      fd_ = fd;
      path_ = path;
      return true;
    }
    ::close(fd);
    if (!locked) return !taken;
    // Whoever had it removed the file in between.
  }
  return true;
}

void PollSeat::leave() {
  if (fd_ < 0) return;
  (void)::unlink(path_.c_str());
  ::close(fd_);
  fd_ = -1;
}

}  // namespace telegram
