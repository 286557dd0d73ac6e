#include "channel/delivery.h"

#include <algorithm>
#include <random>

#include <spdlog/spdlog.h>

#include "channel/access.h"

namespace openclaw::channel {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kSendTime{5 * 60 *
                                 1000};  // a long reply goes out in pieces, at the platform's pace
constexpr std::int64_t kLongestPauseMs = 60'000;
// A message that waits for the platform's pace waits here, where it is `queued`, and not in the
// plugin, where a crash would leave it `sending`: as one that may have been seen.
constexpr std::int64_t kMostPlatformWaitMs = 100;
constexpr std::int64_t kStorePauseMs = 1'000;
// Tries of unknown end after which a message is given up as ambiguous. A crash, or the end of its
// account, is not the message's fault: it is tried on, up to the point where it may be the cause.
constexpr std::int64_t kMostUnknownTries = 2;
constexpr std::int64_t kMostCutTries = 10;

enum class Outcome { kRetry, kUnknown, kAccount, kPermanent };

// What a failed send says about the message. See PAYLOADS.md, channel.
Outcome outcome_of(Code code) {
  switch (code) {
    case Code::kUnavailable:
    case Code::kResourceExhausted:
      return Outcome::kRetry;
    case Code::kUnauthenticated:
      return Outcome::kAccount;
    case Code::kDeadlineExceeded:
    case Code::kCancelled:
    case Code::kProtocol:
    case Code::kInternal:
      return Outcome::kUnknown;
    default:
      return Outcome::kPermanent;
  }
}

std::int64_t backoff_ms(std::int64_t attempts) {
  const std::int64_t whole = std::min<std::int64_t>(
      kLongestPauseMs, 1000LL << std::clamp<std::int64_t>(attempts - 1, 0, 16));
  static std::minstd_rand random{std::random_device{}()};
  std::uniform_int_distribution<std::int64_t> spread(whole / 2, whole);
  return spread(random);
}

std::string payload_of(const OutboxRow& row, json::object message) {
  message["idempotencyKey"] = row.idempotency_key;
  message["maxWaitMs"] = kMostPlatformWaitMs;
  if (!row.progress.empty()) message["resume"] = row.progress;
  return json::serialize(message);
}

}  // namespace

bool may_have_been_sent(Code code) {
  return outcome_of(code) == Outcome::kUnknown;
}

std::size_t Delivery::waiting() const {
  std::size_t count = 0;
  for (const auto& [key, lane] : lanes_) count += lane->rows.size();
  return count;
}

bool Delivery::idempotent(const OutboxRow& row) const {
  const auto account = accounts_.find(row.instance);
  return account && account->plan.traits.idempotent_send;
}

bool Delivery::sends_at_once(const OutboxRow& row) const {
  return !stopping_.aborted() && !lanes_.contains(row.lane) && accounts_.is_up(row.instance);
}

void Delivery::enqueue(OutboxRow row) {
  if (row.state != OutboxState::kQueued && row.state != OutboxState::kSending) return;
  auto& lane = lanes_[row.lane];
  if (!lane) lane = std::make_unique<Lane>();
  const bool known = std::any_of(lane->rows.begin(), lane->rows.end(),
                                 [&](const OutboxRow& r) { return r.id == row.id; });
  if (known) return;
  std::string key = row.lane;
  lane->rows.push_back(std::move(row));
  if (lane->draining) return;
  lane->draining = true;
  scope_.spawn("deliver " + lane->rows.front().instance, drain(std::move(key)));
}

Awaitable<> Delivery::resume(std::vector<OutboxRow> rows) {
  const std::string error = "the gateway ended while this was being sent";
  std::vector<std::int64_t> cut;
  for (OutboxRow& row : rows) {
    if (row.state != OutboxState::kSending || idempotent(row)) continue;
    cut.push_back(row.id);
    row.state = OutboxState::kQueued;
    row.error = error;
    ++row.ambiguous;
    spdlog::warn("channel {}: message {} may be seen twice: {}", row.instance, row.id, error);
  }
  if (!cut.empty()) {
    auto noted = co_await store_.set_cut(std::move(cut), error);
    // `sending` still stands there, which says the same.
    if (noted.has_error()) spdlog::error("channels: {}", noted.error().message);
  }
  for (OutboxRow& row : rows) enqueue(std::move(row));
}

Awaitable<> Delivery::stop(Deadline deadline) {
  stopping_.abort("the gateway is stopping");
  for (const auto& [key, lane] : lanes_) {
    if (lane->wake) lane->wake->set();
  }
  idle_ = std::make_shared<Event>(runtime_);
  const auto idle = idle_;
  if (draining_ > 0) (void)co_await idle->wait(deadline);
  (void)co_await scope_.stop(deadline);
}

