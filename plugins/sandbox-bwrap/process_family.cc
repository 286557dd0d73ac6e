#include "process_family.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <charconv>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace openclaw::bwrap {

namespace {

// "123 (name) S 1 ...": the name may hold blanks and brackets.
pid_t parent_of(pid_t pid) {
  std::string path = "/proc/" + std::to_string(pid) + "/stat";
  int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return 0;
  char buffer[1024];
  ssize_t n = ::read(fd, buffer, sizeof buffer);
  ::close(fd);
  std::string_view stat(buffer, n > 0 ? static_cast<std::size_t>(n) : 0);
  auto bracket = stat.rfind(')');
  pid_t parent = 0;
  if (bracket != std::string_view::npos && bracket + 4 < stat.size())
    std::from_chars(stat.data() + bracket + 4, stat.data() + stat.size(), parent);
  return parent;
}

std::multimap<pid_t, pid_t> children() {
  std::multimap<pid_t, pid_t> out;
  DIR* dir = ::opendir("/proc");
  if (!dir) return out;
  // One stream, used by this thread alone.
  while (const dirent* entry = ::readdir(dir)) {  // NOLINT(concurrency-mt-unsafe)
    std::string_view name = entry->d_name;
    pid_t pid = 0;
    auto [end, bad] = std::from_chars(name.data(), name.data() + name.size(), pid);
    if (bad == std::errc() && end == name.data() + name.size()) out.emplace(parent_of(pid), pid);
  }
  ::closedir(dir);
  return out;
}

}  // namespace

void signal_descendants(pid_t ancestor, int signo) {
  auto family = children();
  std::vector<pid_t> open = {ancestor};
  while (!open.empty()) {
    pid_t parent = open.back();
    open.pop_back();
    auto [at, end] = family.equal_range(parent);
    for (; at != end; ++at) {
      open.push_back(at->second);
      // Pinned first: the number may have been given to another process since the look.
      int fd = static_cast<int>(::syscall(SYS_pidfd_open, at->second, 0));
      if (fd < 0) continue;
      if (parent_of(at->second) == parent) ::syscall(SYS_pidfd_send_signal, fd, signo, nullptr, 0);
      ::close(fd);
    }
  }
}

}  // namespace openclaw::bwrap
