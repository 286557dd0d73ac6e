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
  set_ = true;
  timer_.cancel();
}

Awaitable<bool> Event::wait(Deadline deadline) {
  while (!set_) {
    if (deadline.expired()) co_return false;
    timer_.expires_at(deadline.when());
    co_await timer_.async_wait(asio::as_tuple(asio::use_awaitable));
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
