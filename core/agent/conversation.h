// Messages: what the transcript keeps, what the model gets, how large it is. Pure functions.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "agent/agent_service.h"
#include "agent/model_registry.h"
#include "session/session_store.h"

namespace openclaw::agent {

using Context = std::vector<session::SessionStore::ContextItem>;

// "[Mon 2026-11-23 06:34 UTC] ", the local time, before a user's text in the transcript.
std::string time_envelope(std::int64_t ms);
std::string local_timezone();

// The field of a message that another run's turn took in: that run's id.
inline constexpr const char* kSteeredInto = "steeredInto";

// A user message. Of `attachments`, images (base64 in "data") become image blocks; what has a
// "path" (with "bytes") or is "missing" (why), and all that is no image, becomes a line of text.
// "runId" says whose it is, for a run that a restart cuts (turn_recovery.h).
Result<session::Message> user_message(const TurnRequest& request, std::int64_t ms);
session::Message assistant_message(json::array content, const ModelInfo& model, const Usage& usage,
                                   std::string_view stop_reason);
session::Message tool_result_message(const json::object& call, const tool::ToolResult& result);

// The request of model.chat. Tool calls without a result (a crash, an abort) get one that says so.
struct ChatParts {
  std::string model, system, thinking;
  std::string tools_json;  // array, or empty
  std::int64_t max_tokens = 0;
};
std::string chat_request(const ChatParts& parts, const Context& context);
std::string tools_json(const std::vector<const tool::ToolSpec*>& tools);

std::string text_of(const json::array& content);
std::vector<const json::object*> tool_calls_of(const json::array& content);
std::size_t estimate_tokens(const json::object& message);
// By the last answer's own count where there is one, else estimated.
std::size_t context_tokens(const Context& context);

}  // namespace openclaw::agent
