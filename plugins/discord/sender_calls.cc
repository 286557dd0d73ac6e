// The Sender's calls that are one request each: removing, reacting, typing.
#include <algorithm>
#include <utility>

#include "sender.h"

namespace discord {
namespace {

using openclaw::Completion;
using openclaw::Flow;
using openclaw::Nothing;

constexpr std::size_t kMostCalls = 1024;
constexpr std::uint64_t kBusyPauseMs = 2'000;
constexpr std::uint32_t kPresenceMs = 5'000;
constexpr std::int64_t kTooManyReactions = 30010;
constexpr std::size_t kMostReactions = 20;

// The channel and message a call is about; nothing when the payload does not say.
struct Place {
  json::object payload;
  Target target;
  std::string message_id;
};
std::optional<Place> read_place(std::string_view text, bool with_message) {
  json::value value = parts::parsed(text);
  if (!value.is_object()) return std::nullopt;
  Place out;
  out.payload = std::move(value.get_object());
  const auto target = read_target(out.payload);
  out.message_id = read_message_id(out.payload, "messageId");
  if (!target || (with_message && out.message_id.empty())) return std::nullopt;
  out.target = *target;
  return out;
}

constexpr std::string_view kNoPlace =
    "the payload must be an object with \"conversation.id\" and, for a message, \"messageId\"";

std::string percent_encoded(std::string_view text) {
  static constexpr char kHex[] = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                       c == '-' || c == '_' || c == '.';
    if (plain) {
      out += c;
    } else {
      out += '%';
      out += kHex[byte >> 4U];
      out += kHex[byte & 15U];
    }
  }
  return out;
}

// "<:name:1234>" and "<a:name:1234>" are written name:1234 in an address.
std::string emoji_in_path(std::string_view emoji) {
  if (emoji.starts_with('<') && emoji.ends_with('>')) {
    emoji = emoji.substr(1, emoji.size() - 2);
    const std::size_t first = emoji.find(':');
    if (first != std::string_view::npos) emoji.remove_prefix(first + 1);
  }
  return percent_encoded(emoji.substr(0, 64));
}

Call reaction_call(std::string method, const std::string& channel, const std::string& message_id,
                   const std::string& emoji) {
  return channel_call(std::move(method), channel, "/messages/:id/reactions",
                      "/messages/" + message_id + "/reactions/" + emoji + "/@me");
}

}  // namespace

Flow<Nothing> Sender::simple(Completion done, Target target, Call call,
                             std::function<bool(const Reply&)> as_good) {
  auto job = std::make_shared<Job>(std::move(done));
  job->ticket.arrived();
  if (closed_ || jobs_.size() >= kMostCalls) {
    job->done.error(OC_RESOURCE_EXHAUSTED, "too many calls wait for Discord", kBusyPauseMs);
    co_return Nothing{};
  }
  const Stay stay(*this, job);
  job->channel = target.channel;
  Flow<Reply> flow = s_.api.call(std::move(call), options_for(*job));
  const Reply reply = co_await std::move(flow);
  if (reply.ok() || (as_good && as_good(reply))) {
    job->done.ok();
  } else {
    fail(*job, reply);
  }
  co_return Nothing{};
}

Flow<Nothing> Sender::remove(Completion done, std::string payload) {
  auto place = read_place(payload, true);
  if (!place || place->target.channel.empty()) {
    done.error(OC_INVALID_ARGUMENT, kNoPlace);
    co_return Nothing{};
  }
  Call call = channel_call("DELETE", place->target.channel, "/messages/:id",
                           "/messages/" + place->message_id);
  std::function<bool(const Reply&)> gone = [](const Reply& reply) {
    return reply.refused(kUnknownMessage);
  };
  Flow<Nothing> flow = simple(std::move(done), place->target, std::move(call), std::move(gone));
  co_return co_await std::move(flow);
}

