#include "command_run.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>

#include "process_family.h"
#include "spec_fields.h"

namespace openclaw::bwrap {

namespace {

constexpr std::size_t kPiece = 64 * 1024;
constexpr std::size_t kMaxStatus = 64 * 1024;
constexpr std::size_t kMaxWords = 4096;
constexpr std::string_view kSign = "bwrap: ";
// With the command its namespace ends, and with that whoever holds the pipes.
constexpr std::uint64_t kGraceMs = 2000;
constexpr std::uint64_t kKillPatienceMs = 3000;
constexpr int kKilledExitCode = 137, kNotFoundExitCode = 127, kNotRunExitCode = 126;

void make_nonblocking(int fd) {
  ::fcntl(fd, F_SETFL, ::fcntl(fd, F_GETFL) | O_NONBLOCK);
}

void send(const Descriptor& pidfd, int signo) {
  ::syscall(SYS_pidfd_send_signal, pidfd.get(), signo, nullptr, 0);
}

}  // namespace

CommandRun::~CommandRun() {
  // Only when the loop ends with commands in it.
  for (Descriptor* which :
       {&process_.output, &process_.errors, &process_.status, &process_.pidfd, &process_.input})
    close(*which);
  if (process_.pid > 0 && !exited_) {
    ::kill(process_.pid, SIGKILL);
    ::waitpid(process_.pid, nullptr, 0);
  }
}

void CommandRun::start(const LaunchPlan& plan, std::optional<RlimitPlan> processes, Ended ended) {
  tty_ = plan.tty;
  takes_input_ = plan.input;
  processes_ = processes;
  ended_ = std::move(ended);
  auto launched = launch(plan);
  if (launched.has_error()) {
    over_ = exited_ = true;
    std::exchange(ended_, nullptr)(launched.error());
    return;
  }
  process_ = std::move(*launched);
  watch_all();
}

void CommandRun::watch_all() {
  auto self = shared_from_this();
  for (Descriptor* which :
       {&process_.output, &process_.errors, &process_.status, &process_.input}) {
    if (*which) make_nonblocking(which->get());
  }
  loop_.watch(process_.status.get(), EPOLLIN, [self](std::uint32_t) { self->read_status(); });
  loop_.watch(process_.output.get(), EPOLLIN, [self](std::uint32_t) {
    self->read_output(self->process_.output, OC_STREAM_STDOUT);
  });
  if (process_.errors) {
    loop_.watch(process_.errors.get(), EPOLLIN, [self](std::uint32_t) {
      self->read_output(self->process_.errors, OC_STREAM_STDERR);
    });
  }
  loop_.watch(process_.pidfd.get(), EPOLLIN, [self](std::uint32_t) { self->on_exit(); });
}

void CommandRun::close(Descriptor& which) {
  if (!which) return;
  loop_.forget(which.get());
  which.reset();
}

// ---- what bwrap reports

void CommandRun::read_status() {
  std::array<char, 4096> buffer{};
  while (process_.status) {
    ssize_t n = ::read(process_.status.get(), buffer.data(), buffer.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && errno == EAGAIN) break;
    if (n > 0) status_text_.append(buffer.data(), static_cast<std::size_t>(n));
    if (n <= 0 || status_text_.size() > kMaxStatus) close(process_.status);
  }
  for (auto end = status_text_.find('\n'); end != std::string::npos;
       end = status_text_.find('\n')) {
    std::string line = status_text_.substr(0, end);
    status_text_.erase(0, end + 1);
    take_status(line);
  }
}

void CommandRun::take_status(std::string_view line) {
  boost::system::error_code failed;
  json::value parsed = json::parse(json::string_view(line.data(), line.size()), failed);
  if (failed || !parsed.is_object()) return;
  const json::object& report = parsed.get_object();
  if (report.if_contains("exit-code"))
    exit_code_ = static_cast<int>(sandbox_rules::number_of(report, "exit-code"));
  auto pid = static_cast<pid_t>(sandbox_rules::number_of(report, "child-pid"));
  if (pid <= 0 || first_pid_ != 0) return;
  // It waits at the gate, so the number is still its own.
  first_pid_ = pid;
  first_ = lifted(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  if (killed_) return kill_now();
  open_gate();
}

void CommandRun::open_gate() {
  if (processes_)
    ::prlimit(first_pid_, static_cast<enum __rlimit_resource>(processes_->resource),
              &processes_->value, nullptr);
  static_cast<void>(!::write(process_.gate.get(), "1", 1));
  process_.gate.reset();
}

// ---- output

void CommandRun::read_output(Descriptor& from, std::uint32_t kind) {
  std::array<char, kPiece> buffer;
  ssize_t n = ::read(from.get(), buffer.data(), buffer.size());
  if (n < 0 && (errno == EINTR || errno == EAGAIN)) return;
  if (n <= 0) {  // a terminal ends with EIO
    close(from);
    return settle();
  }
  deliver(kind, std::string_view(buffer.data(), static_cast<std::size_t>(n)));
}

// bwrap tells why it could not start the command where the command's errors go. Its words are held
// until the end, when it is known whether there was a command.
bool CommandRun::hold_words(std::uint32_t kind, std::string_view piece) {
  bool on_errors = kind == OC_STREAM_STDERR || (tty_ && kind == OC_STREAM_STDOUT);
  if (!on_errors || printed_errors_) return false;
  std::string together = words_ + std::string(piece);
  std::string_view start = std::string_view(together).substr(0, kSign.size());
  if (kSign.starts_with(start) && together.size() <= kMaxWords) {
    words_ = std::move(together);
    return true;
  }
  printed_errors_ = true;
  return false;
}

void CommandRun::deliver(std::uint32_t kind, std::string_view piece) {
  if (killed_) return;
  if (hold_words(kind, piece)) return;
  std::string with_words;
  if (!words_.empty() && (kind == OC_STREAM_STDERR || tty_)) {
    with_words = std::exchange(words_, {}) + std::string(piece);
    piece = with_words;
  }
  if (held_.empty() && sink_(kind, piece)) return;
  if (held_.empty()) {
    // Nothing is read any more, so the command waits as it would at a full pipe.
    if (process_.output) loop_.change(process_.output.get(), 0);
    if (process_.errors) loop_.change(process_.errors.get(), 0);
  }
  held_.emplace_back(kind, piece);
}

void CommandRun::resume() {
  while (!held_.empty()) {
    if (!killed_ && !sink_(held_.front().first, held_.front().second)) return;
    held_.pop_front();
  }
  if (process_.output) loop_.change(process_.output.get(), EPOLLIN);
  if (process_.errors) loop_.change(process_.errors.get(), EPOLLIN);
  settle();
}

// ---- input

void CommandRun::write(Completion done, std::string_view data, bool eof) {
  if (!takes_input_)
    return done.error(OC_FAILED_PRECONDITION, "the command was started without input");
  if (input_)
    return done.error(OC_FAILED_PRECONDITION, "the write before this one has not ended yet");
  if (exited_ || !process_.input)
    return done.error(OC_FAILED_PRECONDITION, "the command has ended or its input is closed");
  std::string bytes(data);
  if (eof && tty_) bytes += '\x04';
  input_.emplace(Input{std::move(done), std::move(bytes), 0, eof});
  auto self = shared_from_this();
  loop_.watch(process_.input.get(), 0, [self](std::uint32_t) { self->flush_input(); });
  flush_input();
}

void CommandRun::flush_input() {
  if (!input_) return;
  while (input_->sent < input_->data.size()) {
    ssize_t n = ::write(process_.input.get(), input_->data.data() + input_->sent,
                        input_->data.size() - input_->sent);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && errno == EAGAIN) return loop_.change(process_.input.get(), EPOLLOUT);
    if (n < 0) {
      close(process_.input);
      return end_input(OC_FAILED_PRECONDITION, "the command reads no more input");
    }
    input_->sent += static_cast<std::size_t>(n);
  }
  loop_.forget(process_.input.get());
  if (input_->eof && !tty_) close(process_.input);
  end_input(OC_OK, "");
}

void CommandRun::end_input(oc_status status, const std::string& why) {
  if (!input_) return;
  Input ended = std::move(*input_);
  input_.reset();
  if (status == OC_OK) return ended.done.ok();
  ended.done.error(status, why);
}

// ---- signals and the end

void CommandRun::signal(int signo) {
  if (exited_) {
    // It has ended; only its output is still on the way, and nobody wants it.
    if (signo == SIGKILL && !std::exchange(killed_, true)) resume();
    return;
  }
  if (signo != SIGKILL) {
    if (first_pid_ > 0 && !process_.gate) signal_descendants(first_pid_, signo);
    return;
  }
  if (std::exchange(killed_, true)) return;
  held_.clear();
  close(process_.output);
  close(process_.errors);
  kill_now();
}

// Before bwrap has named its child there is nothing to kill, and the gate keeps that one waiting.
void CommandRun::kill_now() {
  if (first_) send(first_, SIGKILL);
  if (!first_ && !process_.status) send(process_.pidfd, SIGKILL);
  if (timer_) return;
  auto self = shared_from_this();
  timer_ = loop_.after(kKillPatienceMs, [self] {
    if (!self->exited_) send(self->process_.pidfd, SIGKILL);
  });
}

void CommandRun::on_exit() {
  if (::waitpid(process_.pid, &bwrap_status_, WNOHANG) != process_.pid) return;
  exited_ = true;
  read_status();
  close(process_.status);
  close(process_.pidfd);
  close(process_.input);
  end_input(OC_FAILED_PRECONDITION, "the command has ended");
  if (timer_) loop_.disarm(timer_);
  auto self = shared_from_this();
  timer_ = loop_.after(kGraceMs, [self] {
    self->grace_over_ = true;
    self->settle();
  });
  settle();
}

void CommandRun::settle() {
  if (over_ || !exited_ || !held_.empty()) return;
  bool silent = !process_.output && !process_.errors;
  if (!silent && !grace_over_ && !killed_) return;
  if (!result_) result_ = outcome();
  say_words();
  if (!held_.empty()) return;  // resume() comes back here
  over_ = true;
  close(process_.output);
  close(process_.errors);
  if (timer_) loop_.disarm(timer_);
  auto self = shared_from_this();
  std::exchange(ended_, nullptr)(*result_);
}

// The command's own after all, or why it could not run: either way its reader wants them. What is
// wrong with the sandbox itself is in the failure.
void CommandRun::say_words() {
  std::string words = std::exchange(words_, {});
  if (words.empty() || killed_ || result_->has_error()) return;
  if (!exit_code_) words.erase(0, kSign.size());
  printed_errors_ = true;
  deliver(tty_ ? OC_STREAM_STDOUT : OC_STREAM_STDERR, words);
}

Outcome<int> CommandRun::outcome() const {
  if (exit_code_) return *exit_code_;
  if (killed_) return kKilledExitCode;
  // Something outside of the sandbox, or the kernel for want of memory.
  if (WIFSIGNALED(bwrap_status_)) return 128 + WTERMSIG(bwrap_status_);
  std::string_view words = words_;
  if (words.starts_with("bwrap: execvp "))
    return words.find("No such file") != std::string_view::npos ? kNotFoundExitCode
                                                                : kNotRunExitCode;
  if (words.starts_with("bwrap: Can't chdir ")) return kNotRunExitCode;
  std::string why =
      words_.empty() ? "no reason given" : words_.substr(std::min(kSign.size(), words_.size()));
  while (!why.empty() && (why.back() == '\n' || why.back() == '\r')) why.pop_back();
  return failure(OC_UNAVAILABLE, "bubblewrap could not set up the sandbox: " + why);
}

}  // namespace openclaw::bwrap
