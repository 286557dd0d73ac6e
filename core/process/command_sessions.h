// CommandSessions: the commands that the exec tool started, those in the background included. Each
// belongs to the session that started it; no other session sees it.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "async/runtime.h"
#include "async/task_scope.h"
#include "process/output_buffer.h"
#include "result.h"
#include "sandbox/sandbox_manager.h"

namespace openclaw::process {

struct CommandSession {
  explicit CommandSession(Runtime& rt) : runtime(rt) {}

  Runtime& runtime;
  std::string id, owner, command, cwd;
  bool sandboxed = false, pty = false, background = false;
  std::chrono::steady_clock::time_point started, ended;
  std::unique_ptr<sandbox::Exec> exec;  // null once it has ended
  OutputBuffer output;
  AbortSource kill;
  std::string status = "running";  // then completed, failed, killed, timeout
  json::object result;             // {"exitCode"} or {"signal"} when it ended by itself
  std::string error;
  std::function<void()> on_output;  // of the tool call in the foreground
  std::vector<Completer<void>> waiters;

  bool running() const { return status == "running"; }
  std::int64_t duration_ms() const;
  // Ends when there is new output or the command has ended.
  Awaitable<Result<void>> wait_for_change(Limits limits);
  Awaitable<Result<void>> wait_for_end(Limits limits);
  void notify();
};

// Loop thread only.
class CommandSessions {
 public:
  static constexpr std::size_t kMaxRunning = 64;
  static constexpr std::size_t kMaxKept = 128;

  explicit CommandSessions(Runtime& runtime) : runtime_(runtime), scope_(runtime) {}

  // An entry with a fresh id, not yet running. kResourceExhausted when too many run.
  Result<std::shared_ptr<CommandSession>> add(std::string owner);
  // Takes the running command and watches it until `deadline`.
  void watch(std::shared_ptr<CommandSession> session, std::unique_ptr<sandbox::Exec> exec,
             Deadline deadline);
  std::shared_ptr<CommandSession> find(std::string_view owner, std::string_view id) const;
  std::vector<std::shared_ptr<CommandSession>> of(std::string_view owner) const;
  void forget(const std::string& id) { sessions_.erase(id); }
  // Drops what ended longer ago than `age`, and the oldest when too many are kept.
  void prune(std::chrono::milliseconds age);
  std::size_t running() const;
  Awaitable<> stop(Deadline deadline);

 private:
  Runtime& runtime_;
  TaskScope scope_;
  std::map<std::string, std::shared_ptr<CommandSession>> sessions_;
};

}  // namespace openclaw::process