// The emoji, ready for an address, with which the bot has reacted: the one key of the answer.
Flow<Reply> Sender::own_reactions(JobPtr job, std::string message_id) {
  Call call = channel_call("GET", job->channel, "/messages/:id", "/messages/" + message_id);
  Flow<Reply> asking = s_.api.call(std::move(call), options_for(*job));
  Reply reply = co_await std::move(asking);
  json::array own;
  const json::object* message = reply.result.if_object();
  const json::array* all = message == nullptr ? nullptr : parts::array_in(*message, "reactions");
  for (const json::value& item : all == nullptr ? json::array() : *all) {
    if (!item.is_object() || !parts::bool_in(item.get_object(), "me", false)) continue;
    const json::object* emoji = parts::object_in(item.get_object(), "emoji");
    if (emoji == nullptr || own.size() >= kMostReactions) continue;
    const std::string name(parts::text_in(*emoji, "name"));
    const std::string id = read_message_id(*emoji, "id");
    own.emplace_back(percent_encoded(id.empty() ? name : name + ":" + id));
  }
  reply.result = std::move(own);
  co_return reply;
}

Flow<Nothing> Sender::react(Completion done, std::string payload) {
  auto place = read_place(payload, true);
  if (!place || place->target.channel.empty()) {
    done.error(OC_INVALID_ARGUMENT, kNoPlace);
    co_return Nothing{};
  }
  const std::string emoji = emoji_in_path(parts::text_in(place->payload, "emoji"));
  const bool take_back = emoji.empty() || parts::bool_in(place->payload, "remove", false);
  std::function<bool(const Reply&)> fine = [](const Reply& reply) {
    return reply.refused(kUnknownMessage) || reply.refused(kTooManyReactions);
  };
  if (!emoji.empty()) {
    Call call = reaction_call(take_back ? "DELETE" : "PUT", place->target.channel,
                              place->message_id, emoji);
    Flow<Nothing> flow = simple(std::move(done), place->target, std::move(call), std::move(fine));
    co_return co_await std::move(flow);
  }
  // Which ones are to be taken back is known to the service alone.
  auto job = std::make_shared<Job>(std::move(done));
  job->ticket.arrived();
  job->channel = place->target.channel;
  const Stay stay(*this, job);
  Flow<Reply> asking = own_reactions(job, place->message_id);
  Reply last = co_await std::move(asking);
  const json::array own = last.result.is_array() ? last.result.get_array() : json::array();
  for (const json::value& each : own) {
    if (!last.ok()) break;
    Call call =
        reaction_call("DELETE", job->channel, place->message_id, std::string(each.get_string()));
    Flow<Reply> removing = s_.api.call(std::move(call), options_for(*job));
    last = co_await std::move(removing);
  }
  if (last.ok() || fine(last)) {
    job->done.ok();
  } else {
    fail(*job, last);
  }
  co_return Nothing{};
}

Flow<Nothing> Sender::presence(Completion done, std::string payload) {
  auto place = read_place(payload, false);
  if (!place) {
    done.error(OC_INVALID_ARGUMENT, kNoPlace);
    co_return Nothing{};
  }
  const json::object* conversation = parts::object_in(place->payload, "conversation");
  s_.interactions.is_worked_on(read_message_id(*conversation, "interaction"));
  Call call = channel_call("POST", place->target.channel, "/typing", "/typing");
  // It fades by itself: where the bot may not write, or has typed enough, nothing is asked for.
  if (parts::text_in(place->payload, "state") != "typing" || place->target.channel.empty() ||
      is_closed_to_us(place->target.channel) || s_.api.wait_ms(call.route) > 0) {
    done.ok();
    co_return Nothing{};
  }
  auto job = std::make_shared<Job>(std::move(done));
  job->ticket.arrived();
  job->channel = place->target.channel;
  const Stay stay(*this, job);
  RestApi::Options options = options_for(*job);
  options.timeout_ms = kPresenceMs;
  options.most_wait_ms = std::min<std::uint64_t>(options.most_wait_ms, kPresenceMs);
  Flow<Reply> flow = s_.api.call(std::move(call), options);
  const Reply reply = co_await std::move(flow);
  if (reply.ok()) {
    job->done.ok();
  } else {
    fail(*job, reply);
  }
  co_return Nothing{};
}

}  // namespace discord
