// One thing done to messages by hand: RPC `send`, `message.action` and `message.read`, the tool
// `message`.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <boost/json.hpp>

namespace openclaw::channel {

// A file that comes with the request instead of lying in a workspace.
struct BroughtFile {
  std::string name, mime, base64;
};

struct MessageAction {
  enum class Kind { kSend, kEdit, kDelete, kReact, kRead };
  Kind kind = Kind::kSend;
  std::string channel;       // "telegram"
  std::string account = {};  // empty: "default", or the only one that is configured
  std::string to = {};       // id of the conversation; ":topic:ID" behind it, "telegram:" before it
  std::string thread_id = {};   // the same topic, on its own
  std::string message_id = {};  // which message: edit, delete, react
  std::string text = {};        // Markdown: send, edit
  std::string reply_to = {};    // id of the message to answer: send
  // Files of a session's workspace that go with it, and whose session's they are: send.
  std::vector<std::string> media = {};
  std::vector<BroughtFile> brought = {};  // put into that workspace first: send
  std::string agent_id = {}, session_key = {};
  boost::json::array buttons = {};   // rows of PAYLOADS.md: send, edit
  std::string emoji = {};            // react; empty takes the bot's own back
  std::int64_t limit = 20;           // read: the newest so many, at most kMostRead
  std::string idempotency_key = {};  // send, edit: the same again is the same message
};

inline constexpr std::int64_t kMostRead = 100;

}  // namespace openclaw::channel
