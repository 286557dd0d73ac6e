// DiskLane: the blocking work of one agent's session directory, one job at a time, in order.
#pragma once

#include <deque>
#include <functional>
#include <memory>

#include "async/runtime.h"

namespace openclaw::session {

// Loop thread only. A job is a function that runs on the loop when its turn has come and hands back
// the blocking part; that part in turn hands back what runs on the loop afterwards. So a job sees
// everything that was queued while it waited.
class DiskLane : public std::enable_shared_from_this<DiskLane> {
 public:
  using Then = std::function<void()>;
  using Work = std::function<Then()>;
  using Job = std::function<Work()>;

  explicit DiskLane(Runtime& runtime) : runtime_(runtime) {}

  void add(Job job) {
    jobs_.push_back(std::move(job));
    pump();
  }
  bool idle() const { return !busy_ && jobs_.empty(); }

 private:
  void pump() {
    if (busy_ || jobs_.empty()) return;
    busy_ = true;
    auto job = std::move(jobs_.front());
    jobs_.pop_front();
    runtime_.post_blocking([self = shared_from_this(), work = job()] {
      auto then = work();
      self->runtime_.post([self, then = std::move(then)] {
        if (then) then();
        self->busy_ = false;
        self->pump();
      });
    });
  }

  Runtime& runtime_;
  std::deque<Job> jobs_;
  bool busy_ = false;
};

}  // namespace openclaw::session
