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

constexpr std::size_t kMostCaughtUp = 50;
constexpr int kMostPages = 5;
constexpr std::size_t kPage = 100;
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
  for (const auto& [id, seen] : channels) {
    Flow<bool> catching = catch_up_channel(id, seen, until_ms);
    if (!co_await std::move(catching)) co_return false;
  }
  co_return true;
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
      if (!seen.guild_id.empty()) message.get_object()["guild_id"] = seen.guild_id;
      add_offer("MESSAGE_CREATE", message, "history", offers);
    }
    Flow<bool> handing = hand_over(std::move(offers));
    if (!co_await std::move(handing)) co_return false;
    if (messages->size() < kPage) break;
  }
  co_return true;
}

}  // namespace discord
