#include "async/limits.h"

#include <algorithm>

namespace openclaw {

std::chrono::milliseconds Deadline::remaining() const {
  using std::chrono::milliseconds;
  if (is_never()) return std::chrono::hours(24 * 365);
  auto left = std::chrono::ceil<milliseconds>(when_ - Clock::now());
  return std::max(left, milliseconds(0));
}

std::uint64_t Deadline::monotonic_ns() const {
  if (is_never()) return 0;
  auto ns = std::chrono::duration_cast<std::chrono::nanoseconds>(when_.time_since_epoch()).count();
  return static_cast<std::uint64_t>(std::max<std::int64_t>(ns, 1));
}

AbortSignal::Registration& AbortSignal::Registration::operator=(Registration&& other) noexcept {
  if (this != &other) {
    reset();
    state_ = std::move(other.state_);
    id_ = other.id_;
    other.state_.reset();
  }
  return *this;
}

void AbortSignal::Registration::reset() {
  if (auto state = state_.lock()) state->callbacks.erase(id_);
  state_.reset();
}

AbortSignal::Registration AbortSignal::on_abort(std::function<void()> fn) const {
  Registration registration;
  if (!state_) return registration;
  if (state_->aborted) {
    fn();
    return registration;
  }
  registration.state_ = state_;
  registration.id_ = state_->next_id++;
  state_->callbacks.emplace(registration.id_, std::move(fn));
  return registration;
}

void AbortSource::abort(std::string reason) {
  if (state_->aborted) return;
  auto state = state_;  // a callback may destroy this source
  state->aborted = true;
  state->reason = std::move(reason);
  // One at a time: a callback may destroy the registration of another one, which then must not run.
  while (!state->callbacks.empty()) {
    auto node = state->callbacks.extract(state->callbacks.begin());
    node.mapped()();
  }
}

}  // namespace openclaw
