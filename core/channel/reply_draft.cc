#include "channel/reply_draft.h"

#include <spdlog/spdlog.h>

#include "channel/access.h"
#include "channel/delivery.h"

namespace openclaw::channel {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kCallTime{15'000};
constexpr milliseconds kLongestTyping{5 * 60 * 1000};
constexpr milliseconds kFirstTextTime{1'000};  // a reply that is finished sooner needs no draft
constexpr milliseconds kEndTime{20'000};
constexpr milliseconds kLaneTime{250};  // between two looks whether earlier replies are out

// The beginning of the word for "say nothing" is not shown either.
bool may_show(std::string_view text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.remove_suffix(1);
  return !text.empty() &&
         !(text.size() <= kSilentReply.size() && kSilentReply.substr(0, text.size()) == text);
}

}  // namespace

void ReplyDraft::answer(const std::string& message_id) {
  const std::string& id = message_id.empty() ? plan_.question_id : message_id;
  if (!id.empty()) plan_.reply_to = json::object{{"messageId", id}};
}

void ReplyDraft::set_text(std::string text) {
  text_ = std::move(text);
  if (change_) change_->set();
}

Awaitable<> ReplyDraft::wait_for_change(Deadline deadline) {
  change_ = std::make_shared<Event>(runtime_);
  const auto change = change_;
  (void)co_await change->wait(deadline);
}

Awaitable<> ReplyDraft::keep_typing(std::shared_ptr<ReplyDraft> self) {
  if (self->plan_.typing_interval_ms <= 0 || self->ending_) co_return;
  self->typing_started_ = true;
  const Deadline last = Deadline::after(kLongestTyping);
  while (!self->ending_ && !last.expired()) {
    std::string payload = json::serialize(
        json::object{{"conversation", self->plan_.conversation}, {"state", "typing"}});
    Limits limits{Deadline::after(kCallTime), self->abort_.signal()};
    auto answer = co_await self->accounts_.call(self->plan_.instance, "channel.presence",
                                                std::move(payload), limits);
    if (answer.has_error() && answer.error().code != Code::kUnavailable)
      break;  // refused: asking again will not help
    (void)co_await self->over_.wait(Deadline::after(milliseconds(self->plan_.typing_interval_ms)));
  }
  self->typing_end_.set();
}

Awaitable<> ReplyDraft::keep_streaming(std::shared_ptr<ReplyDraft> self) {
  if (self->plan_.edit_interval_ms <= 0 || self->ending_) co_return;
  self->streaming_started_ = true;
  std::optional<Deadline> next;
  while (!self->ending_) {
    if (!may_show(self->text_) || self->text_ == self->shown_) {
      co_await self->wait_for_change(Deadline::never());
      continue;
    }
    if (self->plan_.message_id.empty() && self->plan_.may_begin && !self->plan_.may_begin()) {
      co_await self->wait_for_change(Deadline::after(kLaneTime));
      continue;
    }
    const bool enough = static_cast<std::int64_t>(self->text_.size()) >= self->plan_.min_chars;
    if (!next) next = Deadline::after(kFirstTextTime);
    const bool first = self->plan_.message_id.empty();
    if (!next->expired() && !(first && enough && self->shown_.empty())) {
      co_await self->wait_for_change(*next);
      continue;
    }
    if (!co_await self->show(self->text_)) break;
    next = Deadline::after(milliseconds(self->plan_.edit_interval_ms));
  }
  self->stream_end_.set();
}

json::object ReplyDraft::message_of(const std::string& text) const {
  return {{"conversation", plan_.conversation},
          {"text", text},
          {"format", "markdown"},
          {"draft", true}};
}

// False: no more drafts for this reply.
Awaitable<bool> ReplyDraft::show(std::string text) {
  if (plan_.message_id.empty()) co_return co_await show_first(std::move(text));
  json::object message = message_of(text);
  message["messageId"] = plan_.message_id;
  std::string payload = json::serialize(message);
  Limits limits = Limits::within(kCallTime);
  auto answer = co_await accounts_.call(plan_.instance, "channel.edit", std::move(payload), limits);
  shown_ = std::move(text);
  if (answer.has_error())
    spdlog::debug("channel {}: the draft stopped: {}", plan_.instance, answer.error().message);
  co_return answer.has_value();
}

// What is in the chat is on disk: first that something may be there, then what it is.
Awaitable<bool> ReplyDraft::show_first(std::string text) {
  auto noted = co_await store_.set_draft(plan_.inbox_id, kDraftUnknown);
  if (noted.has_error()) co_return false;
  json::object message = message_of(text);
  if (!plan_.reply_to.is_null()) message["replyTo"] = plan_.reply_to;
  // When the gateway ends before the draft is noted down, the reply finds it by its key.
  message["idempotencyKey"] = plan_.reply_key;
  message["maxWaitMs"] = 0;  // the pace belongs to what is final
  std::string payload = json::serialize(message);
  // Not aborted by end(): a first message whose answer nobody reads would stay beside the reply.
  Limits limits = Limits::within(kCallTime);
  unknown_ = true;
  auto answer = co_await accounts_.call(plan_.instance, "channel.send", std::move(payload), limits);
  shown_ = std::move(text);
  if (answer.has_value()) {
    const json::object* object = answer.value().if_object();
    plan_.message_id = object == nullptr ? "" : string_or(*object, "messageId", "");
  } else {
    spdlog::debug("channel {}: no draft: {}", plan_.instance, answer.error().message);
  }
  unknown_ =
      answer.has_value() ? plan_.message_id.empty() : may_have_been_sent(answer.error().code);
  if (!unknown_) (void)co_await store_.set_draft(plan_.inbox_id, plan_.message_id);
  const bool later = answer.has_error() && answer.error().code == Code::kResourceExhausted;
  co_return later || !plan_.message_id.empty();
}

Awaitable<> ReplyDraft::end() {
  ending_ = true;
  over_.set();
  if (change_) change_->set();
  abort_.abort("the turn has ended");
  const Deadline deadline = Deadline::after(kEndTime);
  if (streaming_started_) (void)co_await stream_end_.wait(deadline);
  if (typing_started_) (void)co_await typing_end_.wait(deadline);
}

Awaitable<> ReplyDraft::withdraw() {
  if (plan_.message_id.empty()) co_return;
  std::string payload = json::serialize(
      json::object{{"conversation", plan_.conversation}, {"messageId", plan_.message_id}});
  Limits limits = Limits::within(kCallTime);
  (void)co_await accounts_.call(plan_.instance, "channel.remove", std::move(payload), limits);
}

}  // namespace openclaw::channel
