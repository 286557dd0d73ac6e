// What goes over the gateway connection, read and written, and what its end means. Pure; hostile
// input is expected.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "json_fields.h"

namespace discord {

namespace json = boost::json;

enum class Op {
  kDispatch = 0,
  kHeartbeat = 1,
  kIdentify = 2,
  kPresence = 3,
  kResume = 6,
  kReconnect = 7,
  kInvalidSession = 9,
  kHello = 10,
  kAck = 11,
};

struct Payload {
  int op = -1;
  std::int64_t seq = 0;  // of a dispatch; 0: none
  std::string type;      // of a dispatch
  json::value data;
};

// Nothing when the text is no payload.
std::optional<Payload> read_payload(std::string_view text);

struct Session {
  std::string id, resume_url;
  std::int64_t seq = 0;       // of the last event that the host has stored
  std::uint32_t intents = 0;  // what it was begun with: it stays so when it is resumed
  std::string application_id = {};
  bool usable() const { return !id.empty() && !resume_url.empty() && seq > 0; }
};

struct Ready {
  Session session;
  std::string user_id;
};
std::optional<Ready> read_ready(const json::value& data);
// Whether an application may read all messages: "enabled", "limited" (the same, for a bot in few
// servers) or "disabled".
std::string_view content_intent(const json::object& application);
// Milliseconds between heartbeats; 0 when the hello is none. Held within what is sane.
std::uint64_t read_hello(const json::value& data);

std::string heartbeat_payload(std::int64_t seq);
// Empty: online, and nothing below the name.
std::string presence_payload(const json::object& presence);
// Texts that hold the token: for the wire only. `presence` may be empty.
std::string identify_payload(std::string_view token, std::uint32_t intents,
                             const json::object& presence);
std::string resume_payload(std::string_view token, const Session& session);

// What to do when a connection has ended.
enum class AfterClose {
  kResume,
  kIdentify,
  kFatal,  // no retry mends it
};
AfterClose after_close(std::uint32_t code);
inline constexpr std::uint32_t kTokenRefused = 4004;
inline constexpr std::uint32_t kIntentsRefused = 4014;
// For a fatal code: what is wrong, and what to do about it.
struct FatalClose {
  std::string reason;   // one word for machines
  std::string message;  // for people
  bool token = false;   // it is the token that is wrong
};
FatalClose explain_fatal(std::uint32_t code, std::string_view config_key,
                         std::string_view token_command);

// `url` of the service with the query of this program; a path and a query in it are kept out.
// Empty when it is no WebSocket address.
std::string connection_url(std::string_view url);

}  // namespace discord
