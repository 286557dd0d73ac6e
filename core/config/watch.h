// ConfigWatch: reloads the store when the configuration file changes on disk.
//
// Watches the folder (editors replace files by rename) with inotify, waits until 100 ms pass
// without another event, then calls ConfigStore::reload(). An invalid edit changes nothing; why
// goes to the log and to `on_result`. Loop thread only. The owner calls stop() before it destroys
// the runtime.
#pragma once

#include <chrono>
#include <functional>
#include <memory>

#include "async/runtime.h"
#include "async/task_scope.h"
#include "config/config.h"

namespace openclaw::config {

class ConfigWatch {
 public:
  struct Options {
    std::chrono::milliseconds debounce{100};
    std::function<void(const Result<void>&)> on_result;  // after every reload
  };
  // The error says why the folder cannot be watched; the gateway then runs without hot reload.
  static Result<std::unique_ptr<ConfigWatch>> start(Runtime& runtime, ConfigStore& store,
                                                    TaskScope& scope, Options options);
  ~ConfigWatch();
  // Ends the watch; its coroutine leaves the scope soon after.
  void stop();

 private:
  struct State;
  explicit ConfigWatch(std::shared_ptr<State> state);
  static Awaitable<> run(std::shared_ptr<State> state);
  std::shared_ptr<State> state_;
};

}  // namespace openclaw::config
