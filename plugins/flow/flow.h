// Flow<T>: a coroutine on the instance's strand. Everything a plugin waits for (an HTTP answer, a
// timer, a stream) calls back on the strand exactly once, so a Flow always resumes and needs no
// locks.
//
// A Flow starts when it is awaited or given to run_detached(). Keep closures out of co_await
// expressions (g++ 12 copies temporaries there bit by bit): name them first.
#pragma once

#include <coroutine>
#include <exception>
#include <optional>
#include <utility>

namespace openclaw {

template <class T>
class [[nodiscard]] Flow {
 public:
  struct promise_type {
    std::optional<T> value;
    std::exception_ptr thrown;
    std::coroutine_handle<> next;

    Flow get_return_object() { return Flow(Handle::from_promise(*this)); }
    std::suspend_always initial_suspend() noexcept { return {}; }
    struct Resume {
      bool await_ready() noexcept { return false; }
      std::coroutine_handle<> await_suspend(std::coroutine_handle<promise_type> self) noexcept {
        auto waiting = self.promise().next;
        return waiting ? waiting : std::coroutine_handle<>(std::noop_coroutine());
      }
      void await_resume() noexcept {}
    };
    Resume final_suspend() noexcept { return {}; }
    void return_value(T result) { value.emplace(std::move(result)); }
    void unhandled_exception() { thrown = std::current_exception(); }
  };
  using Handle = std::coroutine_handle<promise_type>;

  Flow(Flow&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
  Flow(const Flow&) = delete;
  Flow& operator=(const Flow&) = delete;
  Flow& operator=(Flow&&) = delete;
  ~Flow() {
    if (handle_) handle_.destroy();
  }

  bool await_ready() const noexcept { return false; }
  std::coroutine_handle<> await_suspend(std::coroutine_handle<> next) noexcept {
    handle_.promise().next = next;
    return handle_;
  }
  T await_resume() {
    if (handle_.promise().thrown) std::rethrow_exception(handle_.promise().thrown);
    return std::move(*handle_.promise().value);
  }

 private:
  explicit Flow(Handle handle) : handle_(handle) {}
  Handle handle_;
};

// For flows that end with nothing to say.
struct Nothing {};

namespace detail {
struct Detached {
  struct promise_type {
    Detached get_return_object() noexcept { return {}; }
    std::suspend_never initial_suspend() noexcept { return {}; }
    std::suspend_never final_suspend() noexcept { return {}; }
    void return_void() noexcept {}
    // The Completion that the flow holds reports it: dropped operations end as OC_INTERNAL.
    void unhandled_exception() noexcept {}
  };
};
inline Detached detach(Flow<Nothing> flow) {
  co_await flow;
}
}  // namespace detail

// Starts it; it owns itself until it ends.
inline void run_detached(Flow<Nothing> flow) {
  detail::detach(std::move(flow));
}

// Waits for one callback. Derived classes call arrived() exactly once, at once or later.
class Waiter {
 public:
  Waiter() = default;
  // g++ 12 waits on a copy of `*pointer` and hears nothing: await a name.
  Waiter(const Waiter&) = delete;
  Waiter& operator=(const Waiter&) = delete;

  bool await_ready() const noexcept { return arrived_; }
  bool await_suspend(std::coroutine_handle<> next) noexcept {
    next_ = next;
    return !arrived_;
  }
  void await_resume() const noexcept {}

  void arrived() {
    if (arrived_) return;
    arrived_ = true;
    if (next_) next_.resume();
  }
  bool has_arrived() const noexcept { return arrived_; }

 private:
  std::coroutine_handle<> next_;
  bool arrived_ = false;
};

}  // namespace openclaw
