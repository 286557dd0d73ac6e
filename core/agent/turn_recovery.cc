#include "agent/turn_recovery.h"

#include <algorithm>
#include <iterator>
#include <set>

#include "agent/fields.h"

namespace openclaw::agent {
namespace {

bool ended_early(const json::object& answer) {
  const auto reason = text_at(answer, "stopReason");
  return reason == "aborted" || reason == "error";
}

// What follows the run's message, read line by line.
struct Reading {
  Recovery found;
  std::set<std::string, std::less<>> open_calls;  // ids without a result
  std::size_t results = 0;                        // of the last round
  bool moved_on = false;                          // the conversation holds later messages

  void answer(const json::object& message) {
    if (ended_early(message)) return;
    const auto* content = array_at(message, "content");
    if (content == nullptr) return;
    if (auto text = text_of(*content); !text.empty()) found.answers.push_back(std::move(text));
    open_calls.clear();
    results = 0;
    for (const auto* call : tool_calls_of(*content)) open_calls.emplace(text_at(*call, "id"));
    found.calls = *content;
    found.stage = open_calls.empty() ? Recovery::Stage::kAnswered : Recovery::Stage::kUseTools;
  }
  void result(const json::object& message) {
    const auto call = open_calls.find(text_at(message, "toolCallId"));
    if (call == open_calls.end()) return;
    open_calls.erase(call);
    ++results;
    if (open_calls.empty()) found.stage = Recovery::Stage::kAskModel;
  }
};

}  // namespace

Recovery recover(const Context& context, std::string_view run_id, bool tools_ran) {
  using Stage = Recovery::Stage;
  Recovery nothing;
  nothing.stage = tools_ran ? Stage::kUnknown : Stage::kNotBegun;
  const auto own = std::find_if(context.rbegin(), context.rend(), [&](const auto& item) {
    return text_at(*item.message, "role") == "user" && text_at(*item.message, "runId") == run_id;
  });
  if (own == context.rend()) return nothing;
  if (!text_at(*own->message, kSteeredInto).empty()) {
    nothing.stage = Stage::kSteered;
    return nothing;
  }
  Reading reading;
  reading.found.stage = Stage::kAskModel;
  for (auto it = own.base(); it != context.end(); ++it) {
    const auto role = text_at(*it->message, "role");
    if (role == "assistant") reading.answer(*it->message);
    if (role == "toolResult") reading.result(*it->message);
    // Later messages, but for those that this turn took in.
    if (role == "user" && text_at(*it->message, kSteeredInto) != run_id) reading.moved_on = true;
    if (reading.found.stage == Stage::kAnswered) return reading.found;
  }
  // Asked now, the model would answer the later message.
  if (reading.moved_on) return nothing;
  // The note comes before the first tool, so without it none has started.
  const bool due = reading.found.stage == Stage::kUseTools;
  if (due && (tools_ran || reading.results > 0)) reading.found.stage = Stage::kUnknown;
  return reading.found;
}

}  // namespace openclaw::agent
