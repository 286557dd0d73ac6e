#include "poller.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "command_menu.h"
#include "kept_value.h"

namespace telegram {
namespace {

using openclaw::Completion;
using openclaw::Flow;
using openclaw::Nothing;

constexpr std::uint32_t kPollSeconds = 30;
constexpr std::uint32_t kShortPollSeconds = 3;  // after a failure: is it over?
constexpr std::uint32_t kPollGraceMs = 15'000;  // beyond what the service was asked to wait
constexpr std::int64_t kPollLimit = 100;
constexpr std::uint32_t kConnectMs = 15'000;
constexpr std::uint32_t kConfirmMs = 2'000;
constexpr std::uint64_t kFirstPauseMs = 1'000;
constexpr std::uint64_t kLongestPauseMs = 60'000;
constexpr std::uint64_t kConflictPauseMs = 4'000;
constexpr std::uint64_t kLongestConflictMs = 30'000;
constexpr std::uint64_t kHostPauseMs = 500;
constexpr int kReportedFailures = 2;  // one reset is no outage

std::string offset_key(const Bot& bot) {
  return "offset:" + std::to_string(bot.id);
}

Bot bot_of(const json::value& result) {
  Bot out;
  const json::object* me = result.if_object();
  if (me == nullptr) return out;
  out.id = std::max<std::int64_t>(parts::int_in(*me, "id", 0), 0);
  out.username = parts::text_in(*me, "username");
  out.reads_all_group_messages = parts::bool_in(*me, "can_read_all_group_messages", false);
  return out;
}

json::array allowed_updates(bool reactions) {
  json::array out{"message", "edited_message", "channel_post", "callback_query", "my_chat_member"};
  if (reactions) out.emplace_back("message_reaction");
  return out;
}

// The update as the host takes everything: raw, to be put aside.
std::string reduced_event(std::string_view event) {
  const json::value value = parts::parsed(event);
  json::object out{{"kind", "unparsed"}};
  if (const json::object* given = value.if_object()) {
    for (const char* key : {"eventId", "account"}) {
      if (given->contains(key)) out[key] = given->at(key);
    }
  }
  return json::serialize(out);
}

}  // namespace

void Poller::report(std::string_view state, std::string_view reason, std::string_view message) {
  if (state_ == state && reason_ == reason && message.empty()) return;
  state_ = state;
  reason_ = reason;
  json::object out{{"state", state}, {"mode", "polling"}};
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

void Poller::settle_start(oc_status status, const std::string& message) {
  if (!started_) return;
  Completion done = std::move(*started_);
  started_.reset();
  if (status == OC_OK) {
    done.ok();
  } else {
    done.error(status, message);
  }
}

void Poller::cancel_start(oc_op op) {
  if (started_ && started_->op() == op) settle_start(OC_CANCELLED, "the start was cancelled");
}

void Poller::token_lost(const std::string& why) {
  if (lost_) return;
  (void)give_up(why);
}

void Poller::failed(const std::string& why) {
  lost_ = true;
  report("failed", "internal", why);
  settle_start(OC_INTERNAL, why);
}

// What no retry mends.
Poller::Next Poller::give_up(const std::string& why) {
  lost_ = true;
  const std::string message =
      "Telegram does not accept the bot token of " + s_.settings.config_key + " (" + why +
      "). Ask @BotFather for it (/token, or /newbot), then type: " + s_.settings.token_command();
  report("failed", "unauthorized", message);
  settle_start(OC_UNAUTHENTICATED, message);
  return Next::kEnd;
}

Flow<Nothing> Poller::run(std::optional<Completion> started) {
  started_ = std::move(started);
  report("connecting");
  Flow<Next> connecting = connect();
  const Next connected = co_await std::move(connecting);
  if (connected == Next::kGoOn) {
    Flow<Nothing> loading = load_offset();
    co_await std::move(loading);
    s_.spawn(offer_commands(s_.plugin, s_.api, s_.settings, bot_.id));
    report("online");
    settle_start(OC_OK, "");
    while (!stopping_ && !lost_) {
      Flow<Next> polling = poll_once();
      if (co_await std::move(polling) == Next::kEnd) break;
    }
    if (!lost_) {
      Flow<Nothing> confirming = confirm();
      co_await std::move(confirming);
    }
  }
  settle_start(OC_CANCELLED, "the account was stopped before it had started");
  co_return Nothing{};
}

Flow<Poller::Next> Poller::connect() {
  while (!stopping_) {
    BotApi::Options options;
    options.timeout_ms = kConnectMs;
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
      const std::string message = s_.settings.config_key +
                                  ": the host does not send this bot's requests; check botToken "
                                  "and apiRoot, the reason is in: openclaw logs";
      report("failed", "refused", message);
      settle_start(OC_FAILED_PRECONDITION, message);
      co_return Next::kEnd;
    }
    Flow<Next> failing = after_failure(reply);
    if (co_await std::move(failing) == Next::kEnd) co_return Next::kEnd;
  }
  co_return Next::kEnd;
}

Flow<Nothing> Poller::load_offset() {
  Flow<parts::KeptValue> reading = parts::read_kept(s_.plugin, offset_key(bot_));
  const parts::KeptValue kept = co_await std::move(reading);
  if (kept.status != OC_OK) {
    // Older updates come again, and the host knows them by their ids.
    if (kept.status != OC_NOT_FOUND)
      s_.plugin.log().warn(
          "where the last poll ended could not be read; polling from the oldest update");
    co_return Nothing{};
  }
  std::int64_t stored = 0;
  const auto* end = kept.value.data() + kept.value.size();
  const auto [at, failure] = std::from_chars(kept.value.data(), end, stored);
  if (failure == std::errc() && at == end && stored > 0) offset_ = confirmed_ = stored;
  co_return Nothing{};
}

Flow<Nothing> Poller::store_offset() {
  Flow<oc_status> keeping = parts::keep(s_.plugin, offset_key(bot_), std::to_string(offset_));
  const oc_status status = co_await std::move(keeping);
  if (status != OC_OK && !stopping_)
    s_.plugin.log().warn(
        "where the poll stands could not be stored; a restart reads some updates twice");
  co_return Nothing{};
}

// On the way out: the service forgets what is on disk here, without handing out more.
Flow<Nothing> Poller::confirm() {
  if (offset_ == 0 || offset_ == confirmed_) co_return Nothing{};
  json::object params{{"offset", offset_}, {"limit", 1}, {"timeout", 0}};
  BotApi::Options options;
  options.timeout_ms = kConfirmMs;
  options.also_closed = true;
  Flow<Reply> flow = s_.api.call("getUpdates", std::move(params), options);
  (void)co_await std::move(flow);
  co_return Nothing{};
}

Flow<Poller::Next> Poller::poll_once() {
  const std::uint32_t seconds = failures_ == 0 ? kPollSeconds : kShortPollSeconds;
  json::object params{{"limit", kPollLimit},
                      {"timeout", seconds},
                      {"allowed_updates", allowed_updates(s_.settings.reactions)}};
  if (offset_ != 0) params["offset"] = offset_;
  BotApi::Options options;
  options.timeout_ms = seconds * 1000 + kPollGraceMs;
  options.large = true;
  const std::int64_t asked = offset_;
  Flow<Reply> flow = s_.api.call("getUpdates", std::move(params), options);
  Reply reply = co_await std::move(flow);
  if (stopping_ || lost_) co_return Next::kEnd;
  json::array* updates = reply.ok() ? reply.result.if_array() : nullptr;
  if (updates == nullptr) {
    if (reply.ok()) {
      reply.kind = Reply::Kind::kBroken;
      reply.text = "the answer to getUpdates is no list";
    }
    Flow<Next> failing = after_failure(std::move(reply));
    co_return co_await std::move(failing);
  }
  confirmed_ = asked;
  failures_ = 0;
  webhook_removed_ = false;
  report("online");
  if (updates->empty()) co_return Next::kGoOn;
  Flow<bool> taking = take(std::move(*updates));
  if (!co_await std::move(taking)) co_return stopping_ || lost_ ? Next::kEnd : Next::kGoOn;
  Flow<Nothing> storing = store_offset();
  co_await std::move(storing);
  co_return Next::kGoOn;
}

// True when all of it is in the host's hands and the offset has moved.
Flow<bool> Poller::take(json::array updates) {
  std::vector<Offer> offers;
  std::int64_t last = 0;
  for (const json::value& update : updates) {
    Parsed each = parse_update(update, bot_, s_.settings.account);
    last = std::max(last, each.update_id);
    // The button goes on turning until it is answered, whatever becomes of the press.
    if (!each.callback_id.empty()) s_.spawn(answer_callback(std::move(each.callback_id)));
    if (each.kind == Parsed::Kind::kIgnored || each.update_id == 0) continue;
    offers.push_back({json::serialize(each.event)});
  }
  if (last == 0) {
    Reply broken;
    broken.text = "the updates have no ids";
    Flow<Next> failing = after_failure(std::move(broken));
    (void)co_await std::move(failing);
    co_return false;
  }
  Flow<bool> handing = hand_over(std::move(offers));
  if (!co_await std::move(handing)) co_return false;
  // Not the greatest ever: after a quiet week the service may begin anew at a lower number.
  offset_ = last + 1;
  co_return true;
}

void Poller::stop() {
  stopping_ = true;
  if (const std::shared_ptr<Answers> awaited = awaited_) awaited->arrived();
}

// Offers each until the host has it. False when the account stops before.
Flow<bool> Poller::hand_over(std::vector<Offer> offers) {
  for (std::uint64_t pause = kHostPauseMs; !offers.empty();
       pause = std::min(pause * 2, kLongestPauseMs)) {
    const auto answers = std::make_shared<Answers>(offers.size());
    awaited_ = answers;
    for (std::size_t i = 0; i < offers.size(); ++i) {
      openclaw::Ack ack = [answers, i](oc_status status) {
        answers->each[i] = status;
        if (--answers->left == 0) answers->arrived();
      };
      (void)s_.plugin.channel_host().inbound(offers[i].event, std::move(ack));
    }
    Answers& all = *answers;  // g++ 12 would wait on a copy of *answers
    co_await all;
    awaited_.reset();
    std::vector<Offer> again;
    for (std::size_t i = 0; i < offers.size(); ++i) {
      if (answers->each[i] != OC_OK) refused(std::move(offers[i]), answers->each[i], again);
    }
    offers = std::move(again);
    if (offers.empty()) break;
    if (stopping_) co_return false;
    s_.plugin.log().warn(std::to_string(offers.size()) +
                         " updates could not be stored; they are offered again");
    Flow<Nothing> waiting = s_.pauses.wait(pause);
    co_await std::move(waiting);
    if (stopping_) co_return false;
  }
  co_return true;
}

// What the host would not have: again, or raw, or not at all, so that one update cannot stop all.
void Poller::refused(Offer offer, oc_status why, std::vector<Offer>& again) {
  if (why == OC_INVALID_ARGUMENT && offer.reduced) {
    s_.plugin.log().error("an update was refused by the host, also raw, and is left out");
    return;
  }
  if (why == OC_INVALID_ARGUMENT) {
    offer.event = reduced_event(offer.event);
    offer.reduced = true;
  }
  again.push_back(std::move(offer));
}

Flow<Nothing> Poller::answer_callback(std::string id) {
  json::object params{{"callback_query_id", std::move(id)}};
  BotApi::Options options;
  options.timeout_ms = kConnectMs;
  Flow<Reply> flow = s_.api.call("answerCallbackQuery", std::move(params), options);
  (void)co_await std::move(flow);  // too late is no harm
  co_return Nothing{};
}

Flow<Nothing> Poller::back_off(std::uint64_t first_ms, std::uint64_t most_ms,
                               std::uint64_t least_ms) {
  const std::uint64_t whole =
      std::min(most_ms, first_ms << std::min(std::max(failures_ - 1, 0), 16));
  std::uniform_int_distribution<std::uint64_t> spread(whole / 2, whole);
  Flow<Nothing> waiting = s_.pauses.wait(std::max(spread(random_), least_ms));
  co_await std::move(waiting);
  co_return Nothing{};
}

Flow<Poller::Next> Poller::after_failure(Reply reply) {
  if (connected() && (reply.refused(401) || reply.refused(404))) co_return give_up(reply.text);
  if (reply.refused(409)) {
    Flow<Next> conflict = after_conflict(std::move(reply));
    co_return co_await std::move(conflict);
  }
  ++failures_;
  if (failures_ >= kReportedFailures || !connected()) {
    const std::string message =
        reply.refused(429) ? "Telegram asks to wait: " + reply.text
                           : "Telegram is not reachable: " + reply.text + "; it is tried again";
    report("connecting", reply.refused(429) ? "rateLimited" : "unreachable", message);
  }
  // The gateway need not wait for Telegram to come back.
  settle_start(OC_OK, "");
  Flow<Nothing> waiting = back_off(kFirstPauseMs, kLongestPauseMs, reply.retry_after_ms);
  co_await std::move(waiting);
  co_return stopping_ || lost_ ? Next::kEnd : Next::kGoOn;
}

Flow<Poller::Next> Poller::after_conflict(Reply reply) {
  if (reply.says("webhook") && !webhook_removed_) {
    webhook_removed_ = true;  // if it comes back, somebody else sets it
    s_.plugin.log().info("this bot had a webhook; it is removed, since this account polls");
    json::object params{{"drop_pending_updates", false}};
    BotApi::Options options;
    options.timeout_ms = kConnectMs;
    Flow<Reply> flow = s_.api.call("deleteWebhook", std::move(params), options);
    const Reply removed = co_await std::move(flow);
    if (stopping_ || lost_) co_return Next::kEnd;
    if (removed.ok()) co_return Next::kGoOn;
  }
  ++failures_;
  const std::string message =
      "another program reads this bot's messages (409 Conflict: " + reply.text +
      "). Stop it; if you do not know it, ask @BotFather for a new token (/revoke), then type: " +
      s_.settings.token_command();
  if (failures_ == 1) s_.plugin.log().warn(message);
  report("connecting", "conflict", message);
  Flow<Nothing> waiting = back_off(kConflictPauseMs, kLongestConflictMs);
  co_await std::move(waiting);
  co_return stopping_ || lost_ ? Next::kEnd : Next::kGoOn;
}

}  // namespace telegram
