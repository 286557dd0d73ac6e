// PluginThread: the strand of one instance as a thread of its own. Jobs run one at a time in the
// order posted; a job that does not return is noticed, and the thread can be left behind without
// waiting for it.
#pragma once

#include <atomic>
#include <chrono>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "async/runtime.h"

namespace openclaw::plugin {

struct WatchLimits {
  std::chrono::milliseconds slow_after{50};      // logged
  std::chrono::milliseconds wedged_after{5000};  // given up
};

class PluginThread {
 public:
  // `on_wedged` is called on the loop, once, with the name of the job that does not return.
  PluginThread(Runtime& runtime, std::string name, WatchLimits limits,
               std::function<void(const std::string& job)> on_wedged);
  // Joins, unless abandoned or called on the thread itself.
  ~PluginThread();
  PluginThread(const PluginThread&) = delete;
  PluginThread& operator=(const PluginThread&) = delete;

  // False, and the job is destroyed, once close() or abandon() was called. [any-thread]
  bool post(std::string name, std::function<void()> job);
  // No job after this one; what is queued is destroyed, not run. [thread itself]
  void close();
  // Leaves the thread to itself: it ends after the current job, should that ever return. [loop]
  void abandon();
  bool on_this_thread() const;

 private:
  struct State;
  std::shared_ptr<State> state_;
  std::thread thread_;
};

}  // namespace openclaw::plugin
