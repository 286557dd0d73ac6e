#include "agent/session_queue.h"

#include <algorithm>

namespace openclaw::agent {

Awaitable<Result<SessionQueue::Turn>> SessionQueue::enter(RunPtr run) {
  auto key = run->session();
  auto& lane = lanes_[key];
  if (!lane.running) {
    lane.running = run;
    co_return Turn::kOwn;
  }
  if (lane.waiting.size() >= kMaxWaiting) {
    co_return make_error(Code::kResourceExhausted,
                         "session " + key + " is busy and " + std::to_string(kMaxWaiting) +
                             " messages wait already; send /stop to end the running turn");
  }
  // Named: g++ 12 copies a closure that is a temporary of a co_await bit by bit.
  std::function<void(Completer<Turn>)> wait = [this, key, run](const Completer<Turn>& go) {
    lanes_[key].waiting.push_back({run, go});
  };
  auto outcome = co_await suspend<Turn>(runtime_, run->limits, std::move(wait));
  if (outcome.has_value()) co_return outcome;
  // Given up. The turn may have been handed over in the same moment: then it goes on to the next.
  if (auto it = lanes_.find(key); it != lanes_.end()) {
    std::erase_if(it->second.waiting, [&](const Waiter& w) { return w.run == run; });
    if (it->second.running == run) leave(key, *run);
  }
  co_return outcome;
}

void SessionQueue::leave(const std::string& session_key, const Run& run) {
  auto it = lanes_.find(session_key);
  if (it == lanes_.end() || it->second.running.get() != &run) return;
  auto& lane = it->second;
  if (lane.waiting.empty()) {
    lanes_.erase(it);
    return;
  }
  auto next = std::move(lane.waiting.front());
  lane.waiting.pop_front();
  lane.running = next.run;
  next.go.now(Turn::kOwn);
}

std::vector<RunPtr> SessionQueue::take_steering(const std::string& session_key) {
  std::vector<RunPtr> out;
  auto it = lanes_.find(session_key);
  if (it == lanes_.end()) return out;
  auto& waiting = it->second.waiting;
  // Order is kept: behind a message that wants a turn of its own, all wait.
  while (!waiting.empty() && waiting.front().run->request.steer) {
    auto waiter = std::move(waiting.front());
    waiting.pop_front();
    if (waiter.run->limits.abort.aborted()) continue;
    out.push_back(waiter.run);
    waiter.go.now(Turn::kSteered);
  }
  return out;
}

}  // namespace openclaw::agent
