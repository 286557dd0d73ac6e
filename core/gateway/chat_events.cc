#include "gateway/chat_events.h"

#include "gateway/params.h"
#include "gateway/server_state.h"

namespace openclaw::gateway {
namespace {

constexpr std::int64_t kDeltaMs = 150;
// Runs whose end was never reported (a crash in between) must not pile up.
constexpr std::size_t kMaxRuns = 512;
constexpr std::string_view kSilent = "NO_REPLY";

json::object assistant_message(const std::string& text) {
  return {{"role", "assistant"},
          {"content", json::array{json::object{{"type", "text"}, {"text", text}}}},
          {"timestamp", now_ms()}};
}

}  // namespace

ChatEvents::~ChatEvents() {
  stop();
}

void ChatEvents::start() {
  subscription_ =
      state_.services.agents.subscribe([this](const agent::AgentEvent& event) { on_event(event); });
}

void ChatEvents::stop() {
  if (subscription_ != 0) state_.services.agents.unsubscribe(subscription_);
  subscription_ = 0;
}

ChatEvents::RunState& ChatEvents::run_state(const std::string& run_id,
                                            std::string_view session_key) {
  auto found = runs_.find(run_id);
  if (found != runs_.end()) return found->second;
  if (runs_.size() >= kMaxRuns) runs_.erase(runs_.begin());
  auto& run = runs_[run_id];
  run.session_key = session_key;
  return run;
}

void ChatEvents::watch(const std::string& run_id, std::string session_key, std::string conn_id,
                       bool full_tools) {
  auto& run = run_state(run_id, session_key);
  run.conn_id = std::move(conn_id);
  run.full_tools = full_tools;
}

void ChatEvents::on_event(const agent::AgentEvent& event) {
  // With nobody listening only the text of a run that somebody may still ask for is kept.
  auto& run = run_state(event.run_id, event.session_key);
  run.seq = event.seq;
  if (event.stream == "tool") return on_tool(event, run);
  if (event.stream == "assistant") {
    auto text = text_param(event.data, "text");
    if (!text.empty()) run.text = std::move(text);
  }
  json::object payload{{"runId", event.run_id}, {"stream", event.stream},
                       {"data", event.data},    {"sessionKey", event.session_key},
                       {"seq", event.seq},      {"ts", event.ts}};
  state_.hub.broadcast("agent", payload, Hub::Delivery::kSure);
  if (event.stream == "assistant") return delta(event.run_id, run, false);
  if (event.stream != "lifecycle") return;
  auto phase = text_param(event.data, "phase");
  if (phase == "end") {
    // Nothing may come after: a run no client started is forgotten here.
    bool aborted = bool_param(event.data, "aborted", false);
    final(event.run_id, run, aborted ? "aborted" : "final", {}, {});
  } else if (phase == "error") {
    final(event.run_id, run, "error", text_param(event.data, "error", "the run failed"), {});
  } else {
    return;
  }
  if (run.conn_id.empty()) runs_.erase(event.run_id);
}

void ChatEvents::on_tool(const agent::AgentEvent& event, RunState& run) {
  auto data = event.data;
  // What was said before the tool starts is shown before the tool is.
  if (text_param(data, "phase") == "start") delta(event.run_id, run, true);
  if (run.conn_id.empty()) return;
  if (!run.full_tools) {
    data.erase("result");
    data.erase("partialResult");
  }
  json::object payload{{"runId", event.run_id},   {"stream", event.stream},
                       {"data", std::move(data)}, {"sessionKey", event.session_key},
                       {"seq", event.seq},        {"ts", event.ts}};
  auto text = json::serialize(payload);
  state_.hub.for_each([&](Subscriber& subscriber) {
    const auto& client = subscriber.client();
    if (client.conn_id == run.conn_id && client.tool_events)
      subscriber.event("agent", text, false, false, nullptr);
  });
}

void ChatEvents::delta(const std::string& run_id, RunState& run, bool now) {
  if (run.over || run.text.empty() || run.text == run.sent) return;
  // The silent token arrives in pieces; none of them is for people.
  if (kSilent.substr(0, run.text.size()) == run.text) return;
  auto time = now_ms();
  if (!now && time - run.last_delta < kDeltaMs) return;
  run.last_delta = time;
  run.sent = run.text;
  json::object payload{{"runId", run_id},
                       {"sessionKey", run.session_key},
                       {"seq", run.seq},
                       {"state", "delta"},
                       {"message", assistant_message(run.text)}};
  state_.hub.broadcast("chat", payload, Hub::Delivery::kDroppable);
}

void ChatEvents::final(const std::string& run_id, RunState& run, std::string_view state,
                       std::string_view error, std::string_view stop_reason) {
  if (run.over) return;
  if (state == "final") delta(run_id, run, true);
  run.over = true;
  json::object payload{
      {"runId", run_id}, {"sessionKey", run.session_key}, {"seq", run.seq}, {"state", state}};
  bool silent = run.text.empty() || run.text == kSilent;
  if (!silent && state != "error") payload["message"] = assistant_message(run.text);
  if (!error.empty()) payload["errorMessage"] = error;
  if (!stop_reason.empty()) payload["stopReason"] = stop_reason;
  state_.hub.broadcast("chat", payload, Hub::Delivery::kSure);
}

void ChatEvents::aborted(const std::string& run_id, std::string_view session_key,
                         std::string_view reason) {
  final(run_id, run_state(run_id, session_key), "aborted", {}, reason);
}

void ChatEvents::settle(const std::string& run_id, std::string_view session_key,
                        const agent::TurnResult& result) {
  auto& run = run_state(run_id, session_key);
  if (!run.over) {
    run.session_key = session_key;
    if (!result.text.empty()) run.text = result.text;
    ++run.seq;
    if (result.status == "error") {
      final(run_id, run, "error", result.error, {});
    } else if (result.status == "aborted" || result.status == "timeout") {
      final(run_id, run, "aborted", {},
            result.status == "timeout" ? "timeout" : result.stop_reason);
    } else {
      // No deltas before the answer of a command: it comes at once and whole.
      run.sent = run.text;
      final(run_id, run, "final", {}, {});
    }
  }
  runs_.erase(run_id);
}

}  // namespace openclaw::gateway
