#include "async/runtime.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace openclaw {

Runtime::Runtime(unsigned blocking_threads) : blocking_threads_(blocking_threads) {}

Runtime::~Runtime() { stop_blocking(); }

void Runtime::post(std::function<void()> fn) { asio::post(loop_, std::move(fn)); }

void Runtime::post_blocking(std::function<void()> fn) {
  std::lock_guard lock(pool_mutex_);
  if (!pool_) pool_ = std::make_unique<asio::thread_pool>(blocking_threads_);
  asio::post(*pool_, std::move(fn));
}

void Runtime::stop_blocking() {
  std::unique_ptr<asio::thread_pool> pool;
  {
    std::lock_guard lock(pool_mutex_);
    pool = std::move(pool_);
  }
  if (pool) pool->join();
}

void Event::set() {
  state_->set = true;
  for (auto* timer : state_->waiting) timer->cancel();
}

Awaitable<bool> Event::wait_on(std::shared_ptr<State> state, Deadline deadline) {
  if (state->set) co_return true;
  // One timer each: with one for all, a second waiter would cancel the first, and that one the second.
  asio::steady_timer timer(state->runtime.loop());
  struct Entry {
    State& in;
    asio::steady_timer* timer;
    ~Entry() { std::erase(in.waiting, timer); }
  } entry{*state, &timer};
  state->waiting.push_back(&timer);
  while (!state->set) {
    if (deadline.expired()) co_return false;
    timer.expires_at(deadline.when());
    co_await timer.async_wait(asio::as_tuple(asio::use_awaitable));
  }
  co_return true;
}

Awaitable<Result<void>> sleep_until(Runtime& runtime, Limits limits) {
  Result<void> outcome =
      co_await suspend<void>(runtime, limits, [](const Completer<void>&) {});
  if (outcome.has_error() && outcome.error().code == Code::kDeadlineExceeded) {
    co_return Result<void>();
  }
  co_return outcome;
}

}  // namespace openclaw
