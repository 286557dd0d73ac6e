// openclaw-sandbox-init: process 1 of a sandbox container. Runs commands for the gateway over the
// container's own standard input and output, and reaps what nobody else waits for. One thread, no
// configuration, no secrets.
//
// What it runs has the same user id, so: being process 1 of its namespace no signal from inside
// reaches it, and being not dumpable nothing inside can trace it or open its descriptors.
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "command.h"
#include "process_tree.h"
#include "protocol.h"

namespace openclaw::sandbox_init {

namespace {

constexpr std::int64_t kLingerMs = 100;
constexpr std::int64_t kDyingMs = 3000;
constexpr std::size_t kRoom = kHeadSize + kMaxPiece + 8192;

Command commands[kMaxCommands];
char received[kHeadSize + kMaxPayload];
std::size_t received_size = 0;
char unsent[kRoom];
std::size_t unsent_size = 0;
int signals = -1;

std::int64_t now_ms() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

// ---- to the plugin

void flush() {
  while (unsent_size > 0) {
    ssize_t sent = write(1, unsent, unsent_size);
    if (sent < 0 && errno == EAGAIN) return;
    if (sent < 0) sent = static_cast<ssize_t>(unsent_size);  // nobody will ever read it
    unsent_size -= static_cast<std::size_t>(sent);
    memmove(unsent, unsent + sent, unsent_size);
  }
}

void send(Kind kind, std::uint32_t command, const void* payload, std::size_t size) {
  while (unsent_size + kHeadSize + size > kRoom) {
    pollfd out{1, POLLOUT, 0};
    poll(&out, 1, -1);
    flush();
  }
  put_head(kind, command, static_cast<std::uint32_t>(size), unsent + unsent_size);
  memcpy(unsent + unsent_size + kHeadSize, payload, size);
  unsent_size += kHeadSize + size;
  flush();
}

void send_number(Kind kind, std::uint32_t command, std::uint32_t number) {
  char text[4];
  put_u32(number, text);
  send(kind, command, text, sizeof text);
}

void report(Command& command) {
  char text[8];
  put_u32(command.report.how, text);
  put_u32(command.report.value, text + 4);
  send(Kind::kExit, command.id, text, sizeof text);
  command.reported = true;
  close_fd(command.in_fd);
  if (command.out_fd < 0 && command.err_fd < 0) release_command(command);
}

// ---- from the plugin

Command* find(std::uint32_t id) {
  for (auto& command : commands) {
    if (command.used && !command.reported && command.id == id) return &command;
  }
  return nullptr;
}

Command* free_place() {
  for (auto& command : commands) {
    if (!command.used) return &command;
  }
  for (auto& command : commands) {  // one that only throws output away
    if (!command.reported) continue;
    release_command(command);
    return &command;
  }
  return nullptr;
}

void refuse(std::uint32_t id, int why) {
  char text[8];
  put_u32(2, text);
  put_u32(static_cast<std::uint32_t>(why), text + 4);
  send(Kind::kExit, id, text, sizeof text);
}

void run(std::uint32_t id, char* payload, std::size_t size) {
  RunRequest request;
  Command* command = free_place();
  int why = EAGAIN;
  if (command && !find(id)) {
    why = EINVAL;
    if (read_request(payload, size, request)) {
      *command = Command{};
      why = start_command(*command, request);
      free(request.argv);
    }
  }
  if (why != 0) return refuse(id, why);
  command->id = id;
  command->used = true;
}

void take_input(Command& command, const char* data, std::size_t size) {
  if (command.in_fd < 0 || command.input_ends)
    return send_number(Kind::kInputTaken, command.id, static_cast<std::uint32_t>(size));
  if (!command.input) command.input = static_cast<char*>(malloc(kInputWindow));
  if (!command.input || command.input_size + size > kInputWindow)
    return;  // beyond the window: not ours to keep
  for (std::size_t i = 0; i < size; ++i) {
    command.input[(command.input_from + command.input_size++) % kInputWindow] = data[i];
  }
}

void feed(Command& command) {
  std::size_t fed = feed_command(command);
  if (fed > 0) send_number(Kind::kInputTaken, command.id, static_cast<std::uint32_t>(fed));
}

void give_signal(Command& command, int signo) {
  if (command.keeper->dead) return;  // what it kept was killed when that was seen
  pid_t keeper = command.keeper->pid;
  kill(keeper, SIGCONT);  // something inside may have stopped it
  if (signo == SIGKILL) {
    kill_tree(keeper);
    if (command.killed_at_ms == 0) command.killed_at_ms = now_ms();
  } else {
    signal_tree(keeper, signo);
  }
}

// Another plugin has come: what its predecessor left is nobody's.
void start_anew(std::uint32_t, const char* nonce) {
  for (auto& command : commands) {
    if (!command.used || command.reported) continue;
    if (!command.keeper->dead) kill_tree(command.keeper->pid);
    release_command(command);
  }
  unsent_size = 0;
  send(Kind::kReady, kVersion, nonce, kNonceSize);
}

void handle(Kind kind, std::uint32_t id, char* payload, std::size_t size) {
  if (kind == Kind::kHello && size == kNonceSize) return start_anew(id, payload);
  if (kind == Kind::kRun) return run(id, payload, size);
  Command* command = find(id);
  if (!command) return;  // it has just ended
  if (kind == Kind::kInput) take_input(*command, payload, size);
  if (kind == Kind::kInputEnd) command->input_ends = true;
  if (kind == Kind::kInput || kind == Kind::kInputEnd) return feed(*command);
  if (size != 4) return;
  if (kind == Kind::kSignal) give_signal(*command, static_cast<int>(get_u32(payload)));
  if (kind == Kind::kTaken) command->window += get_u32(payload);
}

void handle_received() {
  std::size_t from = 0;
  while (from < received_size) {
    if (received[from] == 0) {
      ++from;
      continue;
    }
    if (received_size - from < kHeadSize) break;
    std::size_t size = get_u32(received + from + 8);
    if (size > kMaxPayload) {  // not this protocol: wait for the padding of a new start
      ++from;
      continue;
    }
    if (received_size - from < kHeadSize + size) break;
    handle(static_cast<Kind>(received[from]), get_u32(received + from + 4),
           received + from + kHeadSize, size);
    from += kHeadSize + size;
  }
  received_size -= from;
  memmove(received, received + from, received_size);
}

// False: no more will come.
bool read_frames() {
  ssize_t size = read(0, received + received_size, sizeof received - received_size);
  if (size < 0) return errno == EAGAIN || errno == EINTR;
  received_size += static_cast<std::size_t>(size);
  handle_received();
  return size > 0;
}

// ---- commands

// Answers whether there was any.
bool pass_output(Command& command, int& fd, Kind kind) {
  char piece[kMaxPiece];
  std::size_t room = command.reported || command.window > kMaxPiece ? kMaxPiece : command.window;
  ssize_t size = read(fd, piece, room);
  if (size < 0 && (errno == EAGAIN || errno == EINTR)) return false;
  if (size <= 0) {  // EIO: a terminal that nobody has open any more
    close_fd(fd);
    return false;
  }
  if (command.reported) return true;
  command.window -= static_cast<std::uint32_t>(size);
  send(kind, command.id, piece, static_cast<std::size_t>(size));
  return true;
}

void read_status(Command& command) {
  KeeperNews news;
  const Heard heard = hear(*command.keeper, news);
  if (heard == Heard::kNothing) return;
  command.all_gone = heard == Heard::kEnd || news.free;
  if (command.ended) return;
  command.report = heard == Heard::kEnd ? ExitReport{1, SIGKILL} : news.exit;
  command.ended = true;
  command.linger_until_ms = now_ms() + kLingerMs;
  if (heard != Heard::kEnd) return;
  // Its keeper was killed from inside: what that one kept has come to process 1.
  static pid_t keepers[kMaxKeepers];
  kill_strays(keepers, list_keepers(keepers));
}

void reap() {
  signalfd_siginfo info;
  while (read(signals, &info, sizeof info) == sizeof info) {
    // The engine stops the container. Only who is outside has no id in here, and only kill() says
    // so.
    if (info.ssi_signo == SIGTERM && info.ssi_pid == 0 && info.ssi_code == SI_USER) _exit(0);
  }
  pid_t gone;
  while ((gone = waitpid(-1, nullptr, WNOHANG)) > 0) note_death(gone);
}

struct Watch {
  pollfd list[3 + 4 * kMaxCommands];
  Command* owner[3 + 4 * kMaxCommands];
  int count = 0;
  void add(int fd, short events, Command* command = nullptr) {
    list[count] = {fd, events, 0};
    owner[count++] = command;
  }
};

void watch_command(Watch& watch, Command& command) {
  if (!command.all_gone) watch.add(command.keeper->fd, POLLIN, &command);
  bool may_read = command.reported || (command.window > 0 && unsent_size == 0);
  if (may_read && command.out_fd >= 0) watch.add(command.out_fd, POLLIN, &command);
  if (may_read && command.err_fd >= 0) watch.add(command.err_fd, POLLIN, &command);
  if (command.in_fd >= 0 && command.input_size > 0) watch.add(command.in_fd, POLLOUT, &command);
}

void serve(Watch& watch, int index) {
  Command& command = *watch.owner[index];
  int fd = watch.list[index].fd;
  if (!command.used || fd < 0) return;
  if (fd == command.in_fd) feed(command);
  if (fd == command.out_fd && unsent_size == 0) pass_output(command, command.out_fd, Kind::kStdout);
  if (fd == command.err_fd && unsent_size == 0) pass_output(command, command.err_fd, Kind::kStderr);
  if (fd == command.keeper->fd) read_status(command);
}

// One that was killed is over when all that it started is, so that the next finds room; unless that
// takes too long.
bool is_dying(const Command& command, std::int64_t left_ms) {
  return command.killed_at_ms != 0 && !command.all_gone && left_ms > 0;
}

// A command is over when its streams are, or when it has ended and nothing more came for a while.
// Answers how long that is to wait for, -1 for ever.
int finish_commands() {
  std::int64_t wait = -1, now = now_ms();
  for (auto& command : commands) {
    if (!command.used) continue;
    bool silent = command.out_fd < 0 && command.err_fd < 0;
    if (command.reported) {
      if (silent) release_command(command);
      continue;
    }
    if (!command.ended) continue;
    if (std::int64_t left = command.killed_at_ms + kDyingMs - now; is_dying(command, left)) {
      if (wait < 0 || left < wait) wait = left;
      continue;
    }
    if (!silent && now >= command.linger_until_ms && command.window > 0) {
      // What was in the pipes when it ended is there by now; what comes later is not its own.
      silent = !(command.out_fd >= 0 && unsent_size == 0 &&
                 pass_output(command, command.out_fd, Kind::kStdout)) &&
               !(command.err_fd >= 0 && unsent_size == 0 &&
                 pass_output(command, command.err_fd, Kind::kStderr)) &&
               unsent_size == 0;
      if (!silent && now > command.linger_until_ms + kLingerMs) silent = unsent_size == 0;
    }
    if (silent) {
      report(command);
      continue;
    }
    std::int64_t left = command.linger_until_ms > now ? command.linger_until_ms - now : 1;
    if (command.window > 0 && (wait < 0 || left < wait)) wait = left;
  }
  return static_cast<int>(wait);
}

[[noreturn]] void serve_for_ever() {
  bool more = true;
  for (;;) {
    static Watch watch;
    int wait = finish_commands();
    watch.count = 0;
    watch.add(signals, POLLIN);
    if (more) watch.add(0, POLLIN);
    if (unsent_size > 0) watch.add(1, POLLOUT);
    for (auto& command : commands) {
      if (command.used) watch_command(watch, command);
    }
    if (poll(watch.list, static_cast<nfds_t>(watch.count), wait) < 0) continue;
    for (int i = 0; i < watch.count; ++i) {
      if (watch.list[i].revents == 0) continue;
      if (watch.owner[i]) {
        serve(watch, i);
      } else if (watch.list[i].fd == signals) {
        reap();
      } else if (watch.list[i].fd == 0) {
        more = read_frames();
      } else {
        flush();
      }
    }
  }
}

void set_up() {
  prctl(PR_SET_DUMPABLE, 0);
  sigset_t wanted;
  sigemptyset(&wanted);
  sigaddset(&wanted, SIGCHLD);
  sigaddset(&wanted, SIGTERM);
  sigprocmask(SIG_BLOCK, &wanted, nullptr);
  signals = signalfd(-1, &wanted, SFD_NONBLOCK | SFD_CLOEXEC);
  if (signals < 0) _exit(1);
  signal(SIGPIPE, SIG_IGN);
  for (int fd = 0; fd < 2; ++fd) {
    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
  }
}

}  // namespace

}  // namespace openclaw::sandbox_init

int main() {
  openclaw::sandbox_init::set_up();
  openclaw::sandbox_init::serve_for_ever();
}
