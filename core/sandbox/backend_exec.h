// BackendExec: one command in a sandbox, as an operation of the backend's plugin. Loop thread only.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "async/runtime.h"
#include "plugin/plugin_host.h"
#include "result.h"
#include "sandbox/sandbox_manager.h"

namespace openclaw::sandbox {

// Shared by the Exec that the caller holds and the coroutine that runs the operation.
struct ExecState {
  explicit ExecState(Runtime& rt) : runtime(rt) {}

  Runtime& runtime;
  plugin::PluginInstance* backend = nullptr;
  std::string exec_json;
  OutputSink sink;
  std::uint64_t op = 0;     // 0 until the plugin has accepted it
  bool had_output = false;  // then it is not started a second time
  bool kill_wanted = false;
  AbortSource abandon;  // the last resort: the plugin does not answer
  bool finished = false;
  Result<json::object> result = json::object{};
  std::vector<Completer<void>> accepted_waiters;
  std::vector<Completer<json::object>> end_waiters;

  void kill();
  void finish(Result<json::object> outcome);
};

// Runs the operation once in `runtime_id`. kNotFound: the container is gone.
Awaitable<Result<json::value>> run_in_backend(std::shared_ptr<ExecState> state,
                                              std::string runtime_id);

std::unique_ptr<Exec> make_backend_exec(std::shared_ptr<ExecState> state);

// The request as the backend gets it; `prepend_path` goes in front of PATH of a login shell's
// command.
json::object exec_payload(const ExecRequest& request, const std::string& workdir,
                          const std::string& prepend_path);

}  // namespace openclaw::sandbox
