#include "launch.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "bwrap_arguments.h"

namespace openclaw::bwrap {

namespace {

constexpr int kReportFd = 3;

enum Stage : int { kDescriptors = 1, kCgroup, kRoom, kIdentity, kProgram };

struct Report {
  int stage = 0;
  int code = 0;
};

// Everything the child needs, made before the fork.
struct ChildPlan {
  const char* program = nullptr;
  char* const* argv = nullptr;
  const char* terminal = nullptr;  // path of the slave, or null
  std::array<int, 8> placed{};     // the descriptor for each number
  int user_namespace = -1, mount_namespace = -1;
  const std::vector<int>* doors = nullptr;
  const std::vector<RlimitPlan>* rlimits = nullptr;
  Identity identity;
};

[[noreturn]] void fail(Stage stage) {
  Report report{stage, errno};
  static_cast<void>(!::write(kReportFd, &report, sizeof report));
  ::_exit(127);
}

void take_terminal(ChildPlan& plan) {
  if (!plan.terminal) return;
  int fd = ::open(plan.terminal, O_RDWR | O_CLOEXEC);
  int high = fd < 0 ? -1 : ::fcntl(fd, F_DUPFD_CLOEXEC, 20);
  ::ioctl(high, TIOCSCTTY, 0);
  plan.placed[0] = plan.placed[1] = plan.placed[2] = high;
}

// Tighter than asked for where the gateway itself may not have that much.
void set_limit(const RlimitPlan& plan) {
  rlimit wanted = plan.value;
  const auto resource = static_cast<__rlimit_resource_t>(plan.resource);
  if (::setrlimit(resource, &wanted) == 0) return;
  rlimit own{};
  ::getrlimit(resource, &own);
  wanted.rlim_max = std::min(wanted.rlim_max, own.rlim_max);
  wanted.rlim_cur = std::min(wanted.rlim_cur, wanted.rlim_max);
  ::setrlimit(resource, &wanted);
}

// Between fork and exec: system calls only. Plain ones for the ids, since those of the library talk
// to threads that are not there.
[[noreturn]] void run_child(ChildPlan plan) {
  ::setsid();
  ::dup3(plan.placed[kReportFd], kReportFd, O_CLOEXEC);
  take_terminal(plan);
  for (int number = 0; number < 8; ++number) {
    if (number == kReportFd) continue;
    if (::dup2(plan.placed[static_cast<std::size_t>(number)], number) < 0) fail(kDescriptors);
  }
  for (int door : *plan.doors) {
    if (::write(door, "0", 1) != 1) fail(kCgroup);
  }
  if (plan.user_namespace >= 0 && ::setns(plan.user_namespace, CLONE_NEWUSER) != 0) fail(kRoom);
  if (::setns(plan.mount_namespace, CLONE_NEWNS) != 0 || ::chdir("/") != 0) fail(kRoom);
  ::syscall(SYS_close_range, 8U, ~0U, 0U);
  for (const auto& limit : *plan.rlimits) set_limit(limit);
  if (plan.identity.become) {
    if (::syscall(SYS_setgroups, 0, nullptr) != 0 ||
        ::syscall(SYS_setresgid, plan.identity.group, plan.identity.group, plan.identity.group) !=
            0 ||
        ::syscall(SYS_setresuid, plan.identity.user, plan.identity.user, plan.identity.user) != 0)
      fail(kIdentity);
  }
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  for (int signo = 1; signo < 32; ++signo) ::signal(signo, SIG_DFL);
  ::umask(0022);
  char* const no_environment[] = {nullptr};
  ::execve(plan.program, plan.argv, no_environment);
  fail(kProgram);
}

Failure explained(const Report& report, const LaunchPlan& plan) {
  std::string why = error_text(report.code);
  switch (report.stage) {
    case kCgroup:
      return failure(OC_NOT_FOUND, "the control group of the sandbox is gone: " + why);
    case kRoom:
      return failure(OC_UNAVAILABLE, "cannot enter the sandbox: " + why);
    case kIdentity:
      return failure(OC_PERMISSION_DENIED,
                     "cannot become the user " + std::to_string(plan.identity.user) + ": " + why);
    case kProgram:
      return failure(OC_FAILED_PRECONDITION, "cannot start " + plan.program + ": " + why +
                                                 ". Type: apt-get install bubblewrap");
    default:
      return failure(OC_RESOURCE_EXHAUSTED, "cannot start a command: " + why);
  }
}

struct Ends {
  Descriptor in, out, err, report_read, report_write, arguments, seccomp, status, gate;
  std::string terminal;
};

bool open_terminal(Launched& out, Ends& ends) {
  out.output = lifted(::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC));
  std::array<char, 128> name{};
  int fd = out.output.get();
  if (fd < 0 || ::grantpt(fd) != 0 || ::unlockpt(fd) != 0 ||
      ::ptsname_r(fd, name.data(), name.size()) != 0) {
    return false;
  }
  winsize size{};
  size.ws_row = 40;
  size.ws_col = 120;
  ::ioctl(fd, TIOCSWINSZ, &size);
  ends.terminal = name.data();
  out.input = Descriptor(::fcntl(fd, F_DUPFD_CLOEXEC, 20));
  return static_cast<bool>(out.input);
}

bool open_ends(const LaunchPlan& plan, Launched& out, Ends& ends) {
  std::string words;
  for (const auto& word : plan.arguments) words.append(word.c_str(), word.size() + 1);
  ends.arguments = memory_file("arguments", words);
  ends.seccomp = memory_file("seccomp", plan.seccomp);
  if (!ends.arguments || !ends.seccomp) return false;
  if (!make_pipe(ends.report_read, ends.report_write) || !make_pipe(out.status, ends.status) ||
      !make_pipe(ends.gate, out.gate))
    return false;
  if (plan.tty) return open_terminal(out, ends);
  if (!make_pipe(out.output, ends.out) || !make_pipe(out.errors, ends.err)) return false;
  if (plan.input) return make_pipe(ends.in, out.input);
  ends.in = opened("/dev/null", O_RDONLY);
  return static_cast<bool>(ends.in);
}

}  // namespace

