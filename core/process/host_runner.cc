#include "process/host_runner.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <mutex>
#include <random>

#include <boost/asio/buffer.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/write.hpp>

#include "process/process_tree.h"
#include "process/spawn.h"

namespace openclaw::process {

namespace {

using namespace std::chrono_literals;
using Stream = asio::posix::stream_descriptor;

// How long output is still read after the command has ended; only a stranger that holds the pipe
// can make it last, since the tree is gone by then.
constexpr auto kDrain = 500ms;
// After the kill: how long to wait until the kernel has taken the processes away.
constexpr auto kReap = 5s;

std::string new_marker() {
  std::random_device random;
  static constexpr char kHex[] = "0123456789abcdef";
  std::string out;
  for (int i = 0; i < 32; ++i) out += kHex[random() % 16];
  return out;
}

// A write to a command that has closed its input must fail, not end the gateway.
void ignore_broken_pipes() {
  static std::once_flag once;
  std::call_once(once, [] {
    struct sigaction now {};
    if (::sigaction(SIGPIPE, nullptr, &now) == 0 && now.sa_handler == SIG_DFL) {
      ::signal(SIGPIPE, SIG_IGN);
    }
  });
}

// Lives until the process is reaped, whoever drops the Exec before.
struct Running : std::enable_shared_from_this<Running> {
  explicit Running(Runtime& rt) : runtime(rt), drain(rt.loop()) {}

  Runtime& runtime;
  sandbox::OutputSink sink;
  Tree tree;
  bool pty = false;
  std::optional<Stream> pidfd, input, output, errors;
  std::array<char, 16384> out_buffer{}, err_buffer{};
  asio::steady_timer drain;
  bool ended = false;  // the command itself has ended
  bool reaped = false;
  bool finished = false;  // reaped and all output delivered
  json::object result;
  std::vector<Completer<json::object>> waiters;

  void start();
  void read(std::optional<Stream>& from, std::array<char, 16384>& buffer, bool is_stderr);
  void on_end();
  void reap();
  void finish_when_drained();
  void finish();
  void kill();
};

void Running::start() {
  read(output, out_buffer, false);
  read(errors, err_buffer, true);
  pidfd->async_wait(Stream::wait_read,
                    [self = shared_from_this()](const boost::system::error_code& failure) {
                      if (!failure) self->on_end();
                    });
}

void Running::read(std::optional<Stream>& from, std::array<char, 16384>& buffer, bool is_stderr) {
  if (!from) return;
  from->async_read_some(asio::buffer(buffer),
                        [self = shared_from_this(), &from, &buffer, is_stderr](
                            const boost::system::error_code& failure, std::size_t n) {
                          if (n > 0 && self->sink)
                            self->sink(is_stderr, std::string_view(buffer.data(), n));
                          if (failure) {
                            from.reset();  // a terminal answers EIO when its last user is gone
                            self->finish_when_drained();
                          } else {
                            self->read(from, buffer, is_stderr);
                          }
                        });
}

// The leader is a zombie now, so its number still means this command: leftovers are found by it.
void Running::on_end() {
  ended = true;
  runtime.post_blocking([self = shared_from_this(), tree = tree] {
    kill_tree(tree);
    self->runtime.post([self] { self->reap(); });
  });
}

void Running::reap() {
  int status = 0;
  ::waitpid(tree.leader, &status, WNOHANG);
  tree.leader = 0;
  if (WIFSIGNALED(status)) {
    result["signal"] = WTERMSIG(status);
  } else {
    result["exitCode"] = WEXITSTATUS(status);
  }
  reaped = true;
  pidfd.reset();
  drain.expires_after(kDrain);
  drain.async_wait([self = shared_from_this()](const boost::system::error_code& failure) {
    if (!failure) self->finish();
  });
  finish_when_drained();
}

void Running::finish_when_drained() {
  if (reaped && !output && !errors) finish();
}

void Running::finish() {
  if (finished) return;
  finished = true;
  drain.cancel();
  output.reset();
  errors.reset();
  input.reset();
  for (auto& waiter : std::exchange(waiters, {})) waiter.now(result);
  sink = nullptr;
}

void Running::kill() {
  if (ended) return;
  runtime.post_blocking([tree = tree] { kill_tree(tree); });
}

void send(const std::shared_ptr<Running>& running, std::shared_ptr<std::string> text,
          const Completer<void>& done) {
  auto sent = [running, text, done](const boost::system::error_code& failure, std::size_t) {
    if (failure) {
      done.now(make_error(Code::kFailedPrecondition,
                          "the command does not read its input: " + failure.message()));
    } else {
      done.now({});
    }
  };
  asio::async_write(*running->input, asio::buffer(*text), std::move(sent));
}

class HostExec final : public sandbox::Exec {
 public:
  explicit HostExec(std::shared_ptr<Running> running) : running_(std::move(running)) {}
  ~HostExec() override {
    running_->sink = nullptr;
    running_->kill();
  }

