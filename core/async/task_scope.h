// TaskScope: owns the coroutines of one component, so that none outlives it unnoticed.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <boost/asio/cancellation_signal.hpp>

#include "async/runtime.h"

namespace openclaw {

// Loop thread only. The owner calls stop() and awaits it before it destroys the scope.
class TaskScope {
 public:
  explicit TaskScope(Runtime& runtime);
  ~TaskScope();
  TaskScope(const TaskScope&) = delete;
  TaskScope& operator=(const TaskScope&) = delete;

  // Starts `task` on the loop. An exception that leaves it is logged with `name` and ends only it.
  void spawn(std::string name, Awaitable<> task);
  // Cancels what waits in Asio and fires abort(), then waits. Answers the names that did not end.
  Awaitable<std::vector<std::string>> stop(Deadline deadline);
  // Fires when stop() begins.
  AbortSignal abort() const { return abort_.signal(); }
  std::size_t size() const;

 private:
  struct State;
  Runtime& runtime_;
  AbortSource abort_;
  std::shared_ptr<State> state_;
};

}  // namespace openclaw
