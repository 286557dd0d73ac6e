// The Sender's calls that are one request each: removing, reacting, typing.
#include <algorithm>
#include <utility>

#include "sender.h"

namespace telegram {
namespace {

using openclaw::Completion;
using openclaw::Flow;
using openclaw::Nothing;

constexpr std::uint32_t kPresenceMs = 5'000;

}  // namespace

// A call that is neither queued nor paced; it may be repeated.
Flow<Nothing> Sender::simple(Completion done, Target target, std::string method,
                             json::object params, std::function<bool(const Reply&)> as_good) {
  auto job = std::make_shared<Job>(std::move(done));
  job->ticket.arrived();
  job->target = std::move(target);
  if (jobs_.size() >= kMostJobs) {
    job->done.error(OC_RESOURCE_EXHAUSTED, "too many calls wait for Telegram", kFullPauseMs);
    co_return Nothing{};
  }
  const Stay stay(*this, job, "");
  BotApi::Options options;
  options.timeout_ms = method == "sendChatAction" ? kPresenceMs : s_.settings.call_timeout_ms;
  options.handle = &job->http;
  Flow<Reply> flow = s_.api.call(std::move(method), std::move(params), options);
  const Reply reply = co_await std::move(flow);
  if (reply.refused(429))
    pacer_.hold(job->target.chat, std::max<std::uint64_t>(reply.retry_after_ms, 1'000), now());
  if (reply.ok() || (as_good && as_good(reply))) {
    job->done.ok();
  } else {
    fail(job->done, reply, true);
  }
  co_return Nothing{};
}

namespace {

// The chat and message a call is about; empty when the payload does not say.
struct Place {
  json::object payload;
  Target target;
  std::int64_t message_id = 0;
};
std::optional<Place> read_place(std::string_view text, bool with_message) {
  json::value value = parts::parsed(text);
  if (!value.is_object()) return std::nullopt;
  Place out;
  out.payload = std::move(value.get_object());
  const auto target = read_target(out.payload);
  out.message_id = read_message_id(out.payload, "messageId");
  if (!target || (with_message && out.message_id == 0)) return std::nullopt;
  out.target = *target;
  return out;
}

// "❤️" as people and models write it is "❤" in the service's list: no emoji there says how it
// is to be drawn.
std::string listed_emoji(std::string_view emoji) {
  constexpr std::string_view kDrawnAsPicture = "\xEF\xB8\x8F";  // U+FE0F
  std::string out(emoji);
  for (std::size_t at = 0; (at = out.find(kDrawnAsPicture, at)) != std::string::npos;)
    out.erase(at, kDrawnAsPicture.size());
  return out;
}

constexpr std::string_view kNoPlace =
    "the payload must be an object with \"conversation.id\" and, for a message, \"messageId\"";

}  // namespace

Flow<Nothing> Sender::remove(Completion done, std::string payload) {
  auto place = read_place(payload, true);
  if (!place) {
    done.error(OC_INVALID_ARGUMENT, kNoPlace);
    co_return Nothing{};
  }
  follow_moved(place->target);
  json::object params{{"chat_id", place->target.chat_id()}, {"message_id", place->message_id}};
  std::function<bool(const Reply&)> gone = [](const Reply& reply) {
    return reply.says("message to delete not found");
  };
  Flow<Nothing> flow =
      simple(std::move(done), place->target, "deleteMessage", std::move(params), std::move(gone));
  co_return co_await std::move(flow);
}

Flow<Nothing> Sender::react(Completion done, std::string payload) {
  auto place = read_place(payload, true);
  if (!place) {
    done.error(OC_INVALID_ARGUMENT, kNoPlace);
    co_return Nothing{};
  }
  follow_moved(place->target);
  json::array reactions;
  const std::string_view emoji = parts::text_in(place->payload, "emoji");
  if (!emoji.empty() && !parts::bool_in(place->payload, "remove", false))
    reactions.push_back(json::object{{"type", "emoji"}, {"emoji", listed_emoji(emoji)}});
  json::object params{{"chat_id", place->target.chat_id()},
                      {"message_id", place->message_id},
                      {"reaction", std::move(reactions)}};
  Flow<Nothing> flow =
      simple(std::move(done), place->target, "setMessageReaction", std::move(params), {});
  co_return co_await std::move(flow);
}

Flow<Nothing> Sender::presence(Completion done, std::string payload) {
  auto place = read_place(payload, false);
  if (!place) {
    done.error(OC_INVALID_ARGUMENT, kNoPlace);
    co_return Nothing{};
  }
  follow_moved(place->target);
  // It fades by itself; and a chat that is held is not asked for anything.
  if (parts::text_in(place->payload, "state") != "typing" ||
      pacer_.held(place->target.chat, now())) {
    done.ok();
    co_return Nothing{};
  }
  json::object params{{"chat_id", place->target.chat_id()}, {"action", "typing"}};
  if (place->target.thread_id != 0) params["message_thread_id"] = place->target.thread_id;
  Flow<Nothing> flow =
      simple(std::move(done), place->target, "sendChatAction", std::move(params), {});
  co_return co_await std::move(flow);
}

}  // namespace telegram
