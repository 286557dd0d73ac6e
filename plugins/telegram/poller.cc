#include "poller.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "kept_value.h"

namespace telegram {
namespace {

using openclaw::Flow;
using openclaw::Nothing;

constexpr std::uint32_t kPollSeconds = 30;
constexpr std::uint32_t kShortPollSeconds = 3;  // after a failure: is it over?
constexpr std::uint32_t kPollGraceMs = 15'000;  // beyond what the service was asked to wait
constexpr std::int64_t kPollLimit = 100;
constexpr std::uint32_t kDeleteWebhookMs = 15'000;
constexpr std::uint32_t kConfirmMs = 2'000;
constexpr std::uint64_t kSeatPauseMs = 2'000;
constexpr std::uint64_t kConflictPauseMs = 4'000;
constexpr std::uint64_t kLongestConflictMs = 30'000;

std::string offset_key(const Bot& bot) {
  return "offset:" + std::to_string(bot.id);
}

}  // namespace

Flow<Nothing> Poller::run() {
  Flow<Next> sitting = take_seat();
  if (co_await std::move(sitting) == Next::kEnd) co_return Nothing{};
  Flow<Nothing> loading = load_offset();
  co_await std::move(loading);
  s_.connection.report("online");
  s_.connection.settle_start(OC_OK, "");
  while (!s_.connection.over()) {
    Flow<Next> polling = poll_once();
    if (co_await std::move(polling) == Next::kEnd) break;
  }
  if (!s_.connection.lost()) {
    Flow<Nothing> confirming = confirm();
    co_await std::move(confirming);
  }
  seat_.leave();
  co_return Nothing{};
}

Flow<Poller::Next> Poller::take_seat() {
  const Bot& bot = s_.connection.bot();
  bool told = false;
  while (!seat_.take(s_.settings.api_root, bot.id)) {
    if (!told) {
      const std::string message =
          "another account or gateway on this machine reads the messages of @" + bot.username +
          "; " + s_.settings.config_key +
          " waits until that one ends. A bot of its own, from @BotFather "
          "(/newbot), is added with: " +
          s_.settings.token_command();
      s_.plugin.log().warn(message);
      s_.connection.report("connecting", "conflict", message);
      s_.connection.settle_start(OC_OK, "");
      told = true;
    }
    Flow<Next> waiting = s_.connection.back_off(kSeatPauseMs, kSeatPauseMs);
    if (co_await std::move(waiting) == Next::kEnd) co_return Next::kEnd;
  }
  co_return Next::kGoOn;
}

Flow<Nothing> Poller::load_offset() {
  Flow<parts::KeptValue> reading = parts::read_kept(s_.plugin, offset_key(s_.connection.bot()));
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
  Flow<oc_status> keeping =
      parts::keep(s_.plugin, offset_key(s_.connection.bot()), std::to_string(offset_));
  const oc_status status = co_await std::move(keeping);
  if (status != OC_OK && !s_.connection.stopping())
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
  const std::uint32_t seconds = s_.connection.failures() == 0 ? kPollSeconds : kShortPollSeconds;
  json::object params{{"limit", kPollLimit},
                      {"timeout", seconds},
                      {"allowed_updates", UpdateIntake::allowed_updates(s_.settings)}};
  if (offset_ != 0) params["offset"] = offset_;
  BotApi::Options options;
  options.timeout_ms = seconds * 1000 + kPollGraceMs;
  options.large = true;
  const std::int64_t asked = offset_;
  Flow<Reply> flow = s_.api.call("getUpdates", std::move(params), options);
  Reply reply = co_await std::move(flow);
  if (s_.connection.over()) co_return Next::kEnd;
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
  s_.connection.worked();
  webhook_removed_ = false;
  s_.connection.report("online");
  if (updates->empty()) co_return Next::kGoOn;
  Flow<bool> taking = take(std::move(*updates));
  if (!co_await std::move(taking)) co_return s_.connection.over() ? Next::kEnd : Next::kGoOn;
  Flow<Nothing> storing = store_offset();
  co_await std::move(storing);
  co_return Next::kGoOn;
}

// True when all of it is in the host's hands and the offset has moved.
Flow<bool> Poller::take(json::array updates) {
  UpdateIntake::Batch batch = s_.intake.read(updates);
  if (batch.last == 0) {
    Reply broken;
    broken.text = "the updates have no ids";
    Flow<Next> failing = after_failure(std::move(broken));
    (void)co_await std::move(failing);
    co_return false;
  }
  Flow<bool> handing = s_.intake.hand_over(std::move(batch.offers));
  if (!co_await std::move(handing)) co_return false;
  // Not the greatest ever: after a quiet week the service may begin anew at a lower number.
  offset_ = batch.last + 1;
  co_return true;
}

Flow<Poller::Next> Poller::after_failure(Reply reply) {
  Flow<Next> failing = reply.refused(409) ? after_conflict(std::move(reply))
                                          : s_.connection.after_failure(std::move(reply));
  co_return co_await std::move(failing);
}

Flow<Poller::Next> Poller::after_conflict(Reply reply) {
  if (reply.says("webhook") && !webhook_removed_) {
    webhook_removed_ = true;  // if it comes back, somebody else sets it
    s_.plugin.log().info("this bot had a webhook; it is removed, since this account polls");
    json::object params{{"drop_pending_updates", false}};
    BotApi::Options options;
    options.timeout_ms = kDeleteWebhookMs;
    Flow<Reply> flow = s_.api.call("deleteWebhook", std::move(params), options);
    const Reply removed = co_await std::move(flow);
    if (s_.connection.over()) co_return Next::kEnd;
    if (removed.ok()) co_return Next::kGoOn;
  }
  s_.connection.count_failure();
  const std::string message =
      "another program reads this bot's messages (409 Conflict: " + reply.text +
      "). Stop it; if you do not know it, ask @BotFather for a new token (/revoke), then type: " +
      s_.settings.token_command();
  if (s_.connection.failures() == 1) s_.plugin.log().warn(message);
  s_.connection.report("connecting", "conflict", message);
  Flow<Next> waiting = s_.connection.back_off(kConflictPauseMs, kLongestConflictMs);
  co_return co_await std::move(waiting);
}

}  // namespace telegram
