#include "process/spawn.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <system_error>

namespace openclaw::process {

namespace {

struct Failure {
  int stage = 0;  // 1: folder, 2: terminal or descriptors, 3: exec
  int code = 0;
};

// Above the standard descriptors, so that placing 0 to 3 in the child overwrites none that is still
// needed.
int lifted(int fd) {
  int high = ::fcntl(fd, F_DUPFD_CLOEXEC, 10);
  ::close(fd);
  return high;
}

bool make_pipe(Descriptor& read_end, Descriptor& write_end) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return false;
  read_end = Descriptor(lifted(ends[0]));
  write_end = Descriptor(lifted(ends[1]));
  return read_end.get() >= 0 && write_end.get() >= 0;
}

std::string program_path(const std::string& name, const Variables& env) {
  if (name.find('/') != std::string::npos) return name;
  std::string path;
  for (const auto& [key, value] : env) {
    if (key == "PATH") path = value;
  }
  std::size_t at = 0;
  while (at <= path.size()) {
    auto end = std::min(path.find(':', at), path.size());
    std::string folder = path.substr(at, end - at);
    at = end + 1;
    // An empty or relative entry would mean the command's own folder.
    if (folder.empty() || folder.front() != '/') continue;
    std::string candidate = folder + "/" + name;
    if (::access(candidate.c_str(), X_OK) == 0) return candidate;
  }
  return {};
}

struct ChildPlan {
  const char* program = nullptr;
  char* const* argv = nullptr;
  char* const* env = nullptr;
  const char* cwd = nullptr;
  const char* terminal = nullptr;  // path of the slave, or null
  int in = -1, out = -1, err = -1, report = -1;
};

// Between fork and exec: async-signal-safe calls only.
[[noreturn]] void run_child(const ChildPlan& plan) {
  Failure failure{2, 0};
  auto fail = [&](int stage) {
    failure = {stage, errno};
    ssize_t ignored = ::write(3, &failure, sizeof failure);
    static_cast<void>(ignored);
    ::_exit(127);
  };
  ::setsid();
  int in = plan.in, out = plan.out, err = plan.err;
  if (plan.terminal) {
    in = out = err = ::open(plan.terminal, O_RDWR);
    if (in >= 0 && in < 10) in = out = err = ::fcntl(in, F_DUPFD, 10);
    ::ioctl(in, TIOCSCTTY, 0);
  }
  ::dup3(plan.report, 3, O_CLOEXEC);
  if (::dup2(in, 0) < 0 || ::dup2(out, 1) < 0 || ::dup2(err, 2) < 0) fail(2);
  ::syscall(SYS_close_range, 4U, ~0U, 0U);
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  for (int signo = 1; signo < 32; ++signo) ::signal(signo, SIG_DFL);
  if (::chdir(plan.cwd) != 0) fail(1);
  ::execve(plan.program, plan.argv, plan.env);
  fail(3);
  ::_exit(127);
}

std::string what(int code) {
  return std::error_code(code, std::generic_category()).message();
}

Error spawn_error(const Failure& failure, const SpawnRequest& request) {
  bool absent = failure.code == ENOENT || failure.code == ENOTDIR;
  Code code = absent                   ? Code::kNotFound
              : failure.code == EACCES ? Code::kPermissionDenied
                                       : Code::kUnavailable;
  if (failure.stage == 1) {
    return Error(code,
                 "cannot run the command in " + request.cwd.string() + ": " + what(failure.code));
  }
  return Error(code, "cannot start " + request.argv.front() + ": " + what(failure.code));
}

struct Pipes {
  Descriptor child_in, child_out, child_err;
  Descriptor report_read, report_write;
  std::string terminal;
};

bool open_terminal(Spawned& out, Pipes& pipes) {
  int fd = ::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
  if (fd < 0) return false;
  out.output = Descriptor(lifted(fd));
  std::array<char, 128> name{};
  if (::grantpt(out.output.get()) != 0 || ::unlockpt(out.output.get()) != 0 ||
      ::ptsname_r(out.output.get(), name.data(), name.size()) != 0) {
    return false;
  }
  winsize size{};
  size.ws_row = 40;
  size.ws_col = 120;
  ::ioctl(out.output.get(), TIOCSWINSZ, &size);
  pipes.terminal = name.data();
  out.input = Descriptor(::fcntl(out.output.get(), F_DUPFD_CLOEXEC, 10));
  return true;
}

bool open_pipes(const SpawnRequest& request, Spawned& out, Pipes& pipes) {
  if (!make_pipe(pipes.report_read, pipes.report_write)) return false;
  if (request.pty) return open_terminal(out, pipes);
  if (!make_pipe(out.output, pipes.child_out) || !make_pipe(out.errors, pipes.child_err))
    return false;
  if (request.keep_stdin_open) return make_pipe(pipes.child_in, out.input);
  pipes.child_in = Descriptor(lifted(::open("/dev/null", O_RDONLY | O_CLOEXEC)));
  return pipes.child_in.get() >= 0;
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> out;
  for (auto& text : texts) out.push_back(text.data());
  out.push_back(nullptr);
  return out;
}

}  // namespace

Descriptor& Descriptor::operator=(Descriptor&& other) noexcept {
  if (this != &other) {
    reset();
    fd_ = other.release();
  }
  return *this;
}

void Descriptor::reset() {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
}

Result<Spawned> spawn(const SpawnRequest& request) {
  if (request.argv.empty()) return make_error(Code::kInvalidArgument, "no command given");
  std::string program = program_path(request.argv.front(), request.env);
  if (program.empty()) {
    return make_error(Code::kNotFound,
                      "cannot start " + request.argv.front() + ": no such program in PATH");
  }
  Spawned out;
  Pipes pipes;
  if (!open_pipes(request, out, pipes)) {
    return make_error(Code::kResourceExhausted, "cannot start " + program + ": " + what(errno));
  }
  std::vector<std::string> arguments = request.argv, environment;
  for (const auto& [name, value] : request.env) environment.push_back(name + "=" + value);
  std::vector<char*> argv = pointers(arguments), env = pointers(environment);
  ChildPlan plan;
  plan.program = program.c_str();
  plan.argv = argv.data();
  plan.env = env.data();
  plan.cwd = request.cwd.c_str();
  plan.terminal = request.pty ? pipes.terminal.c_str() : nullptr;
  plan.in = pipes.child_in.get();
  plan.out = pipes.child_out.get();
  plan.err = pipes.child_err.get();
  plan.report = pipes.report_write.get();
  pid_t pid = ::fork();
  if (pid == 0) run_child(plan);
  if (pid < 0)
    return make_error(Code::kResourceExhausted, "cannot start " + program + ": " + what(errno));
  out.pid = pid;
  pipes.report_write.reset();
  Failure failure;
  ssize_t got = 0;
  do {
    got = ::read(pipes.report_read.get(), &failure, sizeof failure);
  } while (got < 0 && errno == EINTR);
  if (got == static_cast<ssize_t>(sizeof failure)) {
    ::waitpid(pid, nullptr, 0);
    return spawn_error(failure, request);
  }
  out.pidfd = Descriptor(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  if (out.pidfd.get() < 0) {
    int code = errno;
    ::kill(-pid, SIGKILL);
    ::waitpid(pid, nullptr, 0);
    return make_error(Code::kUnavailable, "cannot watch " + program + ": " + what(code));
  }
  return out;
}

}  // namespace openclaw::process
