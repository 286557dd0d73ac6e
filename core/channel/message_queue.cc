#include "channel/message_queue.h"

#include <algorithm>
#include <array>
#include <limits>
#include <utility>

#include "channel/access.h"
#include "json_fields.h"
#include "utf8.h"

namespace openclaw::channel {
namespace {

constexpr std::size_t kShownText = 200;
constexpr std::int64_t kPage = 50;  // rows in memory at once: a text may have half a mebibyte
constexpr const char* kSeeQueue = "; see: openclaw message queue";
constexpr std::array<const char*, 6> kStates{"queued",    "sending", "sent",
                                             "ambiguous", "dead",    "dropped"};

const char* state_name(OutboxState state) {
  return kStates[static_cast<std::size_t>(state)];
}

bool given_up(const OutboxRow& row) {
  return row.state == OutboxState::kAmbiguous || row.state == OutboxState::kDead;
}

bool may_have_been_seen(const OutboxRow& row) {
  return row.ambiguous > 0 || row.state == OutboxState::kAmbiguous ||
         row.state == OutboxState::kSending;
}

json::object conversation_of(const OutboxRow& row) {
  const json::value* found = row.message.if_contains("conversation");
  return found != nullptr && found->is_object() ? found->get_object() : json::object();
}

std::string cut(const std::string& text) {
  std::size_t end = std::min(text.size(), kShownText);
  while (end < text.size() && end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U)
    --end;
  return valid_utf8(std::string_view(text).substr(0, end));
}

// Of "telegram/default". An account that was taken out of the configuration has nothing else.
std::string plugin_of(const OutboxRow& row) {
  return row.instance.substr(0, row.instance.find('/'));
}
std::string account_of(const OutboxRow& row) {
  return row.instance.substr(std::min(row.instance.find('/'), row.instance.size() - 1) + 1);
}

}  // namespace

bool MessageQueue::concerns(const OutboxRow& row, const QueueRequest& request) const {
  const auto account = accounts_.find(row.instance);
  const std::string channel = account ? account->plan.channel : plugin_of(row);
  return (request.channel.empty() || request.channel == channel) &&
         (request.account.empty() || request.account == account_of(row)) &&
         (request.state.empty() || request.state == state_name(row.state));
}

json::object MessageQueue::entry(const OutboxRow& row) const {
  const auto account = accounts_.find(row.instance);
  const json::object conversation = conversation_of(row);
  json::object out{{"id", row.id},
                   {"channel", account ? account->plan.channel : plugin_of(row)},
                   {"accountId", account_of(row)},
                   {"to", string_or(conversation, "id", "")},
                   {"state", state_name(row.state)},
                   {"attempts", row.attempts},
                   {"mayHaveBeenSent", may_have_been_seen(row)},
                   {"createdAtMs", row.created_ms},
                   {"ageMs", std::max<std::int64_t>(store_.now() - row.created_ms, 0)},
                   {"error", row.error.empty() ? json::value(nullptr) : json::value(row.error)},
                   {"text", cut(string_or(row.message, "text", ""))}};
  if (const std::string thread = string_or(conversation, "threadId", ""); !thread.empty())
    out["threadId"] = thread;
  if (!given_up(row)) {
    out["expiresAtMs"] = row.expires_ms;
    if (row.not_before_ms > store_.now()) out["nextTryAtMs"] = row.not_before_ms;
  }
  return out;
}

Awaitable<Result<json::object>> MessageQueue::handle(QueueRequest request) {
  if (request.kind == QueueRequest::Kind::kDrop) co_return co_await drop(request.id);
  if (request.kind == QueueRequest::Kind::kRetry) co_return co_await retry(std::move(request));
  co_return co_await list(std::move(request));
}

// Calls `each` with the rows that the request is about, the newest first, until it answers false.
Awaitable<Result<void>> MessageQueue::for_each(const QueueRequest& request,
                                               std::function<bool(const OutboxRow&)> each) {
  std::int64_t before = std::numeric_limits<std::int64_t>::max();
  for (;;) {
    auto rows = co_await store_.unsent(before, kPage);
    if (rows.has_error()) co_return rows.error();
    for (const OutboxRow& row : *rows) {
      if (concerns(row, request) && !each(row)) co_return Result<void>();
    }
    if (static_cast<std::int64_t>(rows->size()) < kPage) co_return Result<void>();
    before = rows->back().id;
  }
}

Awaitable<Result<json::object>> MessageQueue::list(QueueRequest request) {
  json::array entries;
  bool truncated = false;
  std::function<bool(const OutboxRow&)> add = [&](const OutboxRow& row) {
    truncated = static_cast<std::int64_t>(entries.size()) == request.limit;
    if (!truncated) entries.push_back(entry(row));
    return !truncated;
  };
  auto read = co_await for_each(request, std::move(add));
  if (read.has_error()) co_return read.error();
  co_return json::object{
      {"ts", store_.now()}, {"entries", std::move(entries)}, {"truncated", truncated}};
}

Awaitable<Result<OutboxRow>> MessageQueue::unsent_row(std::int64_t id) {
  auto row = co_await store_.outbox_row(id);
  if (row.has_error()) co_return Error(row.error().code, row.error().message + kSeeQueue);
  if (row->state == OutboxState::kSent || row->state == OutboxState::kDropped) {
    co_return make_error(Code::kFailedPrecondition, "message " + std::to_string(id) + " was " +
                                                        state_name(row->state) + " already" +
                                                        kSeeQueue);
  }
  co_return row;
}

Awaitable<Result<void>> MessageQueue::retry_one(OutboxRow row) {
  if (!accounts_.find(row.instance)) {
    co_return make_error(Code::kFailedPrecondition,
                         "message " + std::to_string(row.id) + " cannot be sent: the account " +
                             row.instance +
                             " is no longer configured; type: openclaw channels add");
  }
  if (!given_up(row)) {
    delivery_.hurry(row.id);
    co_return Result<void>();
  }
  auto again = co_await store_.set_again(row.id);
  if (again.has_error()) co_return again.error();
  auto fresh = co_await store_.outbox_row(row.id);
  if (fresh.has_error()) co_return fresh.error();
  delivery_.enqueue(std::move(fresh.value()));
  co_return Result<void>();
}

Awaitable<Result<json::object>> MessageQueue::retry(QueueRequest request) {
  std::vector<std::int64_t> ids;
  if (request.id != 0) {
    ids.push_back(request.id);
  } else {
    std::function<bool(const OutboxRow&)> note = [&ids](const OutboxRow& row) {
      if (given_up(row)) ids.push_back(row.id);
      return true;
    };
    auto read = co_await for_each(request, std::move(note));
    if (read.has_error()) co_return read.error();
    std::reverse(ids.begin(), ids.end());  // in their conversations' order
  }
  json::array retried, skipped;
  for (const std::int64_t id : ids) {
    auto row = co_await unsent_row(id);
    const bool seen = row.has_value() && may_have_been_seen(row.value());
    Result<void> again;
    if (row.has_error()) {
      again = row.error();
    } else {
      again = co_await retry_one(std::move(row.value()));
    }
    if (again.has_error() && request.id != 0) co_return again.error();
    if (again.has_error()) {
      skipped.push_back(json::object{{"id", id}, {"error", again.error().message}});
    } else {
      retried.push_back(json::object{{"id", id}, {"mayHaveBeenSent", seen}});
    }
  }
  co_return json::object{{"retried", std::move(retried)}, {"skipped", std::move(skipped)}};
}

Awaitable<Result<json::object>> MessageQueue::drop(std::int64_t id) {
  auto row = co_await unsent_row(id);
  if (row.has_error()) co_return row.error();
  if (!given_up(*row) && !delivery_.drop(id)) {
    co_return make_error(Code::kFailedPrecondition,
                         "message " + std::to_string(id) + " is being sent right now" + kSeeQueue);
  }
  auto dropped = co_await store_.set_dropped(id);
  if (dropped.has_error()) co_return dropped.error();
  if (!*dropped) co_return (co_await unsent_row(id)).error();
  co_return json::object{{"dropped", id}};
}

}  // namespace openclaw::channel
