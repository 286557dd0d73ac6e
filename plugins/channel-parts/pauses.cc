#include "pauses.h"

#include <algorithm>

namespace parts {

using openclaw::Flow;
using openclaw::Nothing;

Flow<Nothing> Pauses::wait(std::uint64_t ms, std::uint64_t* handle) {
  if (closed_ || ms == 0) co_return Nothing{};
  Wait wait;
  const std::uint64_t id = ++last_;
  wait.timer = timer_.after(ms, [this, id] { wake(id); });
  if (wait.timer == 0) co_return Nothing{};  // no timers: what needs them does not run for long
  waits_[id] = &wait;
  if (handle != nullptr) *handle = id;
  co_await wait;
  if (handle != nullptr) *handle = 0;
  co_return Nothing{};
}

void Pauses::wake(std::uint64_t handle) {
  const auto found = waits_.find(handle);
  if (found == waits_.end()) return;
  Wait* wait = found->second;
  waits_.erase(found);
  timer_.disarm(wait->timer);
  wait->arrived();
}

void Pauses::close() {
  closed_ = true;
  while (!waits_.empty()) wake(waits_.begin()->first);
}

bool Turnstile::enter(Ticket& ticket, std::size_t most) {
  if (queue_.size() >= most) return false;
  queue_[++last_] = &ticket;
  if (queue_.size() > 1) return true;
  ticket.admitted = true;
  ticket.arrived();
  return true;
}

void Turnstile::leave(Ticket& ticket) {
  const auto found = std::find_if(queue_.begin(), queue_.end(),
                                  [&](const auto& entry) { return entry.second == &ticket; });
  if (found == queue_.end()) return;
  const bool inside = found == queue_.begin();
  queue_.erase(found);
  ticket.out = true;
  ticket.arrived();  // one that was still waiting goes on, not admitted
  if (!inside || queue_.empty()) return;
  Ticket* next = queue_.begin()->second;
  next->admitted = true;
  next->arrived();
}

}  // namespace parts
