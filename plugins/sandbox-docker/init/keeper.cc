#include "keeper.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <initializer_list>

namespace openclaw::sandbox_init {

namespace {

constexpr int kCannotRun = 126;
constexpr int kNotFound = 127;
constexpr int kControl = 3;
constexpr std::size_t kMostToldBytes = 64 * 1024;  // a longer request is a new keeper's, by fork()

Keeper keepers[kMaxKeepers];
char told[kMostToldBytes];

// ---- in the keeper and below it

void say(const char* what, const char* name) {
  const char* why = strerrordesc_np(errno);
  const char* parts[] = {what, " ", name, ": ", why ? why : "failed", "\n"};
  for (const char* part : parts) {
    if (write(2, part, strlen(part)) < 0) return;
  }
}

bool same_name(const char* variable, const char* other) {
  std::size_t name = strcspn(variable, "=");
  return strncmp(variable, other, name + 1) == 0 && variable[name] == '=';
}

bool is_set_in(const char* variable, char** list) {
  for (; *list; ++list) {
    if (same_name(variable, *list)) return true;
  }
  return false;
}

// The container's variables and, before them, the command's own. nullptr: no memory.
char** variables_of(const RunRequest& request) {
  std::size_t most = 1;
  for (char** each = environ; *each; ++each) ++most;
  for (char** each = request.variables; *each; ++each) ++most;
  char** out = static_cast<char**>(calloc(most, sizeof(char*)));
  if (!out) return nullptr;
  std::size_t count = 0;
  for (char** each = request.variables; *each; ++each) {
    if (strchr(*each, '=') && !is_set_in(*each, each + 1)) out[count++] = *each;
  }
  for (char** each = environ; *each; ++each) {
    if (!is_set_in(*each, request.variables)) out[count++] = *each;
  }
  return out;
}

[[noreturn]] void become_command(const Streams& streams, const RunRequest& request) {
  setsid();
  int in = streams.in < 0 ? open("/dev/null", O_RDONLY | O_CLOEXEC) : streams.in;
  dup2(in, 0);
  dup2(streams.terminal ? in : streams.out, 1);
  dup2(streams.terminal ? in : streams.err, 2);
  if (streams.terminal) ioctl(0, TIOCSCTTY, 0);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  signal(SIGPIPE, SIG_DFL);
  if (request.cwd[0] != 0 && chdir(request.cwd) != 0) {
    say("cannot enter", request.cwd);
    _exit(kCannotRun);
  }
  execvp(request.argv[0], request.argv);
  int code = errno == ENOENT ? kNotFound : kCannotRun;
  say("cannot run", request.argv[0]);
  _exit(code);
}

// The command borrows this memory until it is another program: a copy would be most of its cost.
pid_t start(const Streams& streams, const RunRequest& request) {
  char** own = environ;
  char** variables = variables_of(request);
  if (!variables) return -1;
  environ = variables;  // where execvp() looks for PATH
  pid_t command = vfork();
  if (command == 0) become_command(streams, request);
  int why = errno;
  environ = own;
  free(variables);
  errno = why;
  return command;
}

// Says how the command ended. Comes back if nothing was left of what it started.
void watch(pid_t command) {
  KeeperNews news;
  bool ended = command < 0;
  if (ended) news.exit = {2, static_cast<std::uint32_t>(errno)};
  for (;;) {
    int status = 0;
    // Once it has ended, whatever else is ready is reaped before that is said.
    pid_t gone = waitpid(-1, &status, ended ? WNOHANG : 0);
    if (gone == 0 || (gone < 0 && errno != EINTR)) {
      news.free = gone < 0 ? 1 : 0;
      break;
    }
    if (gone != command) continue;
    ended = true;
    bool killed = WIFSIGNALED(status);
    news.exit.how = killed ? 1 : 0;
    news.exit.value = static_cast<std::uint32_t>(killed ? WTERMSIG(status) : WEXITSTATUS(status));
  }
  if (send(kControl, &news, sizeof news, MSG_NOSIGNAL) < 0) _exit(0);
  if (news.free) return;
  while (waitpid(-1, nullptr, 0) > 0 || errno == EINTR) continue;
  _exit(0);
}

// Waits for the next command. It ends here when process 1 wants no more.
void be_told(RunRequest& request, Streams& streams) {
  alignas(cmsghdr) char space[CMSG_SPACE(3 * sizeof(int))];
  iovec bytes{told, sizeof told};
  msghdr message{};
  message.msg_iov = &bytes;
  message.msg_iovlen = 1;
  message.msg_control = space;
  message.msg_controllen = sizeof space;
  ssize_t size = 0;
  while ((size = recvmsg(kControl, &message, MSG_CMSG_CLOEXEC)) < 0 && errno == EINTR) continue;
  cmsghdr* head = size > 0 ? CMSG_FIRSTHDR(&message) : nullptr;
  if (!head || head->cmsg_type != SCM_RIGHTS) _exit(0);
  int fds[3] = {-1, -1, -1};
  memcpy(fds, CMSG_DATA(head), head->cmsg_len - CMSG_LEN(0));
  if (!read_request(told, static_cast<std::size_t>(size), request)) _exit(0);
  streams.terminal = (request.flags & kTerminal) != 0;
  if (streams.terminal) {
    streams.in = fds[0];
  } else {
    streams = {fds[2], fds[0], fds[1], false};
  }
}

void close_streams(Streams& streams) {
  for (int fd : {streams.in, streams.out, streams.err}) {
    if (fd >= 0) close(fd);
  }
  streams = {};
}

// What it was born with: everything of process 1. The control socket stands in for 0, 1 and 2 as
// well, so that no stream of a command ever has one of these numbers.
void keep_nothing_else(int control) {
  for (int fd : {kControl, 0, 1, 2}) {
    if (fd != control) dup3(control, fd, O_CLOEXEC);
  }
  if (syscall(SYS_close_range, 4U, ~0U, 0U) != 0) {
    for (int fd = 4; fd < 1024; ++fd) close(fd);
  }
}

[[noreturn]] void keep(int control, const Streams& first_streams, const RunRequest& first) {
  setsid();
  prctl(PR_SET_CHILD_SUBREAPER, 1);
  pid_t command = start(first_streams, first);
  int why = errno;
  keep_nothing_else(control);
  errno = why;
  watch(command);
  for (;;) {
    RunRequest request;
    Streams streams;
    be_told(request, streams);
    command = start(streams, request);
    why = errno;
    close_streams(streams);
    free(request.argv);
    errno = why;
    watch(command);
  }
}

// ---- in process 1

void forget(Keeper& keeper) {
  close(keeper.fd);
  keeper = Keeper{};
}

// A socket that is full, or a keeper that was killed: not told.
bool tell_next(Keeper& keeper, const RunRequest& request, const Streams& streams) {
  if (request.size > kMostToldBytes) return false;
  int fds[3] = {streams.out, streams.err, streams.in};
  std::size_t count = streams.in < 0 ? 2 : 3;
  if (streams.terminal) {
    fds[0] = streams.in;
    count = 1;
  }
  alignas(cmsghdr) char space[CMSG_SPACE(sizeof fds)] = {};
  iovec bytes{const_cast<char*>(request.payload), request.size};
  msghdr message{};
  message.msg_iov = &bytes;
  message.msg_iovlen = 1;
  message.msg_control = space;
  message.msg_controllen = CMSG_SPACE(count * sizeof(int));
  cmsghdr* head = CMSG_FIRSTHDR(&message);
  head->cmsg_level = SOL_SOCKET;
  head->cmsg_type = SCM_RIGHTS;
  head->cmsg_len = CMSG_LEN(count * sizeof(int));
  memcpy(CMSG_DATA(head), fds, count * sizeof(int));
  kill(keeper.pid, SIGCONT);  // something inside may have stopped it
  return sendmsg(keeper.fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0;
}

Keeper* new_keeper(const RunRequest& request, const Streams& streams) {
  errno = EAGAIN;
  Keeper* keeper = nullptr;
  for (Keeper& each : keepers) keeper = each.pid < 0 ? &each : keeper;
  int pair[2];
  if (!keeper || socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0) return nullptr;
  pid_t pid = fork();
  if (pid == 0) keep(pair[1], streams, request);
  int why = errno;
  close(pair[1]);
  if (pid < 0) {
    close(pair[0]);
    errno = why;
    return nullptr;
  }
  *keeper = {pid, pair[0], true, false, false};
  return keeper;
}

}  // namespace

Keeper* lend_keeper(const RunRequest& request, const Streams& streams) {
  for (Keeper& keeper : keepers) {
    if (keeper.pid < 0 || keeper.lent) continue;
    if (!tell_next(keeper, request, streams)) continue;
    keeper.lent = true;
    keeper.free = false;
    return &keeper;
  }
  return new_keeper(request, streams);
}

Heard hear(Keeper& keeper, KeeperNews& news) {
  ssize_t size = recv(keeper.fd, &news, sizeof news, MSG_DONTWAIT);
  if (size < 0 && (errno == EAGAIN || errno == EINTR)) return Heard::kNothing;
  keeper.free = size == sizeof news && news.free != 0;
  if (size == sizeof news) return Heard::kNews;
  keeper.dead = true;
  return Heard::kEnd;
}

void give_back(Keeper& keeper) {
  keeper.lent = false;
  int idle = 0;
  for (const Keeper& each : keepers) idle += each.pid >= 0 && !each.lent ? 1 : 0;
  if (keeper.dead || !keeper.free || idle > kMostIdle) forget(keeper);
}

void note_death(pid_t pid) {
  for (Keeper& keeper : keepers) {
    if (keeper.pid != pid) continue;
    keeper.dead = true;
    if (!keeper.lent) forget(keeper);
  }
}

int list_keepers(pid_t* out) {
  int count = 0;
  for (const Keeper& keeper : keepers) {
    if (keeper.pid >= 0 && !keeper.dead) out[count++] = keeper.pid;
  }
  return count;
}

}  // namespace openclaw::sandbox_init
