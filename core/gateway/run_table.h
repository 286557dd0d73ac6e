// RunTable: what happened to `agent`, `send` and `chat.send` calls, by method and idempotency key,
// and to runs by id. A repeated call finds its first answer; agent.wait and chat.abort find the
// run. Loop thread only.
#pragma once

#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "async/runtime.h"
#include "gateway/method_registry.h"

namespace openclaw::gateway {

struct Run {
  std::string key;  // "<method>:<idempotencyKey>"
  std::string run_id, session_key, written_session_key;
  std::string device_id, conn_id;  // of who started it
  std::int64_t started_at = 0, ended_at = 0;
  std::string status;  // empty while running, then "ok", "error", "aborted", "timeout"
  std::string error;
  json::value accepted;  // first answer of a two-phase call
  std::optional<Reply> reply;
  std::shared_ptr<Event> done;
};

class RunTable {
 public:
  explicit RunTable(Runtime& runtime) : runtime_(runtime) {}
  std::shared_ptr<Run> find(std::string_view method, std::string_view idempotency_key);
  std::shared_ptr<Run> find_run(std::string_view run_id);
  std::shared_ptr<Run> begin(std::string_view method, std::string_view idempotency_key,
                             std::int64_t now);
  // The answer that repeated calls get from now on.
  void finish(Run& run, Reply reply, std::string status, std::string error, std::int64_t now);
  std::size_t size() const { return by_key_.size(); }

 private:
  void forget(std::int64_t now);
  Runtime& runtime_;
  std::map<std::string, std::shared_ptr<Run>, std::less<>> by_key_;
  std::list<std::string> order_;
};

}  // namespace openclaw::gateway