void Delivery::account_up(const std::string& instance) {
  for (const auto& [key, lane] : lanes_) {
    if (lane->wake && !lane->rows.empty() && lane->rows.front().instance == instance)
      lane->wake->set();
  }
}

void Delivery::drop_lane(const std::string& lane, const std::string& reason) {
  const auto found = lanes_.find(lane);
  if (found == lanes_.end() || found->second->rows.empty()) return;
  found->second->dropped = reason;
  if (found->second->wake) found->second->wake->set();
}

void Delivery::hurry(std::int64_t id) {
  for (const auto& [key, lane] : lanes_) {
    for (OutboxRow& row : lane->rows) {
      if (row.id == id) row.not_before_ms = 0;
    }
    if (lane->wake && !lane->rows.empty() && lane->rows.front().id == id) lane->wake->set();
  }
}

bool Delivery::drop(std::int64_t id) {
  for (const auto& [key, lane] : lanes_) {
    const auto found = std::find_if(lane->rows.begin(), lane->rows.end(),
                                    [id](const OutboxRow& row) { return row.id == id; });
    if (found == lane->rows.end()) continue;
    const bool is_first = found == lane->rows.begin();
    if (is_first && !lane->wake) return false;
    lane->rows.erase(found);
    if (is_first) lane->wake->set();
    tell(id, Error(Code::kCancelled, "the message was dropped by hand"));
    return true;
  }
  return true;
}

void Delivery::tell(std::int64_t id, const Result<json::object>& end) {
  const auto waiting = waiters_.extract(id);
  if (waiting.empty()) return;
  for (const auto& done : waiting.mapped()) done(end);
}

Awaitable<> Delivery::pause(Lane& lane, std::int64_t until_ms) {
  lane.wake = std::make_shared<Event>(runtime_);
  const auto wake = lane.wake;
  const std::int64_t wait = std::max<std::int64_t>(until_ms - store_.now(), 0);
  (void)co_await wake->wait(Deadline::after(milliseconds(wait)));
  lane.wake.reset();
}

Awaitable<> Delivery::drain(std::string key) {
  Lane& lane = *lanes_[key];
  struct Count {
    Delivery& delivery;
    ~Count() {
      if (--delivery.draining_ == 0 && delivery.idle_) delivery.idle_->set();
    }
  };
  ++draining_;
  const Count count{*this};
  while (!lane.rows.empty() && !stopping_.aborted()) {
    const Step step = co_await attempt(lane);
    if (step == Step::kDone) {
      lane.rows.pop_front();
      if (lane.rows.empty()) lane.dropped.clear();
    }
  }
  if (!lane.rows.empty()) co_await wait_after_all(lane.rows.front());
  lane.draining = false;
  if (lane.rows.empty()) lanes_.erase(key);
}

Awaitable<Result<bool>> Delivery::mark_sending(OutboxRow& row) {
  if (std::exchange(row.begun, false)) co_return true;
  auto marked = co_await store_.set_sending(row.id);
  if (marked.has_value()) ++row.attempts;
  co_return marked;
}

// Stored as `sending`, but not sent now: a restart must not take it for one that may be seen twice.
Awaitable<> Delivery::wait_after_all(OutboxRow& row) {
  if (!std::exchange(row.begun, false)) co_return;
  auto stored = co_await store_.set_waiting(row.id, row.not_before_ms, false, row.error);
  if (stored.has_error()) spdlog::error("channel {}: {}", row.instance, stored.error().message);
}

// What the plugin reports while it sends: where the next try goes on.
plugin::ProgressSink Delivery::note_progress(OutboxRow& row) {
  return [this, id = row.id, &row](plugin::Stream, std::string_view data) {
    boost::system::error_code error;
    json::value value = json::parse(json::string_view(data.data(), data.size()), error);
    if (error || !value.is_object()) return true;
    row.progress = value.get_object();
    scope_.spawn("note progress",
                 [](Store& store, std::int64_t row_id, json::object progress) -> Awaitable<> {
                   (void)co_await store.set_progress(row_id, std::move(progress));
                 }(store_, id, row.progress));
    return true;
  };
}

