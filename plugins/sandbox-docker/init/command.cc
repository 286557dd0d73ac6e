#include "command.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <initializer_list>

namespace openclaw::sandbox_init {

namespace {

// Ends of pipes and the terminal, by side.
struct Ends {
  int in[2] = {-1, -1}, out[2] = {-1, -1}, err[2] = {-1, -1};
  int master = -1, slave = -1;
};

void close_all(Ends& ends) {
  for (int* pair : {ends.in, ends.out, ends.err}) {
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
  if (flags & kTerminal) return open_terminal(ends);
  bool with_input = (flags & kWithInput) != 0;
  return (!with_input || pipe2(ends.in, O_CLOEXEC) == 0) && pipe2(ends.out, O_CLOEXEC) == 0 &&
         pipe2(ends.err, O_CLOEXEC) == 0;
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
  Streams streams{ends.in[0], ends.out[1], ends.err[1], false};
  if (command.terminal) streams = {ends.slave, -1, -1, true};
  command.keeper = lend_keeper(request, streams);
  int why = command.keeper ? 0 : errno;
  if (why == 0) {
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
  if (command.keeper) give_back(*command.keeper);
  close_fd(command.in_fd);
  close_fd(command.out_fd);
  close_fd(command.err_fd);
  free(command.input);
  command = Command{};
}

}  // namespace openclaw::sandbox_init
