#include "history.h"

#include <algorithm>
#include <utility>

#include "message_event.h"
#include "outgoing.h"
#include "snowflake.h"

namespace discord {
namespace {

using openclaw::Completion;
using openclaw::Flow;
using openclaw::Nothing;

constexpr std::int64_t kMostMessages = 100;  // of one request, by the service
constexpr std::int64_t kUsualMessages = 20;
constexpr std::size_t kMostUnderWay = 16;
constexpr std::uint64_t kBusyMs = 2'000;
constexpr std::uint64_t kReadMs = 20'000;

void add_line(std::string& text, const std::string& line) {
  if (!text.empty()) text += "\n";
  text += line;
}

void add_files(std::string& text, const json::object& message) {
  const json::array* files = parts::array_in(message, "attachments");
  if (files == nullptr) return;
  for (const json::value& file : *files) {
    if (!file.is_object()) continue;
    add_line(text, "[file: " + std::string(parts::text_in(file.get_object(), "filename")) + "]");
  }
}

json::object entry_of(const json::object& message, const std::string& bot_id) {
  const std::string id = read_message_id(message, "id");
  json::object out{{"messageId", id}, {"timestampMs", snowflake_time_ms(snowflake(id))}};
  if (const json::object* author = parts::object_in(message, "author")) {
    const std::string_view shown = parts::text_in(*author, "global_name");
    const std::string sender = read_message_id(*author, "id");
    out["senderId"] = sender;
    out["senderName"] = shown.empty() ? parts::text_in(*author, "username") : shown;
    out["own"] = !sender.empty() && sender == bot_id;
  }
  std::string text(parts::text_in(message, "content"));
  add_files(text, message);
  if (const json::object* copy = forwarded_in(message)) {
    add_line(text, "[forwarded] " + std::string(parts::text_in(*copy, "content")));
    add_files(text, *copy);
  }
  out["text"] = text;
  return out;
}

// The service has the newest first.
json::array oldest_first(const json::value& answer, const std::string& bot_id) {
  json::array out;
  const json::array* list = answer.if_array();
  if (list == nullptr) return out;
  for (auto item = list->rbegin(); item != list->rend(); ++item) {
    const json::object* message = item->if_object();
    if (message == nullptr || read_message_id(*message, "id").empty()) continue;
    out.push_back(entry_of(*message, bot_id));
  }
  return out;
}

}  // namespace

Flow<Reply> History::messages_in(std::string channel, std::int64_t limit,
                                 RestApi::Options options) {
  Call call = channel_call("GET", channel, "/messages", "/messages?limit=" + std::to_string(limit));
  options.large = true;
  Flow<Reply> asking = s_.api.call(std::move(call), options);
  co_return co_await std::move(asking);
}

Flow<Reply> History::messages_with(std::string user, std::int64_t limit, RestApi::Options options) {
  Call call;
  call.method = "POST";
  call.path = "/users/@me/channels";
  call.route = {"POST /users/@me/channels", ""};
  call.body = json::object{{"recipient_id", user}};
  Flow<Reply> opening = s_.api.call(std::move(call), options);
  Reply chat = co_await std::move(opening);
  const json::object* opened = chat.result.if_object();
  const std::string channel = opened == nullptr ? std::string() : read_message_id(*opened, "id");
  if (!chat.ok()) co_return chat;
  if (channel.empty()) {
    chat.kind = Reply::Kind::kBroken;
    chat.text = "the answer names no chat";
    co_return chat;
  }
  Flow<Reply> reading = messages_in(channel, limit, options);
  co_return co_await std::move(reading);
}

Flow<Nothing> History::read(Completion done, std::string payload) {
  const json::value query = parts::parsed(payload);
  const auto target = query.is_object() ? read_target(query.get_object()) : std::nullopt;
  if (!target) {
    done.error(OC_INVALID_ARGUMENT,
               "the payload must be an object with the \"conversation.id\" of a channel or person");
    co_return Nothing{};
  }
  if (holds_.size() >= kMostUnderWay) {
    done.error(OC_RESOURCE_EXHAUSTED, "too many histories are being read", kBusyMs);
    co_return Nothing{};
  }
  const std::int64_t limit = std::clamp<std::int64_t>(
      parts::int_in(query.get_object(), "limit", kUsualMessages), 1, kMostMessages);
  const oc_op op = done.op();
  struct Listed {
    std::map<oc_op, CallHold>& holds;
    oc_op op;
    ~Listed() { holds.erase(op); }
  };
  RestApi::Options options;
  options.hold = &holds_[op];  // stays where it is while others come and go
  const Listed listed{holds_, op};
  options.most_wait_ms = std::min(done.remaining_ms(kReadMs), kReadMs);
  Reply answer;
  if (target->user.empty()) {
    Flow<Reply> reading = messages_in(target->channel, limit, options);
    answer = co_await std::move(reading);
  }
  const bool maybe_user = answer.refused(kUnknownChannel) && !target->certain;
  if (!target->user.empty() || maybe_user) {
    Flow<Reply> reading =
        messages_with(target->user.empty() ? target->channel : target->user, limit, options);
    answer = co_await std::move(reading);
  }
  if (answer.ok() && !options.hold->cancelled) {
    json::array messages = oldest_first(answer.result, s_.bot_id());
    done.ok(json::serialize(json::object{{"messages", std::move(messages)}}));
  } else {
    fail(done, answer);
  }
  co_return Nothing{};
}

void History::cancel(oc_op op) {
  const auto found = holds_.find(op);
  if (found != holds_.end()) s_.api.cancel(found->second);
}

void History::fail(Completion& done, const Reply& reply) {
  const std::string code = reply.code != 0 ? std::to_string(reply.code) : std::string();
  switch (reply.kind) {
    case Reply::Kind::kOk:
    case Reply::Kind::kCancelled:
      return done.error(OC_CANCELLED, "cancelled while the messages were read");
    case Reply::Kind::kUnsent:
    case Reply::Kind::kBroken:
      return done.error(reply.status == OC_CANCELLED ? OC_CANCELLED : OC_UNAVAILABLE,
                        "Discord did not answer: " + reply.text);
    case Reply::Kind::kRefused:
      break;
  }
  const std::string text = "Discord refused to show the messages: " + reply.text;
  if (reply.token_refused()) {
    done.error(OC_UNAUTHENTICATED, text, 0, code);
    return s_.token_lost(reply.text);
  }
  if (reply.limited())
    return done.error(OC_RESOURCE_EXHAUSTED, text,
                      std::max<std::uint64_t>(reply.retry_after_ms, 1'000), code);
  if (reply.http_status == 403)
    return done.error(OC_PERMISSION_DENIED,
                      text + "; give the bot's role View Channel and Read Message History there", 0,
                      code);
  done.error(OC_NOT_FOUND, text, 0, code);
}

}  // namespace discord
