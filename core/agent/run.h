// Run: one request for a turn, from its arrival to its result. Loop thread only.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "agent/agent_service.h"
#include "session/session_files.h"
#include "session/session_key.h"

namespace openclaw::agent {

struct Run {
  TurnRequest request;  // run_id is set, session_key is canonical
  session::KeyParts key;
  AbortSource abort;
  Limits limits;  // deadline of the turn, signal of `abort`
  Deadline::Clock::time_point started = Deadline::Clock::now();
  std::function<void(const AgentEvent&)> publish;
  std::uint64_t seq = 0;

  const std::string& id() const { return request.run_id; }
  const std::string& session() const { return request.session_key; }

  void emit(std::string stream, json::object data) {
    if (!publish) return;
    publish(
        AgentEvent{id(), session(), std::move(stream), std::move(data), ++seq, session::now_ms()});
  }
  TurnResult result(std::string status) const {
    TurnResult out;
    out.run_id = id();
    out.status = std::move(status);
    out.duration_ms =
        std::chrono::duration_cast<std::chrono::milliseconds>(Deadline::Clock::now() - started)
            .count();
    return out;
  }
  TurnResult failure(const Error& error) const {
    bool late = error.code == Code::kDeadlineExceeded;
    bool stopped = error.code == Code::kCancelled;
    auto out = result(late ? "timeout" : stopped ? "aborted" : "error");
    out.error = error.message;
    out.stop_reason = late ? "timeout" : stopped ? abort.signal().reason() : "error";
    return out;
  }
};
using RunPtr = std::shared_ptr<Run>;

}  // namespace openclaw::agent