  Awaitable<Result<json::object>> wait(Limits limits) override {
    auto running = running_;
    auto outcome = co_await next_end(running, limits);
    if (outcome.has_value()) co_return outcome;
    running->kill();
    // The answer is the reason for the kill; only its completion is awaited.
    auto gone = co_await next_end(running, Limits::within(kReap));
    if (gone.has_error()) {
      co_return Error(
          outcome.error().code,
          outcome.error().message + "; some processes of the command did not end after SIGKILL");
    }
    co_return outcome;
  }

  Awaitable<Result<void>> write(std::string data, bool eof, Limits limits) override {
    auto running = running_;
    if (!running->input) {
      co_return make_error(Code::kFailedPrecondition, "the command takes no input (any more)");
    }
    if (eof && running->pty) data += '\x04';
    // Named before the wait: g++ 12 copies closures that are temporaries of a co_await bit by bit.
    std::function<void(Completer<void>)> start = [running, data](const Completer<void>& done) {
      send(running, std::make_shared<std::string>(data), done);
    };
    auto sent = co_await suspend<void>(running->runtime, limits, std::move(start));
    if (eof && !running->pty) running->input.reset();
    co_return sent;
  }

  void signal(int signo) override {
    if (running_->ended) return;
    running_->runtime.post_blocking([tree = running_->tree, signo] { signal_tree(tree, signo); });
  }

 private:
  static Awaitable<Result<json::object>> next_end(std::shared_ptr<Running> running, Limits limits) {
    if (running->finished) co_return running->result;
    std::function<void(Completer<json::object>)> start = [running](Completer<json::object> done) {
      running->waiters.push_back(std::move(done));
    };
    co_return co_await suspend<json::object>(running->runtime, limits, std::move(start));
  }

  std::shared_ptr<Running> running_;
};

void adopt(std::optional<Stream>& into, Runtime& runtime, Descriptor& from) {
  if (from.get() >= 0) into.emplace(runtime.loop(), from.release());
}

}  // namespace

Result<std::unique_ptr<sandbox::Exec>> run_on_host(Runtime& runtime, HostCommand command,
                                                   sandbox::OutputSink output) {
  ignore_broken_pipes();
  auto running = std::make_shared<Running>(runtime);
  running->sink = std::move(output);
  running->pty = command.pty;
  running->tree.marker = new_marker();
  SpawnRequest request;
  request.argv = std::move(command.argv);
  request.cwd = command.cwd.empty() ? std::filesystem::path("/") : std::move(command.cwd);
  request.pty = command.pty;
  request.keep_stdin_open = command.keep_stdin_open;
  request.env = host_environment();
  if (command.pty) command.env.emplace_back("TERM", "xterm-256color");
  for (auto& variable : command.env) {
    std::erase_if(request.env, [&](const auto& old) { return old.first == variable.first; });
    request.env.push_back(std::move(variable));
  }
  request.env.emplace_back(kMarkerVariable, running->tree.marker);
  auto spawned = spawn(request);
  if (spawned.has_error()) return spawned.error();
  running->tree.leader = spawned->pid;
  adopt(running->pidfd, runtime, spawned->pidfd);
  adopt(running->input, runtime, spawned->input);
  adopt(running->output, runtime, spawned->output);
  adopt(running->errors, runtime, spawned->errors);
  running->start();
  return std::unique_ptr<sandbox::Exec>(std::make_unique<HostExec>(std::move(running)));
}

}  // namespace openclaw::process
