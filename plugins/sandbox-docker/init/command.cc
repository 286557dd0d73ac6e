#include "command.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <initializer_list>

namespace openclaw::sandbox_init {

namespace {

constexpr int kCannotRun = 126;
constexpr int kNotFound = 127;

// Ends of pipes and the terminal, by side.
struct Ends {
  int status[2] = {-1, -1}, in[2] = {-1, -1}, out[2] = {-1, -1}, err[2] = {-1, -1};
  int master = -1, slave = -1;
};

void close_all(Ends& ends) {
  for (int* pair : {ends.status, ends.in, ends.out, ends.err}) {
    close_fd(pair[0]);
    close_fd(pair[1]);
  }
  close_fd(ends.master);
  close_fd(ends.slave);
}

bool open_terminal(Ends& ends) {
  ends.master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
  char name[64];
  if (ends.master < 0 || unlockpt(ends.master) != 0 ||
      ptsname_r(ends.master, name, sizeof name) != 0)
    return false;
  ends.slave = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
  winsize size{};
  size.ws_row = 24;
  size.ws_col = 80;
  return ends.slave >= 0 && ioctl(ends.slave, TIOCSWINSZ, &size) == 0;
}

bool open_ends(Ends& ends, std::uint32_t flags) {
  if (pipe2(ends.status, O_CLOEXEC) != 0) return false;
  if (flags & kTerminal) return open_terminal(ends);
  bool with_input = (flags & kWithInput) != 0;
  return (!with_input || pipe2(ends.in, O_CLOEXEC) == 0) && pipe2(ends.out, O_CLOEXEC) == 0 &&
         pipe2(ends.err, O_CLOEXEC) == 0;
}

void say(const char* what, const char* name) {
  const char* why = strerrordesc_np(errno);
  const char* parts[] = {what, " ", name, ": ", why ? why : "failed", "\n"};
  for (const char* part : parts) {
    if (write(2, part, strlen(part)) < 0) return;
  }
}

void set_variables(char** variables) {
  for (; *variables; ++variables) {
    if (strchr(*variables, '=')) putenv(*variables);
  }
}

[[noreturn]] void become_command(const Ends& ends, const RunRequest& request) {
  setsid();
  bool terminal = ends.slave >= 0;
  int in = terminal ? ends.slave : ends.in[0];
  if (in < 0) in = open("/dev/null", O_RDONLY | O_CLOEXEC);
  dup2(in, 0);
  dup2(terminal ? ends.slave : ends.out[1], 1);
  dup2(terminal ? ends.slave : ends.err[1], 2);
  if (terminal) ioctl(0, TIOCSCTTY, 0);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  signal(SIGPIPE, SIG_DFL);
  set_variables(request.variables);
  if (request.cwd[0] != 0 && chdir(request.cwd) != 0) {
    say("cannot enter", request.cwd);
    _exit(kCannotRun);
  }
  execvp(request.argv[0], request.argv);
  int code = errno == ENOENT ? kNotFound : kCannotRun;
  say("cannot run", request.argv[0]);
  _exit(code);
}

void report(int fd, std::uint32_t how, int value) {
  ExitReport text{how, static_cast<std::uint32_t>(value)};
  static_cast<void>(!write(fd, &text, sizeof text));
}

[[noreturn]] void keep(const Ends& ends, const RunRequest& request) {
  setsid();
  prctl(PR_SET_CHILD_SUBREAPER, 1);
  // The command borrows this memory until it is another program: a copy would be most of its cost,
  // and nothing here is used after it.
  pid_t command = vfork();
  if (command == 0) become_command(ends, request);
  int status_fd = 3;
  if (ends.status[1] != status_fd) dup2(ends.status[1], status_fd);
  for (int fd = 0; fd < 3; ++fd) close(fd);
  if (syscall(SYS_close_range, 4U, ~0U, 0U) != 0) {
    for (int fd = 4; fd < 1024; ++fd) close(fd);
  }
  if (command < 0) {
    report(status_fd, 2, errno);
    _exit(0);
  }
  for (;;) {
    int status = 0;
    pid_t ended = waitpid(-1, &status, 0);
    if (ended < 0 && errno != EINTR) _exit(0);
    if (ended != command) continue;
    bool killed = WIFSIGNALED(status);
    report(status_fd, killed ? 1 : 0, killed ? WTERMSIG(status) : WEXITSTATUS(status));
    close(status_fd);
  }
}

void make_nonblocking(int fd) {
  if (fd >= 0) fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
}

void take(int& to, int& from) {
  to = from;
  from = -1;
  make_nonblocking(to);
}

}  // namespace

void close_fd(int& fd) {
  if (fd >= 0) close(fd);
  fd = -1;
}

int start_command(Command& command, const RunRequest& request) {
  Ends ends;
  if (!open_ends(ends, request.flags)) {
    int why = errno;
    close_all(ends);
    return why;
  }
  command.terminal = (request.flags & kTerminal) != 0;
  command.keeper = fork();
  if (command.keeper == 0) keep(ends, request);
  int why = command.keeper < 0 ? errno : 0;
  if (why == 0) {
    take(command.status_fd, ends.status[0]);
    if (command.terminal) {
      if (request.flags & kWithInput) command.in_fd = fcntl(ends.master, F_DUPFD_CLOEXEC, 0);
      take(command.out_fd, ends.master);
    } else {
      if (ends.in[1] >= 0) take(command.in_fd, ends.in[1]);
      take(command.out_fd, ends.out[0]);
      take(command.err_fd, ends.err[0]);
    }
  }
  close_all(ends);
  return why;
}

std::size_t feed_command(Command& command) {
  std::size_t fed = 0;
  while (command.in_fd >= 0 && command.input_size > 0) {
    std::size_t to_end = kInputWindow - command.input_from;
    std::size_t piece = command.input_size < to_end ? command.input_size : to_end;
    ssize_t taken = write(command.in_fd, command.input + command.input_from, piece);
    if (taken < 0 && errno == EAGAIN) return fed;
    // Nobody reads any more: as in a shell, the rest is lost.
    std::size_t gone = taken < 0 ? piece : static_cast<std::size_t>(taken);
    command.input_from = (command.input_from + gone) % kInputWindow;
    command.input_size -= gone;
    fed += gone;
    if (taken < 0) command.input_ends = true;
  }
  if (command.input_ends && command.input_size == 0 && command.in_fd >= 0) {
    if (command.terminal) static_cast<void>(!write(command.in_fd, "\x04", 1));
    close_fd(command.in_fd);
  }
  return fed;
}

void release_command(Command& command) {
  close_fd(command.status_fd);
  close_fd(command.in_fd);
  close_fd(command.out_fd);
  close_fd(command.err_fd);
  free(command.input);
  command = Command{};
}

}  // namespace openclaw::sandbox_init
