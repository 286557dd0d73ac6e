// FlowWindow: how many bytes were handed on and are not yet consumed. A source pauses when the
// window is full and is told once when it has emptied by half. The Credit that goes with each piece
// gives its bytes back when the last copy dies, on whatever thread that is. [any-thread]
#pragma once

#include <atomic>
#include <cstddef>
#include <functional>
#include <memory>
#include <utility>

namespace openclaw::net {

using Credit = std::shared_ptr<void>;

class FlowWindow : public std::enable_shared_from_this<FlowWindow> {
 public:
  // `on_room` runs on the thread that returned the credit, once per pause. It must not block.
  FlowWindow(std::size_t bytes, std::function<void()> on_room)
      : limit_(bytes), on_room_(std::move(on_room)) {}

  Credit take(std::size_t bytes) {
    used_.fetch_add(bytes);
    return Credit(static_cast<void*>(this),
                  [self = shared_from_this(), bytes](void*) { self->give_back(bytes); });
  }
  bool is_full() const { return used_.load() >= limit_; }
  // True: paused, on_room will come. False: there is room after all, go on.
  bool pause() {
    paused_.store(true);
    // Credits may have come back between is_full() and here; whoever clears the flag acts.
    if (used_.load() < limit_ / 2 + 1 && paused_.exchange(false)) return false;
    return true;
  }

 private:
  void give_back(std::size_t bytes) {
    if (used_.fetch_sub(bytes) - bytes < limit_ / 2 + 1 && paused_.exchange(false)) on_room_();
  }

  const std::size_t limit_;
  const std::function<void()> on_room_;
  std::atomic<std::size_t> used_{0};
  std::atomic<bool> paused_{false};
};

}  // namespace openclaw::net
