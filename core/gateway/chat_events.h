// ChatEvents: turns what the agent reports into the `agent` and `chat` events of the protocol:
// deltas at most every 150 ms per run, tool events only to who asked for them. Loop thread only.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "agent/agent_service.h"

namespace openclaw::gateway {

struct ServerState;

class ChatEvents {
 public:
  explicit ChatEvents(ServerState& state) : state_(state) {}
  ~ChatEvents();
  void start();
  void stop();

  // A run that a client starts: its tool events go to `conn_id`, with results only when
  // `full_tools`.
  void watch(const std::string& run_id, std::string session_key, std::string conn_id,
             bool full_tools);
  // The run is over. Sends what the event stream has not sent: the final state of a slash command,
  // an error, an abort. Forgets the run.
  void settle(const std::string& run_id, std::string_view session_key,
              const agent::TurnResult& result);
  // chat.abort: the event goes out now; what the run still reports is swallowed.
  void aborted(const std::string& run_id, std::string_view session_key, std::string_view reason);

 private:
  struct RunState {
    std::string session_key, conn_id;
    bool full_tools = false;
    std::string text;  // whole reply so far
    std::string sent;  // as the last delta had it
    std::int64_t last_delta = 0;
    std::uint64_t seq = 0;  // of the last agent event
    bool over = false;      // the final state is out
  };
  void on_event(const agent::AgentEvent& event);
  void on_tool(const agent::AgentEvent& event, RunState& run);
  void delta(const std::string& run_id, RunState& run, bool now);
  void final(const std::string& run_id, RunState& run, std::string_view state,
             std::string_view error, std::string_view stop_reason);
  RunState& run_state(const std::string& run_id, std::string_view session_key);

  ServerState& state_;
  std::uint64_t subscription_ = 0;
  std::map<std::string, RunState> runs_;
};

}  // namespace openclaw::gateway