Outcome<Launched> launch(const LaunchPlan& plan) {
  Launched out;
  Ends ends;
  if (!open_ends(plan, out, ends))
    return failure(OC_RESOURCE_EXHAUSTED, "cannot start a command: " + error_text(errno));
  std::vector<std::string> words = {plan.program, "--args", std::to_string(kArgumentsFd), "--"};
  words.insert(words.end(), plan.command.begin(), plan.command.end());
  std::vector<char*> argv;
  for (auto& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  ChildPlan child;
  child.program = plan.program.c_str();
  child.argv = argv.data();
  child.terminal = plan.tty ? ends.terminal.c_str() : nullptr;
  child.placed = {ends.in.get(),           ends.out.get(),       ends.err.get(),
                  ends.report_write.get(), ends.arguments.get(), ends.seccomp.get(),
                  ends.status.get(),       ends.gate.get()};
  child.user_namespace = plan.room->user_namespace.get();
  child.mount_namespace = plan.room->mount_namespace.get();
  child.doors = &plan.cgroup_doors;
  child.rlimits = &plan.rlimits;
  child.identity = plan.identity;
  out.pid = ::fork();
  if (out.pid == 0) run_child(child);
  if (out.pid < 0)
    return failure(OC_RESOURCE_EXHAUSTED, "cannot start a command: " + error_text(errno));
  ends.report_write.reset();
  Report report;
  ssize_t got = 0;
  do {
    got = ::read(ends.report_read.get(), &report, sizeof report);
  } while (got < 0 && errno == EINTR);
  out.pidfd = lifted(static_cast<int>(::syscall(SYS_pidfd_open, out.pid, 0)));
  int code = errno;
  if (got == static_cast<ssize_t>(sizeof report) || !out.pidfd) {
    ::kill(out.pid, SIGKILL);
    ::waitpid(out.pid, nullptr, 0);
    if (got == static_cast<ssize_t>(sizeof report)) return explained(report, plan);
    return failure(OC_UNAVAILABLE, "cannot watch a command: " + error_text(code));
  }
  return out;
}

}  // namespace openclaw::bwrap
