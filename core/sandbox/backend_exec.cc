#include "sandbox/backend_exec.h"

#include <signal.h>

namespace openclaw::sandbox {

namespace {

using namespace std::chrono_literals;

// The backend may have to stop the container to end a command; then it needs this long.
constexpr auto kKillTime = 30s;
constexpr const char* kPathVariable = "OPENCLAW_PREPEND_PATH";

class BackendExec final : public Exec {
 public:
  explicit BackendExec(std::shared_ptr<ExecState> state) : state_(std::move(state)) {}
  ~BackendExec() override {
    state_->sink = nullptr;
    state_->kill();
  }

  Awaitable<Result<json::object>> wait(Limits limits) override {
    auto state = state_;
    auto outcome = co_await next_end(state, limits);
    if (state->finished && outcome.has_value()) co_return outcome;
    if (state->finished && !state->kill_wanted) co_return outcome;
    state->kill();
    Limits patience = Limits::within(kKillTime);
    auto gone = co_await next_end(state, patience);
    if (!state->finished) {
      state->abandon.abort("the command did not end");
      co_return Error(outcome.error().code, outcome.error().message +
                                                "; the sandbox could not end the command within " +
                                                std::to_string(kKillTime.count()) + " s");
    }
    static_cast<void>(gone);
    co_return outcome;
  }

  Awaitable<Result<void>> write(std::string data, bool eof, Limits limits) override {
    auto state = state_;
    if (state->finished || state->op == 0) {
      co_return make_error(Code::kFailedPrecondition, "the command has ended");
    }
    auto written = co_await state->backend->exec_input(state->op, std::move(data), eof, limits);
    if (written.has_error()) co_return written.error();
    co_return Result<void>();
  }

  void signal(int signo) override {
    if (signo == SIGKILL) return state_->kill();
    if (!state_->finished && state_->op != 0) state_->backend->exec_signal(state_->op, signo);
  }

 private:
  static Awaitable<Result<json::object>> next_end(std::shared_ptr<ExecState> state, Limits limits) {
    if (state->finished) co_return state->result;
    std::function<void(Completer<json::object>)> start = [state](Completer<json::object> done) {
      state->end_waiters.push_back(std::move(done));
    };
    co_return co_await suspend<json::object>(state->runtime, limits, std::move(start));
  }

  std::shared_ptr<ExecState> state_;
};

}  // namespace

void ExecState::kill() {
  if (finished || std::exchange(kill_wanted, true)) return;
  if (op != 0) {
    backend->exec_signal(op, SIGKILL);
  } else {
    abandon.abort("killed before it started");
  }
}

void ExecState::finish(Result<json::object> outcome) {
  if (finished) return;
  finished = true;
  result = std::move(outcome);
  sink = nullptr;
  for (auto& waiter : std::exchange(accepted_waiters, {})) waiter.now({});
  for (auto& waiter : std::exchange(end_waiters, {})) waiter.now(result);
}

Awaitable<Result<json::value>> run_in_backend(std::shared_ptr<ExecState> state,
                                              std::string runtime_id) {
  plugin::ProgressSink progress = [state](plugin::Stream stream, std::string_view data) {
    state->had_output = true;
    if (state->sink) state->sink(stream == plugin::Stream::kStderr, data);
    return true;
  };
  std::function<void(std::uint64_t)> accepted = [state](std::uint64_t op) {
    state->op = op;
    if (state->kill_wanted) state->backend->exec_signal(op, SIGKILL);
    for (auto& waiter : std::exchange(state->accepted_waiters, {})) waiter.now({});
  };
  // No deadline here: a late command is ended by a signal first, so that its tree is gone with the
  // answer.
  Limits limits{Deadline::never(), state->abandon.signal()};
  std::vector<std::string> texts = {std::move(runtime_id), state->exec_json};
  co_return co_await state->backend->call("sandbox.exec", std::move(texts), limits,
                                          std::move(progress), std::move(accepted));
}

std::unique_ptr<Exec> make_backend_exec(std::shared_ptr<ExecState> state) {
  return std::make_unique<BackendExec>(std::move(state));
}

json::object exec_payload(const ExecRequest& request, const std::string& workdir,
                          const std::string& prepend_path) {
  json::array argv;
  for (const auto& item : request.argv) argv.emplace_back(item);
  json::object env;
  for (const auto& [name, value] : request.env) env[name] = value;
  bool login_shell =
      request.argv.size() == 3 && request.argv[0] == "sh" && request.argv[1] == "-lc";
  if (!prepend_path.empty() && login_shell) {
    // A variable, never text in the command: the value is data. The login shell has read
    // /etc/profile by then.
    env[kPathVariable] = prepend_path;
    argv[2] = "export PATH=\"${" + std::string(kPathVariable) + "}:$PATH\"; unset " +
              kPathVariable + "\n" + request.argv[2];
  }
  return {{"argv", std::move(argv)},
          {"cwd", request.cwd.empty() ? workdir : request.cwd},
          {"env", std::move(env)},
          {"tty", request.pty},
          {"stdin", request.keep_stdin_open}};
}

}  // namespace openclaw::sandbox
