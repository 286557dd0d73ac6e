// What was written while there was no session: read from the channels in which somebody wrote
// before.
#include <algorithm>
#include <chrono>
#include <utility>

#include "event_queue.h"
#include "snowflake.h"

namespace discord {
namespace {

using openclaw::Flow;
using openclaw::Nothing;

constexpr std::size_t kMostCaughtUp = 50;
constexpr int kMostPages = 20;
constexpr std::size_t kPage = 100;
constexpr std::size_t kMostMembers = 200;
// Whoever wrote longer ago does not wait for an answer any more.
constexpr std::int64_t kLongestAgoMs = 24LL * 3600 * 1000;
// A session is often lost in an outage of the whole service. Nothing could be answered meanwhile,
// so that what waits behind this loses nothing by it.
constexpr std::uint64_t kPatienceMs = 3 * 60'000;

std::int64_t catch_up_time_ms() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

std::uint64_t message_number(const json::value& message) {
  const json::object* object = message.if_object();
  return object == nullptr ? 0 : snowflake(parts::text_in(*object, "id"));
}

}  // namespace

Flow<bool> EventQueue::catch_up() {
  std::vector<std::pair<std::string, LastSeen>> channels(s_.store.last_seen().begin(),
                                                         s_.store.last_seen().end());
  std::sort(channels.begin(), channels.end(), [](const auto& a, const auto& b) {
    return snowflake(a.second.message_id) > snowflake(b.second.message_id);
  });
  if (channels.size() > kMostCaughtUp) channels.resize(kMostCaughtUp);
  const std::uint64_t until_ms = clock_ms() + kPatienceMs;
  bool going_on = true;
  for (const auto& [id, seen] : channels) {
    Flow<bool> catching = catch_up_channel(id, seen, until_ms);
    going_on = co_await std::move(catching);
    if (!going_on) break;
  }
  members_.clear();
  co_return going_on;
}

Flow<Nothing> EventQueue::add_member(json::object& message, const std::string& guild_id) {
  const json::object* author = parts::object_in(message, "author");
  const std::string id(author == nullptr ? std::string_view() : parts::text_in(*author, "id"));
  const bool person = snowflake(id) != 0 && !parts::bool_in(*author, "bot", false);
  if (!person || message.contains("member") || message.contains("webhook_id")) co_return Nothing{};
  const std::string key = guild_id + "/" + id;
  if (!members_.contains(key) && members_.size() < kMostMembers) {
    Call call;
    call.path = "/guilds/" + guild_id + "/members/" + id;
    call.route = {"GET /guilds/:id/members/:id", guild_id};
    Flow<Reply> asking = ask(std::move(call), false);
    Reply reply = co_await std::move(asking);
    members_[key] = reply.ok() ? std::move(reply.result) : json::value();
  }
  const auto known = members_.find(key);
  if (known != members_.end() && known->second.is_object()) message["member"] = known->second;
  co_return Nothing{};
}

// False when the account stops.
Flow<bool> EventQueue::catch_up_channel(std::string channel_id, LastSeen seen,
                                        std::uint64_t until_ms) {
  std::uint64_t after = snowflake(seen.message_id);
  const auto oldest_ms =
      std::max<std::int64_t>(catch_up_time_ms() - kLongestAgoMs - kSnowflakeEpochMs, 0);
  after = std::max(after, static_cast<std::uint64_t>(oldest_ms) << 22U);
  for (int page = 0; page < kMostPages; ++page) {
    const std::string query =
        "/messages?limit=" + std::to_string(kPage) + "&after=" + std::to_string(after);
    Flow<Reply> asking = ask(channel_call("GET", channel_id, "/messages", query), true, until_ms);
    Reply reply = co_await std::move(asking);
    if (stopping_) co_return false;
    json::array* messages = reply.result.if_array();
    if (reply.refused() && (reply.http_status == 403 || reply.http_status == 404))
      s_.store.forget_channel(channel_id);
    if (!reply.ok() || messages == nullptr) {
      if (!reply.refused() || reply.limited())
        s_.plugin.log().warn("messages may be missing: the history of channel " + channel_id +
                             " could not be read: " + reply.text);
      break;
    }
    std::sort(messages->begin(), messages->end(), [](const json::value& a, const json::value& b) {
      return message_number(a) < message_number(b);
    });
    std::vector<Offer> offers;
    for (json::value& message : *messages) {
      if (!message.is_object()) continue;
      after = std::max(after, message_number(message));
      // Read by address, a message does not say which server it is from.
      if (!seen.guild_id.empty()) {
        message.get_object()["guild_id"] = seen.guild_id;
        Flow<Nothing> adding = add_member(message.get_object(), seen.guild_id);
        co_await std::move(adding);
      }
      Flow<Nothing> reading = read_message("MESSAGE_CREATE", message, "history", offers);
      co_await std::move(reading);
    }
    if (stopping_) co_return false;
    Flow<bool> handing = hand_over(std::move(offers));
    if (!co_await std::move(handing)) co_return false;
    if (messages->size() < kPage) co_return true;
    if (page + 1 == kMostPages)
      s_.plugin.log().warn("more was missed in channel " + channel_id +
                           " than is read; the newest messages there may be missing");
  }
  co_return true;
}

}  // namespace discord