Awaitable<Delivery::Step> Delivery::attempt(Lane& lane) {
  OutboxRow& row = lane.rows.front();
  if (!lane.dropped.empty()) co_return co_await finish(row, OutboxState::kDead, lane.dropped);
  if (row.ambiguous >= kMostCutTries)
    co_return co_await finish(row, OutboxState::kAmbiguous, row.error);
  if (row.expires_ms <= store_.now()) {
    co_return co_await finish(row, OutboxState::kDead,
                              "expired: it could not be delivered within its lifetime" +
                                  (row.error.empty() ? "" : " (" + row.error + ")"));
  }
  if (row.not_before_ms > store_.now()) {
    // account_up() may end this early; the row's own time still counts.
    co_await pause(lane, std::min(row.not_before_ms, row.expires_ms));
    co_return Step::kAgain;
  }
  if (!accounts_.is_up(row.instance)) {
    co_await wait_after_all(row);
    co_await pause(lane, row.expires_ms);
    co_return Step::kAgain;
  }
  std::vector<std::uint64_t> blobs;
  const auto account = accounts_.find(row.instance);
  const bool sends_files = account && account->plan.traits.sends_files;
  json::object message = co_await media_.payload(row.message, sends_files, blobs);
  auto marked = co_await mark_sending(row);
  if (marked.has_error()) {
    // Not on disk, so not sent.
    spdlog::error("channel {}: {}", row.instance, marked.error().message);
    row.not_before_ms = store_.now() + kStorePauseMs;
    media_.drop(blobs);
    co_return Step::kAgain;
  }
  plugin::ProgressSink sink = note_progress(row);
  std::string payload = payload_of(row, std::move(message));
  Limits limits = Limits::within(kSendTime);
  auto answer = co_await accounts_.call(row.instance, "channel.send", std::move(payload), limits,
                                        std::move(sink));
  media_.drop(blobs);
  co_return co_await settle(row, std::move(answer));
}

Awaitable<Delivery::Step> Delivery::settle(OutboxRow& row, Result<json::value> answer) {
  if (answer.has_value()) {
    if (const auto account = accounts_.find(row.instance)) account->last_outbound_ms = store_.now();
    const json::object* object = answer.value().if_object();
    row.message_id = object == nullptr ? "" : string_or(*object, "messageId", "");
    co_return co_await finish(row, OutboxState::kSent, "");
  }
  const Error error = answer.error();
  row.error = error.message;
  bool unknown = false;
  std::int64_t wait = error.retry_after ? error.retry_after->count() : backoff_ms(row.attempts);
  switch (outcome_of(error.code)) {
    case Outcome::kPermanent:
      co_return co_await finish(row, OutboxState::kDead, error.message);
    case Outcome::kAccount:
      wait = kLongestPauseMs;
      break;  // or until the account comes up anew
    case Outcome::kRetry:
      break;
    case Outcome::kUnknown:
      if (idempotent(row)) break;
      if (stopping_.aborted()) co_return Step::kAgain;  // stays `sending`: the next start decides
      unknown = true;
      // Nobody but an account that ends cancels a send.
      if (row.ambiguous + 1 >= (error.code == Code::kCancelled ? kMostCutTries : kMostUnknownTries))
        co_return co_await finish(row, OutboxState::kAmbiguous, error.message);
      spdlog::warn("channel {}: message {} may be seen twice: {}", row.instance, row.id,
                   error.message);
      break;
  }
  if (unknown) ++row.ambiguous;
  row.not_before_ms = store_.now() + wait;
  auto stored = co_await store_.set_waiting(row.id, row.not_before_ms, unknown, error.message);
  if (stored.has_error()) spdlog::error("channel {}: {}", row.instance, stored.error().message);
  co_return Step::kAgain;
}

Awaitable<Delivery::Step> Delivery::finish(OutboxRow& row, OutboxState state, std::string error) {
  Result<bool> stored = false;
  for (;;) {
    if (state == OutboxState::kSent) {
      stored = co_await store_.set_sent(row.id, row.message_id);
    } else {
      stored = co_await store_.set_final(row.id, state, error);
    }
    if (stored.has_value() || stopping_.aborted()) break;
    // What was sent must be written down, or the next start sends it again.
    spdlog::error("channel {}: {}", row.instance, stored.error().message);
    Limits limits{Deadline::after(milliseconds(kStorePauseMs)), stopping_.signal()};
    (void)co_await sleep_until(runtime_, limits);
  }
  row.state = state;
  if (state != OutboxState::kSent) {
    spdlog::warn("channel {}: message {} was given up: {}", row.instance, row.id, error);
  }
  if (state == OutboxState::kSent) {
    tell(row.id, json::object{{"messageId", row.message_id}});
  } else {
    tell(row.id, Error(Code::kUnavailable, "the message was not delivered: " + error));
  }
  co_return Step::kDone;
}

Awaitable<Result<json::object>> Delivery::wait(OutboxRow row, Limits limits) {
  if (row.state == OutboxState::kSent) co_return json::object{{"messageId", row.message_id}};
  if (row.state == OutboxState::kDead || row.state == OutboxState::kAmbiguous ||
      row.state == OutboxState::kDropped) {
    co_return make_error(Code::kUnavailable, "the message was not delivered: " + row.error);
  }
  std::function<void(Completer<json::object>)> start = [this, row](Completer<json::object> done) {
    waiters_[row.id].push_back(std::move(done));
    enqueue(row);
  };
  co_return co_await suspend<json::object>(runtime_, limits, std::move(start));
}

}  // namespace openclaw::channel
