// Deadline, AbortSignal and Limits: how long an operation may take and who may stop it.
//
// A Deadline is made once, at the edge (a request, a timer, a tool call), and travels as a parameter.
// AbortSignal is the user's "stop": loop thread only. Every wait in core takes a Limits.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>

namespace openclaw {

// A point on CLOCK_MONOTONIC, or never.
class Deadline {
 public:
  using Clock = std::chrono::steady_clock;

  Deadline() = default;  // never
  static Deadline never() { return {}; }
  static Deadline after(std::chrono::milliseconds delay) { return Deadline(Clock::now() + delay); }
  static Deadline at(Clock::time_point when) { return Deadline(when); }

  bool is_never() const { return when_ == Clock::time_point::max(); }
  bool expired() const { return !is_never() && Clock::now() >= when_; }
  Clock::time_point when() const { return when_; }
  // 0 when expired; a very large value when never.
  std::chrono::milliseconds remaining() const;
  // For oc_call.deadline_ns: 0 = none.
  std::uint64_t monotonic_ns() const;
  Deadline earlier(Deadline other) const { return when_ < other.when_ ? *this : other; }

 private:
  explicit Deadline(Clock::time_point when) : when_(when) {}
  Clock::time_point when_ = Clock::time_point::max();
};

namespace detail {
struct AbortState {
  bool aborted = false;
  std::string reason;
  std::uint64_t next_id = 1;
  std::map<std::uint64_t, std::function<void()>> callbacks;
};
}  // namespace detail

// The listening end. A default-constructed signal never fires. Cheap to copy. [loop thread]
class AbortSignal {
 public:
  // Removes its callback when destroyed.
  class Registration {
   public:
    Registration() = default;
    Registration(Registration&&) noexcept = default;
    Registration& operator=(Registration&& other) noexcept;
    ~Registration() { reset(); }
    void reset();

   private:
    friend class AbortSignal;
    std::weak_ptr<detail::AbortState> state_;
    std::uint64_t id_ = 0;
  };

  AbortSignal() = default;
  bool aborted() const { return state_ && state_->aborted; }
  std::string reason() const { return state_ ? state_->reason : std::string(); }
  // Runs `fn` once when aborted, at once if that has happened already.
  [[nodiscard]] Registration on_abort(std::function<void()> fn) const;

 private:
  friend class AbortSource;
  explicit AbortSignal(std::shared_ptr<detail::AbortState> state) : state_(std::move(state)) {}
  std::shared_ptr<detail::AbortState> state_;
};

// The pulling end. [loop thread]
class AbortSource {
 public:
  AbortSource() : state_(std::make_shared<detail::AbortState>()) {}
  AbortSignal signal() const { return AbortSignal(state_); }
  bool aborted() const { return state_->aborted; }
  // First call wins; callbacks run inside this call.
  void abort(std::string reason);

 private:
  std::shared_ptr<detail::AbortState> state_;
};

struct Limits {
  Deadline deadline;
  AbortSignal abort;

  static Limits within(std::chrono::milliseconds delay) { return {Deadline::after(delay), {}}; }
  Limits with_deadline(Deadline d) const { return {deadline.earlier(d), abort}; }
};

}  // namespace openclaw
