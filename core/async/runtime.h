// Runtime: the one event loop and the pool for blocking work. main owns it; everything else borrows.
//
// The loop is a single thread. All mutable state of core lives on it unless a header says otherwise, so
// core needs no strands and no locks. Plugins run on threads of their own (plugin/plugin_instance.h),
// libcurl on one more; both reach the loop only through post().
#pragma once

#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>

#include "async/awaitable.h"
#include "async/limits.h"
#include "result.h"

namespace openclaw {

class Runtime {
 public:
  // `blocking_threads` threads serve run_blocking(); they start on first use.
  explicit Runtime(unsigned blocking_threads = 4);
  ~Runtime();
  Runtime(const Runtime&) = delete;
  Runtime& operator=(const Runtime&) = delete;

  asio::io_context& loop() { return loop_; }
  // Runs `fn` on the loop, later. [any-thread]
  void post(std::function<void()> fn);
  // Runs `fn` on a thread of the blocking pool. [any-thread]
  void post_blocking(std::function<void()> fn);
  // Joins the blocking pool; what was posted before runs first. Called once, before destruction.
  void stop_blocking();

 private:
  asio::io_context loop_{1};
  unsigned blocking_threads_;
  std::unique_ptr<asio::thread_pool> pool_;  // made by the first post_blocking
  std::mutex pool_mutex_;
};

// A one-shot event on the loop with a deadline; the building block under suspend().
class Event {
 public:
  explicit Event(Runtime& runtime) : state_(std::make_shared<State>(runtime)) {}
  void set();  // [loop thread]
  bool is_set() const { return state_->set; }
  // True when set, false when the deadline passed first. Any number may wait. [loop thread]
  Awaitable<bool> wait(Deadline deadline) { return wait_on(state_, deadline); }

 private:
  struct State {
    explicit State(Runtime& rt) : runtime(rt) {}
    Runtime& runtime;
    bool set = false;
    std::vector<asio::steady_timer*> waiting;  // each in the frame of its wait
  };
  // The frame holds the state, so that the event may be gone before the waiting is.
  static Awaitable<bool> wait_on(std::shared_ptr<State> state, Deadline deadline);
  std::shared_ptr<State> state_;
};

// The right to finish one suspend(). Copyable; any thread; the first call wins, others do nothing.
// It does not keep what it finishes: a copy left on another thread may outlive the loop, whose timers may not.
template <class T>
class Completer {
 public:
  struct State {
    explicit State(Runtime& rt) : runtime(rt), event(rt) {}
    Runtime& runtime;
    Event event;
    std::optional<Result<T>> result;
  };

  explicit Completer(const std::shared_ptr<State>& state) : state_(state) {}

  // [any-thread]
  void operator()(Result<T> result) const {
    auto state = state_.lock();
    if (!state) return;
    auto& runtime = state->runtime;
    runtime.post([state = std::move(state), result = std::make_shared<Result<T>>(std::move(result))]() mutable {
      finish(*state, std::move(*result));
    });
  }
  // Without the detour over the queue. [loop thread]
  void now(Result<T> result) const {
    if (auto state = state_.lock()) finish(*state, std::move(result));
  }

 private:
  static void finish(State& state, Result<T> result) {
    if (state.event.is_set()) return;
    state.result.emplace(std::move(result));
    state.event.set();
  }
  std::weak_ptr<State> state_;
};

// Bridges a callback world into a coroutine: calls `start` with a Completer and waits until it is used,
// the deadline passes or the abort signal fires. In the last two cases `on_give_up` runs (to tell the
// other side) and the answer is kDeadlineExceeded or kCancelled; a completion after that is dropped.
template <class T>
Awaitable<Result<T>> suspend(Runtime& runtime, Limits limits, std::function<void(Completer<T>)> start,
                             std::function<void()> on_give_up = {}) {
  auto state = std::make_shared<typename Completer<T>::State>(runtime);
  Completer<T> completer(state);
  if (limits.abort.aborted()) {
    co_return Error(Code::kCancelled, "cancelled: " + limits.abort.reason());
  }
  bool gave_up = false;
  auto registration = limits.abort.on_abort([completer, &gave_up, signal = limits.abort] {
    gave_up = true;
    completer.now(Error(Code::kCancelled, "cancelled: " + signal.reason()));
  });
  start(completer);
  bool in_time = co_await state->event.wait(limits.deadline);
  registration.reset();
  if (!in_time) {
    gave_up = true;
    state->result.emplace(Error(Code::kDeadlineExceeded, "the time limit passed"));
    state->event.set();
  }
  if (gave_up && on_give_up) on_give_up();
  co_return std::move(*state->result);
}

// What `work` answers. An exception that leaves it is its error: on a thread of the pool it would end
// the program.
template <class T>
Result<T> answer_of(const std::function<Result<T>()>& work) {
  try {
    return work();
  } catch (const std::exception& e) {
    return Error(Code::kInternal, e.what());
  }
}

// Runs `work` on the blocking pool and resumes on the loop. `work` is not interrupted by the limits;
// only the wait for it ends.
template <class T>
Awaitable<Result<T>> run_blocking(Runtime& runtime, Limits limits, std::function<Result<T>()> work) {
  // Named: g++ 12 copies a closure that is a temporary of a co_await bit by bit and destroys both.
  std::function<void(Completer<T>)> start = [&runtime, work = std::move(work)](Completer<T> done) {
    runtime.post_blocking([done, work] { done(answer_of(work)); });
  };
  co_return co_await suspend<T>(runtime, limits, std::move(start));
}

// Waits; ends early with kCancelled when aborted. A deadline that passes is success.
Awaitable<Result<void>> sleep_until(Runtime& runtime, Limits limits);

}  // namespace openclaw
