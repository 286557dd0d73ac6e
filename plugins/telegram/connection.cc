#include "connection.h"

#include <algorithm>
#include <utility>

namespace telegram {
namespace {

using openclaw::Completion;
using openclaw::Flow;
using openclaw::Nothing;

constexpr std::uint32_t kGetMeMs = 15'000;
constexpr std::uint64_t kFirstPauseMs = 1'000;
constexpr std::uint64_t kLongestPauseMs = 60'000;
constexpr int kReportedFailures = 2;  // one reset is no outage

Bot bot_of(const json::value& result) {
  Bot out;
  const json::object* me = result.if_object();
  if (me == nullptr) return out;
  out.id = std::max<std::int64_t>(parts::int_in(*me, "id", 0), 0);
  out.username = parts::text_in(*me, "username");
  out.reads_all_group_messages = parts::bool_in(*me, "can_read_all_group_messages", false);
  return out;
}

}  // namespace

void Connection::report(std::string_view state, std::string_view reason, std::string_view message) {
  if (state_ == state && reason_ == reason && message.empty()) return;
  state_ = state;
  reason_ = reason;
  json::object out{{"state", state}, {"mode", s_.settings.by_webhook() ? "webhook" : "polling"}};
  if (!reason.empty()) out["reason"] = reason;
  if (!message.empty()) out["message"] = message;
  if (connected()) {
    out["account"] = json::object{{"id", std::to_string(bot_.id)}, {"username", bot_.username}};
    json::object groups{{"all", bot_.reads_all_group_messages}};
    if (!bot_.reads_all_group_messages)
      groups["fix"] = "tell @BotFather /setprivacy, choose @" + bot_.username +
                      " and Disable; then remove the bot from the group and add it again";
    out["groupMessages"] = std::move(groups);
  }
  s_.plugin.channel_host().link_state(json::serialize(out));
}

void Connection::reads_groups(bool all) {
  if (!connected() || bot_.reads_all_group_messages == all) return;
  bot_.reads_all_group_messages = all;
  if (state_ != "online") return;
  state_.clear();
  report("online");
}

void Connection::begin(std::optional<Completion> started) {
  start_.expect(std::move(started));
  report("connecting");
}

void Connection::token_lost(const std::string& why) {
  if (lost_) return;
  (void)give_up(why);
}

void Connection::failed(const std::string& why) {
  lost_ = true;
  report("failed", "internal", why);
  start_.settle(OC_INTERNAL, why);
}

void Connection::refused(std::string_view reason, const std::string& message) {
  report("failed", reason, message);
  start_.settle(OC_FAILED_PRECONDITION, message);
}

// What no retry mends.
Connection::Next Connection::give_up(const std::string& why) {
  lost_ = true;
  const std::string message =
      "Telegram does not accept the bot token of " + s_.settings.config_key + " (" + why +
      "). Ask @BotFather for it (/token, or /newbot), then type: " + s_.settings.token_command();
  report("failed", "unauthorized", message);
  start_.settle(OC_UNAUTHENTICATED, message);
  return Next::kEnd;
}

Flow<Connection::Next> Connection::connect() {
  while (!stopping_) {
    BotApi::Options options;
    options.timeout_ms = kGetMeMs;
    Flow<Reply> flow = s_.api.call("getMe", {}, options);
    const Reply reply = co_await std::move(flow);
    if (stopping_) break;
    if (reply.ok()) {
      bot_ = bot_of(reply.result);
      if (bot_.id != 0) {
        failures_ = 0;
        co_return Next::kGoOn;
      }
    }
    // A server that knows no bot of this token says 404, as one that is no Bot API server does.
    if (reply.refused(401)) co_return give_up(reply.text);
    if (reply.refused(404)) co_return give_up(reply.text + "; or apiRoot is not a Bot API server");
    if (reply.kind == Reply::Kind::kUnsent &&
        (reply.status == OC_UNAUTHENTICATED || reply.status == OC_PERMISSION_DENIED ||
         reply.status == OC_INVALID_ARGUMENT)) {
      // The host refused: no such secret, or an address that was not granted.
      refused("refused", s_.settings.config_key +
                             ": the host does not send this bot's requests; check botToken and "
                             "apiRoot, the reason is in: openclaw logs");
      co_return Next::kEnd;
    }
    Flow<Next> failing = after_failure(reply);
    if (co_await std::move(failing) == Next::kEnd) co_return Next::kEnd;
  }
  co_return Next::kEnd;
}

Flow<Connection::Next> Connection::back_off(std::uint64_t first_ms, std::uint64_t most_ms,
                                            std::uint64_t least_ms) {
  const std::uint64_t whole =
      std::min(most_ms, first_ms << std::min(std::max(failures_ - 1, 0), 16));
  std::uniform_int_distribution<std::uint64_t> spread(whole / 2, whole);
  Flow<Nothing> waiting = s_.pauses.wait(std::max(spread(random_), least_ms));
  co_await std::move(waiting);
  co_return over() ? Next::kEnd : Next::kGoOn;
}

Flow<Connection::Next> Connection::after_failure(Reply reply) {
  if (connected() && (reply.refused(401) || reply.refused(404))) co_return give_up(reply.text);
  ++failures_;
  if (failures_ >= kReportedFailures || !connected()) {
    const std::string message =
        reply.refused(429) ? "Telegram asks to wait: " + reply.text
                           : "Telegram is not reachable: " + reply.text + "; it is tried again";
    report("connecting", reply.refused(429) ? "rateLimited" : "unreachable", message);
  }
  // The gateway need not wait for Telegram to come back.
  start_.settle(OC_OK, "");
  Flow<Next> waiting = back_off(kFirstPauseMs, kLongestPauseMs, reply.retry_after_ms);
  co_return co_await std::move(waiting);
}

}  // namespace telegram
