// Intake's last words: what a conversation is told when its turn has ended, was cut or comes too
// late, stored together with the end of the inbox row.
#include <algorithm>

#include <spdlog/spdlog.h>

#include "channel/intake.h"
#include "channel/reply_tag.h"
#include "session/session_key.h"

namespace openclaw::channel {
namespace {

// Nothing but the word by which a model says that it has nothing to say.
bool is_silence(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos) return false;
  const std::size_t last = text.find_last_not_of(" \t\r\n");
  return text.substr(first, last - first + 1) == kSilentReply;
}

}  // namespace

json::value Intake::reply_target(const InboxRow& row, const Account& account) const {
  const json::object config =
      account_config(*config_.current(), account.plan.channel, account.plan.account);
  const std::string mode = string_or(config, "replyToMode", "off");
  const std::string id = string_or(row.event, "messageId", "");
  if ((mode != "first" && mode != "all") || id.empty()) return nullptr;
  return json::object{{"messageId", id}};
}

std::string Intake::key_of(const InboxRow& row, const std::string& kind) {
  return kind + ":" + row.instance + ":" + row.event_id;
}

OutboxRow Intake::reply(const InboxRow& row, std::string kind, std::string text,
                        json::value reply_to) const {
  OutboxRow out;
  out.instance = row.instance;
  out.lane = row.lane;
  out.idempotency_key = key_of(row, kind);
  const json::value* conversation = row.event.if_contains("conversation");
  out.message = json::object{{"conversation", conversation != nullptr ? *conversation : nullptr},
                             {"text", text},
                             {"format", "markdown"}};
  if (!reply_to.is_null()) out.message["replyTo"] = std::move(reply_to);
  return out;
}

// The turn has ended: its row and its reply, in one transaction.
Awaitable<> Intake::conclude(InboxRow row, Admitted admitted, agent::TurnResult result,
                             std::shared_ptr<ReplyDraft> draft) {
  std::string text = result.text;
  if (result.status == "error" && text.empty())
    text = "⚠️ " + (result.error.empty() ? "The turn failed." : result.error);
  if (result.status == "timeout" && text.empty())
    text = "⚠️ The turn took too long and was stopped.";
  std::vector<OutboxRow> replies;
  ReplyParts parts = split_media(text);
  TaggedReply tagged = split_reply_tag(parts.text);
  parts.text = std::move(tagged.text);
  if (is_silence(parts.text)) parts.text.clear();  // a file may go all the same
  json::value reply_to = reply_target(row, *admitted.account);
  const std::string answered =
      tagged.message_id.empty() ? string_or(row.event, "messageId", "") : tagged.message_id;
  if (tagged.tagged && !answered.empty()) reply_to = json::object{{"messageId", answered}};
  const bool nothing = parts.text.empty() && parts.paths.empty();
  const bool silent = nothing || result.status == "steered";
  if (!silent && !(result.status == "aborted" && draft->message_id().empty())) {
    OutboxRow answer = reply(row, "reply", parts.text, std::move(reply_to));
    const auto key = session::parse_key(admitted.session_key, *config_.current());
    if (key.has_value())
      attach_paths(answer.message, parts.paths, key->agent_id, admitted.session_key);
    if (parts.text.empty()) {
      co_await draft->withdraw();
    } else if (!draft->message_id().empty()) {
      answer.message["replaces"] = json::object{{"messageId", draft->message_id()}};
    }
    const bool unknown = draft->left_unknown() || row.draft == kDraftUnknown;
    // The draft has this reply's key: where keys count, the platform finds it.
    answer.ambiguous = unknown && !admitted.account->plan.traits.idempotent_send ? 1 : 0;
    replies.push_back(std::move(answer));
  } else if (silent && result.status != "aborted") {
    co_await draft->withdraw();
  }
  co_await finish(std::move(row), result.status, std::move(replies));
}

Awaitable<> Intake::report_cut(InboxRow row) {
  std::vector<OutboxRow> replies;
  // A reply to the message, whatever replyToMode says: more may have been written since.
  const std::string id = string_or(row.event, "messageId", "");
  OutboxRow note = reply(
      row, "cut",
      "⚠️ I was restarted while working on this message, and part of the work may be done. "
      "Write \"continue\" to go on, or ask again.",
      id.empty() ? json::value(nullptr) : json::value(json::object{{"messageId", id}}));
  const auto account = accounts_.find(row.instance);
  const bool keys_count = account && account->plan.traits.idempotent_send;
  if (row.draft == kDraftUnknown && keys_count) {
    note.idempotency_key = key_of(row, "reply");  // the draft's
  } else if (row.draft == kDraftUnknown) {
    note.ambiguous = 1;
  } else if (!row.draft.empty()) {
    note.message["replaces"] = json::object{{"messageId", row.draft}};
  }
  replies.push_back(std::move(note));
  co_await finish(std::move(row), "cut", std::move(replies));
}

// After a long time of not running: acting on it now may be wrong, saying nothing surely is.
Awaitable<> Intake::report_late(InboxRow row) {
  const std::int64_t hours = (store_.now() - row.received_ms) / (60LL * 60 * 1000);
  OutboxRow note = reply(row, "late",
                         "⚠️ I was not running for a while. What you wrote more than " +
                             std::to_string(hours) +
                             " hours ago I have not read; send it again if it still counts.");
  // Once for a conversation, however much was written.
  note.idempotency_key = "late:" + row.lane + ":" + std::to_string(started_ms_);
  std::vector<OutboxRow> replies;
  // A stranger is not answered, now as little as then.
  const auto account = accounts_.find(row.instance);
  if (account) {
    const Access access = co_await decide(row, account);
    if (access.verdict == Access::Verdict::kAllow) replies.push_back(std::move(note));
  }
  co_await finish(std::move(row), "expired", std::move(replies));
}

Awaitable<> Intake::finish(InboxRow row, std::string outcome, std::vector<OutboxRow> replies) {
  for (std::int64_t wait_ms = 500;; wait_ms = std::min<std::int64_t>(wait_ms * 2, 30'000)) {
    if (!replies.empty()) replies.front().begun = delivery_.sends_at_once(replies.front());
    auto stored = co_await store_.finish_inbox(row.id, outcome, replies);
    if (stored.has_value()) {
      for (OutboxRow& each : stored.value()) delivery_.enqueue(std::move(each));
      break;
    }
    // A full disk: the reply must not be lost, so it waits here.
    spdlog::error("channel {}: {}", row.instance, stored.error().message);
    Limits limits{Deadline::after(milliseconds(wait_ms)), stopping_.signal()};
    if ((co_await sleep_until(runtime_, limits)).has_error()) co_return;
  }
  --backlog_;
}

}  // namespace openclaw::channel
