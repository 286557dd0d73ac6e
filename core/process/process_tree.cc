#include "process/process_tree.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <set>

namespace openclaw::process {

namespace {

constexpr std::size_t kMaxEnvironBytes = 256 * 1024;
constexpr int kMaxRounds = 50;

std::string read_proc(pid_t pid, const char* name, std::size_t limit) {
  std::string path = "/proc/" + std::to_string(pid) + "/" + name;
  std::string out;
  int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return out;
  char buffer[8192];
  while (out.size() < limit) {
    ssize_t n = ::read(fd, buffer, sizeof buffer);
    if (n <= 0) break;
    out.append(buffer, static_cast<std::size_t>(n));
  }
  ::close(fd);
  return out;
}

struct Facts {
  char state = 0;
  pid_t parent = 0, session = 0;
};

// "123 (name) S 1 123 123 ...": the name may hold blanks and brackets.
Facts facts_of(pid_t pid) {
  Facts facts;
  std::string stat = read_proc(pid, "stat", 4096);
  auto bracket = stat.rfind(')');
  if (bracket == std::string::npos || bracket + 4 > stat.size()) return facts;
  const char* at = stat.data() + bracket + 2;
  const char* end = stat.data() + stat.size();
  facts.state = *at;
  at += 2;
  pid_t group = 0;
  for (pid_t* field : {&facts.parent, &group, &facts.session}) {
    at = std::from_chars(at, end, *field).ptr;
    if (at < end) ++at;
  }
  return facts;
}

bool has_marker(pid_t pid, const std::string& wanted) {
  std::string environment = read_proc(pid, "environ", kMaxEnvironBytes);
  auto found = environment.find(wanted);
  return found != std::string::npos && (found == 0 || environment[found - 1] == '\0');
}

std::vector<pid_t> all_processes() {
  std::vector<pid_t> out;
  DIR* dir = ::opendir("/proc");
  if (!dir) return out;
  // One stream, used by this thread alone.
  while (const dirent* entry = ::readdir(dir)) {  // NOLINT(concurrency-mt-unsafe)
    std::string_view name = entry->d_name;
    pid_t pid = 0;
    auto [end, failure] = std::from_chars(name.data(), name.data() + name.size(), pid);
    if (failure == std::errc() && end == name.data() + name.size()) out.push_back(pid);
  }
  ::closedir(dir);
  return out;
}

void add_matches(const Tree& tree, const std::string& wanted, std::set<pid_t>& members) {
  bool grew = true;
  std::vector<pid_t> processes = all_processes();
  while (grew) {
    grew = false;
    for (pid_t pid : processes) {
      if (pid == ::getpid() || members.count(pid)) continue;
      Facts facts = facts_of(pid);
      if (facts.state == 0 || facts.state == 'Z') continue;
      bool ours = (tree.leader > 0 && (pid == tree.leader || facts.session == tree.leader)) ||
                  members.count(facts.parent) > 0 || has_marker(pid, wanted);
      if (!ours) continue;
      members.insert(pid);
      grew = true;
    }
  }
}

// The number may have been given to another process since the scan: the descriptor pins it first.
bool signal_one(pid_t pid, int signo) {
  int fd = static_cast<int>(::syscall(SYS_pidfd_open, pid, 0));
  if (fd < 0) return false;
  bool sent = ::syscall(SYS_pidfd_send_signal, fd, signo, nullptr, 0) == 0;
  ::close(fd);
  return sent;
}

std::string wanted_text(const Tree& tree) {
  return std::string(kMarkerVariable) + "=" + tree.marker;
}

}  // namespace

std::vector<pid_t> find_tree(const Tree& tree) {
  std::set<pid_t> members;
  add_matches(tree, wanted_text(tree), members);
  return {members.begin(), members.end()};
}

int signal_tree(const Tree& tree, int signo) {
  int sent = 0;
  for (pid_t pid : find_tree(tree)) sent += signal_one(pid, signo) ? 1 : 0;
  return sent;
}

void kill_tree(const Tree& tree) {
  for (int round = 0; round < kMaxRounds; ++round) {
    std::set<pid_t> members;
    std::size_t before = 0;
    do {
      before = members.size();
      std::set<pid_t> known = members;
      add_matches(tree, wanted_text(tree), members);
      for (pid_t pid : members) {
        if (!known.count(pid)) signal_one(pid, SIGSTOP);
      }
    } while (members.size() != before);
    if (members.empty()) return;
    for (pid_t pid : members) signal_one(pid, SIGKILL);
  }
}

}  // namespace openclaw::process
