#include "gateway_payload.h"

#include <algorithm>

#include "snowflake.h"

namespace discord {
namespace {

constexpr std::int64_t kShortestBeatMs = 50;
constexpr std::int64_t kLongestBeatMs = 10 * 60 * 1000;
constexpr std::size_t kMaxSessionId = 256;
constexpr std::size_t kMaxUrl = 512;
constexpr std::size_t kMaxDepth = 64;
constexpr std::string_view kQuery = "/?v=10&encoding=json&compress=zlib-stream";

std::string short_text(const json::object& in, std::string_view key, std::size_t most) {
  const std::string_view text = parts::text_in(in, key);
  return text.size() <= most ? std::string(text) : std::string();
}

std::string packed(Op op, json::value data) {
  return json::serialize(json::object{{"op", static_cast<int>(op)}, {"d", std::move(data)}});
}

}  // namespace

std::optional<Payload> read_payload(std::string_view text) {
  boost::system::error_code failure;
  json::parse_options options;
  options.max_depth = kMaxDepth;
  json::value value =
      json::parse(json::string_view(text.data(), text.size()), failure, {}, options);
  if (failure || !value.is_object()) return std::nullopt;
  json::object& object = value.get_object();
  Payload out;
  const std::int64_t op = parts::int_in(object, "op", -1);
  if (op < 0 || op > 255) return std::nullopt;
  out.op = static_cast<int>(op);
  out.seq = std::max<std::int64_t>(parts::int_in(object, "s", 0), 0);
  out.type = short_text(object, "t", 64);
  if (json::value* data = object.if_contains("d")) out.data = std::move(*data);
  return out;
}

std::optional<Ready> read_ready(const json::value& data) {
  const json::object* object = data.if_object();
  if (object == nullptr) return std::nullopt;
  Ready out;
  out.session.id = short_text(*object, "session_id", kMaxSessionId);
  out.session.resume_url = short_text(*object, "resume_gateway_url", kMaxUrl);
  if (const json::object* user = parts::object_in(*object, "user"))
    out.user_id = short_text(*user, "id", 20);
  if (const json::object* application = parts::object_in(*object, "application"))
    out.session.application_id = short_text(*application, "id", 20);
  if (out.session.id.empty() || snowflake(out.user_id) == 0) return std::nullopt;
  return out;
}

std::string_view content_intent(const json::object& application) {
  constexpr std::int64_t kGranted = 1 << 18;
  constexpr std::int64_t kLimited = 1 << 19;
  const std::int64_t flags = parts::int_in(application, "flags", 0);
  if ((flags & kGranted) != 0) return "enabled";
  return (flags & kLimited) != 0 ? "limited" : "disabled";
}

std::uint64_t read_hello(const json::value& data) {
  const json::object* object = data.if_object();
  if (object == nullptr) return 0;
  const std::int64_t interval = parts::int_in(*object, "heartbeat_interval", 0);
  if (interval <= 0) return 0;
  return static_cast<std::uint64_t>(std::clamp(interval, kShortestBeatMs, kLongestBeatMs));
}

std::string heartbeat_payload(std::int64_t seq) {
  return packed(Op::kHeartbeat, seq > 0 ? json::value(seq) : json::value(nullptr));
}

std::string presence_payload(const json::object& presence) {
  if (!presence.empty()) return packed(Op::kPresence, presence);
  return packed(
      Op::kPresence,
      json::object{
          {"since", nullptr}, {"activities", json::array()}, {"status", "online"}, {"afk", false}});
}

std::string identify_payload(std::string_view token, std::uint32_t intents,
                             const json::object& presence) {
  json::object data{
      {"token", token},
      {"intents", intents},
      {"properties",
       json::object{{"os", "linux"}, {"browser", "openclaw"}, {"device", "openclaw"}}}};
  if (!presence.empty()) data["presence"] = presence;
  return packed(Op::kIdentify, std::move(data));
}

std::string resume_payload(std::string_view token, const Session& session) {
  return packed(Op::kResume,
                json::object{{"token", token}, {"session_id", session.id}, {"seq", session.seq}});
}

AfterClose after_close(std::uint32_t code) {
  switch (code) {
    case 1000:
    case 4003:  // something was sent before it was known who sends it
    case 4007:
    case 4009:
      return AfterClose::kIdentify;
    case 4004:
    case 4010:
    case 4011:
    case 4012:
    case 4013:
    case 4014:
      return AfterClose::kFatal;
    default:
      return AfterClose::kResume;
  }
}

FatalClose explain_fatal(std::uint32_t code, std::string_view config_key,
                         std::string_view token_command) {
  const std::string key(config_key);
  FatalClose out;
  switch (code) {
    case 4004:
      out.token = true;
      out.reason = "unauthorized";
      out.message = "Discord does not accept the bot token of " + key +
                    " (close code 4004). Reset it in the Developer Portal, page Bot, then type: " +
                    std::string(token_command);
      break;
    case 4014:
      out.reason = "disallowedIntents";
      out.message =
          "Discord refused the intents of " + key +
          " (close code 4014): switch on \"Message Content Intent\" in the Developer Portal, page "
          "Bot, Privileged Gateway Intents. The account looks for it once a minute and connects by "
          "itself then; to try at once, type: openclaw channels status --probe. Or do without it: "
          "type openclaw config set " +
          key +
          ".intents.messageContent false (then the bot reads only direct messages and what "
          "mentions it)";
      break;
    case 4010:
    case 4011:
      out.reason = "shardingRequired";
      out.message = "Discord wants this bot split into shards (close code " + std::to_string(code) +
                    "), since it is in too many servers for one connection, and this version has "
                    "one. Take the bot out of servers, or give " +
                    key + " a bot of its own: " + std::string(token_command);
      break;
    case 4012:
      out.reason = "outdated";
      out.message = "Discord does not serve " + key +
                    " with gateway version 10 any more (close code 4012): install a newer "
                    "openclaw";
      break;
    default:
      out.reason = "refused";
      out.message = "Discord refused the connection of " + key + " for good (close code " +
                    std::to_string(code) +
                    "); the intents this version asks for are not valid there: install a newer "
                    "openclaw";
  }
  return out;
}

std::string connection_url(std::string_view url) {
  if (url.size() > kMaxUrl) return {};
  const std::size_t scheme = url.find("://");
  if (scheme == std::string_view::npos) return {};
  const std::string_view name = url.substr(0, scheme);
  if (name != "wss" && name != "ws") return {};
  const std::size_t host = scheme + 3;
  const std::size_t end = std::min(url.find_first_of("/?#", host), url.size());
  const std::string_view authority = url.substr(host, end - host);
  const bool plain =
      !authority.empty() && std::all_of(authority.begin(), authority.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '.' || c == '-' || c == ':' || c == '[' || c == ']';
      });
  if (!plain) return {};
  return std::string(url.substr(0, end)) + std::string(kQuery);
}

}  // namespace discord
