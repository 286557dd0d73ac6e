#include "process/command_sessions.h"

#include <algorithm>
#include <random>

namespace openclaw::process {

namespace {

std::string new_id() {
  std::random_device random;
  static constexpr char kHex[] = "0123456789abcdef";
  std::string out;
  for (int i = 0; i < 8; ++i) out += kHex[random() % 16];
  return out;
}

void settle(CommandSession& session, const Result<json::object>& outcome) {
  session.ended = std::chrono::steady_clock::now();
  session.exec = nullptr;
  if (outcome.has_value()) {
    session.result = *outcome;
    const json::value* code = outcome->if_contains("exitCode");
    session.status = code && code->is_int64() && code->get_int64() == 0 ? "completed" : "failed";
  } else {
    session.error = outcome.error().message;
    session.status = outcome.error().code == Code::kDeadlineExceeded ? "timeout"
                     : outcome.error().code == Code::kCancelled      ? "killed"
                                                                     : "failed";
  }
  session.notify();
}

Awaitable<> watch_until_end(std::shared_ptr<CommandSession> session, Deadline deadline) {
  Limits limits{deadline, session->kill.signal()};
  Result<json::object> outcome = co_await session->exec->wait(limits);
  settle(*session, outcome);
}

}  // namespace

std::int64_t CommandSession::duration_ms() const {
  auto end = running() ? std::chrono::steady_clock::now() : ended;
  return std::chrono::duration_cast<std::chrono::milliseconds>(end - started).count();
}

Awaitable<Result<void>> CommandSession::wait_for_change(Limits limits) {
  std::function<void(Completer<void>)> start = [this](Completer<void> done) {
    waiters.push_back(std::move(done));
  };
  if (!running() || output.has_new()) co_return Result<void>();
  co_return co_await suspend<void>(runtime, limits, std::move(start));
}

Awaitable<Result<void>> CommandSession::wait_for_end(Limits limits) {
  while (running()) {
    std::function<void(Completer<void>)> start = [this](Completer<void> done) {
      waiters.push_back(std::move(done));
    };
    auto changed = co_await suspend<void>(runtime, limits, std::move(start));
    if (changed.has_error()) co_return changed;
  }
  co_return Result<void>();
}

void CommandSession::notify() {
  for (auto& waiter : std::exchange(waiters, {})) waiter.now({});
}

Result<std::shared_ptr<CommandSession>> CommandSessions::add(std::string owner) {
  if (running() >= kMaxRunning) {
    return make_error(Code::kResourceExhausted,
                      std::to_string(kMaxRunning) +
                          " commands are running already; end some with the process tool");
  }
  auto session = std::make_shared<CommandSession>(runtime_);
  do {
    session->id = new_id();
  } while (sessions_.count(session->id) > 0);
  session->owner = std::move(owner);
  session->started = std::chrono::steady_clock::now();
  sessions_.emplace(session->id, session);
  return session;
}

void CommandSessions::watch(std::shared_ptr<CommandSession> session,
                            std::unique_ptr<sandbox::Exec> exec, Deadline deadline) {
  session->exec = std::move(exec);
  std::string name = "command " + session->id;
  scope_.spawn(std::move(name), watch_until_end(std::move(session), deadline));
}

std::shared_ptr<CommandSession> CommandSessions::find(std::string_view owner,
                                                      std::string_view id) const {
  auto found = sessions_.find(std::string(id));
  if (found == sessions_.end() || found->second->owner != owner) return nullptr;
  return found->second;
}

std::vector<std::shared_ptr<CommandSession>> CommandSessions::of(std::string_view owner) const {
  std::vector<std::shared_ptr<CommandSession>> out;
  for (const auto& [id, session] : sessions_) {
    if (session->owner == owner && (session->background || session->running())) {
      out.push_back(session);
    }
  }
  std::sort(out.begin(), out.end(),
            [](const auto& a, const auto& b) { return a->started < b->started; });
  return out;
}

void CommandSessions::prune(std::chrono::milliseconds age) {
  auto now = std::chrono::steady_clock::now();
  std::erase_if(sessions_, [&](const auto& entry) {
    return !entry.second->running() && now - entry.second->ended > age;
  });
  while (sessions_.size() > kMaxKept) {
    auto oldest = sessions_.end();
    for (auto at = sessions_.begin(); at != sessions_.end(); ++at) {
      if (at->second->running()) continue;
      if (oldest == sessions_.end() || at->second->ended < oldest->second->ended) oldest = at;
    }
    if (oldest == sessions_.end()) return;
    sessions_.erase(oldest);
  }
}

std::size_t CommandSessions::running() const {
  auto count = std::count_if(sessions_.begin(), sessions_.end(),
                             [](const auto& entry) { return entry.second->running(); });
  return static_cast<std::size_t>(count);
}

Awaitable<> CommandSessions::stop(Deadline deadline) {
  for (auto& [id, session] : sessions_) {
    if (session->running()) session->kill.abort("the gateway stops");
  }
  // Each watcher ends once its tree is gone; only then the scope is closed.
  auto left = sessions_;
  for (auto& [id, session] : left) {
    Limits limits{deadline, {}};
    co_await session->wait_for_end(limits);
  }
  co_await scope_.stop(deadline);
}

}  // namespace openclaw::process
