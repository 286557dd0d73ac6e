#include "sender.h"

#include <algorithm>
#include <utility>

#include "utf16.h"

namespace telegram {
namespace {

using openclaw::Completion;
using openclaw::Flow;
using openclaw::Nothing;

constexpr std::size_t kMostWaiting = 32;  // in one chat
constexpr std::uint64_t kNoDeadlineMs = 300'000;
constexpr std::uint64_t kMarginMs = 500;  // left to answer within the deadline
constexpr int kMostRefusals = 5;          // 429 for one message
constexpr std::size_t kMostRemembered = 256;
constexpr std::size_t kServiceLimit = 4096;

json::object keyboard_of(const parts::ButtonRows& rows) {
  json::array out;
  for (const auto& row : rows) {
    json::array buttons;
    for (const parts::Button& each : row) {
      json::object button{{"text", each.text}, {"callback_data", each.data}};
      // There is no style that says "like any other".
      if (!each.style.empty() && each.style != "secondary") button["style"] = each.style;
      buttons.push_back(std::move(button));
    }
    out.push_back(std::move(buttons));
  }
  return {{"inline_keyboard", std::move(out)}};
}

Reply stopped() {
  Reply out;
  out.kind = Reply::Kind::kUnsent;
  out.status = OC_CANCELLED;
  out.text = "the operation was cancelled before it was sent";
  return out;
}

bool message_is_gone(const Reply& reply) {
  return reply.says("message to edit not found") || reply.says("message can't be edited") ||
         reply.says("message_id_invalid");
}

}  // namespace

std::uint64_t Sender::now() {
  return openclaw::monotonic_now_ns() / 1'000'000U;
}

std::int64_t Sender::message_id_of(const Reply& reply) {
  const json::object* message = reply.result.if_object();
  return message == nullptr ? 0 : parts::int_in(*message, "message_id", 0);
}

// What a message shows, for telling whether an edit would change it.
std::string Sender::face_of(std::string_view text, const json::object& params) {
  std::string out(text);
  if (const json::value* markup = params.if_contains("reply_markup"))
    out += "\n" + json::serialize(*markup);
  return out;
}

Sender::Stay::Stay(Sender& sender, JobPtr job, std::string chat)
    : sender_(sender), job_(std::move(job)), chat_(std::move(chat)), op_(job_->done.op()) {
  sender_.jobs_[op_] = job_;
}

Sender::Stay::~Stay() {
  sender_.jobs_.erase(op_);
  auto& lanes = sender_.lanes_;
  // The next one runs inside leave() and may be the last.
  if (const auto lane = lanes.find(chat_); lane != lanes.end()) lane->second.leave(job_->ticket);
  if (const auto lane = lanes.find(chat_); lane != lanes.end() && !lane->second.busy())
    lanes.erase(lane);
}

void Sender::cancel(oc_op op) {
  const auto found = jobs_.find(op);
  if (found == jobs_.end()) return;
  const JobPtr job = found->second;
  job->cancelled = true;
  s_.pauses.wake(job->pause);
  if (job->http != 0) s_.api.cancel(job->http);
  if (job->ticket.has_arrived()) return;
  const auto lane = lanes_.find(job->target.chat);
  if (lane != lanes_.end()) lane->second.leave(job->ticket);
}

void Sender::close() {
  closed_ = true;
  std::vector<oc_op> ops;
  for (const auto& [op, job] : jobs_) ops.push_back(op);
  for (const oc_op op : ops) cancel(op);
}

void Sender::follow_moved(Target& target) const {
  target.chat = s_.moved.now(target.chat);
}

bool Sender::shows(const std::string& chat, std::int64_t id, const std::string& text) const {
  const auto found = shown_.find(chat + "/" + std::to_string(id));
  return found != shown_.end() && found->second == std::hash<std::string>()(text);
}

void Sender::note_shown(const std::string& chat, std::int64_t id, const std::string& text) {
  if (shown_.size() >= kMostRemembered) shown_.clear();
  shown_[chat + "/" + std::to_string(id)] = std::hash<std::string>()(text);
}

Flow<Nothing> Sender::say(Completion done, std::string payload, bool is_edit) {
  Malformed wrong;
  auto message = read_outgoing(payload, is_edit, s_.settings.text_limit, wrong);
  if (!message) {
    done.error(OC_INVALID_ARGUMENT, wrong.message);
    co_return Nothing{};
  }
  follow_moved(message->target);
  const std::string chat = message->target.chat;
  // A newer text of the draft follows soon; the pace belongs to what is final.
  if (is_edit && message->draft && (lanes_.contains(chat) || pacer_.wait_ms(chat, now()) > 0)) {
    done.ok(json::serialize(
        json::object{{"messageId", std::to_string(message->message_id)}, {"skipped", true}}));
    co_return Nothing{};
  }
  // Nor does one that must not wait stand behind others, such as those of another topic.
  if (message->max_wait_ms && *message->max_wait_ms == 0 && lanes_.contains(chat)) {
    done.error(OC_RESOURCE_EXHAUSTED, "another message for this chat is under way", kFullPauseMs);
    co_return Nothing{};
  }
  auto job = std::make_shared<Job>(std::move(done));
  job->target = message->target;
  job->max_wait_ms = message->max_wait_ms;
  if (jobs_.size() >= kMostJobs || !lanes_[chat].enter(job->ticket, kMostWaiting)) {
    job->done.error(OC_RESOURCE_EXHAUSTED, "too many messages wait for Telegram", kFullPauseMs);
    co_return Nothing{};
  }
  const Stay stay(*this, job, chat);
  co_await job->ticket;
  if (job->ticket.admitted && !job->cancelled) {
    Flow<Nothing> flow = run(job, std::move(*message));
    co_await std::move(flow);
  } else {
    job->done.error(OC_CANCELLED, "cancelled before it was sent");
  }
  co_return Nothing{};
}

Flow<Nothing> Sender::run(JobPtr job, Outgoing message) {
  json::array ids;
  std::int64_t first = message.first_id;
  message.captioned = message.captioned && captions(message);
  for (std::size_t i = message.sent; i < message.parts();) {
    Flow<Put> flow = put_part(job, message, i);
    const Put put = co_await std::move(flow);
    if (may_go_otherwise(put, message)) continue;
    if (!put.reply.ok()) {
      fail(job->done, put.reply, put.repeatable);
      co_return Nothing{};
    }
    if (first == 0) first = put.message_id;
    ids.emplace_back(std::to_string(put.message_id));
    for (const std::int64_t id : put.others) ids.emplace_back(std::to_string(id));
    i += 1 + put.others.size();
    if (i < message.parts()) {
      const json::object progress{{"sent", i}, {"messageId", std::to_string(first)}};
      (void)job->done.progress(OC_STREAM_JSON, json::serialize(progress));
    }
  }
  job->done.ok(json::serialize(
      json::object{{"messageId", std::to_string(first)}, {"messageIds", std::move(ids)}}));
  co_return Nothing{};
}

Flow<Sender::Put> Sender::put_part(JobPtr job, const Outgoing& message, std::size_t index) {
  if (message.captioned && message.message_id != 0) return put_in_draft(std::move(job), message);
  const std::size_t texts = message.texts();
  if (index < texts) return put_piece(std::move(job), message, index);
  const std::size_t album = album_length(message, index - texts);
  if (album > 1) return put_album(std::move(job), message, index, album);
  return put_file(std::move(job), message, message.files[index - texts], index);
}

// What could not be one message may be several: changes `message` to that.
bool Sender::may_go_otherwise(const Put& put, Outgoing& message) {
  if (!put.joined) return false;
  // One that only cannot be edited this way is still there to be edited as text.
  if (message.message_id != 0 && put.reply.says("message to edit not found")) {
    message.message_id = 0;
    return true;
  }
  const Reply& reply = put.reply;
  if (!reply.refused(400) && !reply.refused(404) && !reply.refused(413)) return false;
  message.captioned = message.albums = false;
  return true;
}

json::object Sender::params_of(const Outgoing& message, const Target& target,
                               std::size_t index) const {
  json::object params{{"chat_id", target.chat_id()}};
  // The general topic of a forum is written to without a number.
  if (target.thread_id > 1) params["message_thread_id"] = target.thread_id;
  if (message.reply_to != 0 && index == 0) {
    params["reply_parameters"] =
        json::object{{"message_id", message.reply_to}, {"allow_sending_without_reply", true}};
  }
  if (message.silent) params["disable_notification"] = true;
  // A preview makes the service fetch whatever address a model wrote.
  if (!s_.settings.link_preview) {
    params["link_preview_options"] = json::object{{"is_disabled", true}};
  }
  const std::size_t texts = message.texts();
  const std::size_t last = (texts > 0 ? texts : message.files.size()) - 1;
  if (!message.buttons.empty() && index == last)
    params["reply_markup"] = keyboard_of(message.buttons);
  return params;
}

Flow<Sender::Put> Sender::put_piece(JobPtr job, const Outgoing& message, std::size_t index) {
  const std::int64_t edit_id = index == 0 ? message.message_id : 0;
  json::object params = params_of(message, job->target, index);
  return put_styled(std::move(job), std::move(params), message.pieces[index], edit_id,
                    message.must_exist);
}

Flow<Sender::Put> Sender::put_styled(JobPtr job, json::object params, StyledText piece,
                                     std::int64_t edit_id, bool must_exist) {
  params["text"] = piece.html();
  params["parse_mode"] = "HTML";
  json::object plain_params = params;
  Flow<Put> styled = put_text(job, std::move(params), edit_id, must_exist);
  Put put = co_await std::move(styled);
  const bool markup = put.reply.says("can't parse entities");
  const bool length = put.reply.says("message is too long");
  if (!markup && !length) co_return put;
  s_.plugin.log().warn("Telegram refused a message (" + put.reply.text +
                       "); it is sent as plain text");
  plain_params.erase("parse_mode");
  const std::size_t limit = length ? kServiceLimit / 4 : kServiceLimit;
  Flow<Put> plain =
      put_plain(job, std::move(plain_params), piece.plain(), limit, edit_id, must_exist);
  co_return co_await std::move(plain);
}

// Link targets are written out in plain text, so it may need more than one message.
Flow<Sender::Put> Sender::put_plain(JobPtr job, json::object params, std::string text,
                                    std::size_t limit, std::int64_t edit_id, bool must_exist) {
  Put first;
  const std::vector<std::string> all = split_plain(text, limit);
  for (const std::string& part : all) {
    json::object own = params;
    own["text"] = part;
    if (&part != &all.back()) own.erase("reply_markup");
    Flow<Put> flow = put_text(job, std::move(own), edit_id, must_exist);
    Put put = co_await std::move(flow);
    if (!put.reply.ok()) co_return put;
    if (first.message_id == 0) first = std::move(put);
    edit_id = 0;
  }
  co_return first;
}

// Changes what the service will not have, where that loses nothing that was said.
bool Sender::mend(const Reply& reply, json::object& params, Job& job) {
  if (reply.migrate_to != 0) {
    s_.moved.note(job.target.chat, std::to_string(reply.migrate_to));
    params["chat_id"] = reply.migrate_to;
    return true;
  }
  if (reply.says("message thread not found") && params.contains("message_thread_id")) {
    s_.plugin.log().warn("a topic of chat " + job.target.chat +
                         " is gone; the message goes to the chat itself");
    params.erase("message_thread_id");
    return true;
  }
  if (reply.says("message to be replied not found") && params.contains("reply_parameters")) {
    params.erase("reply_parameters");
    return true;
  }
  return false;
}

// The parameters of an edit; `caption`: the message shows a file.
json::object Sender::edit_of(const json::object& params, std::int64_t edit_id, bool caption) {
  json::object out{{"chat_id", params.at("chat_id")},
                   {"message_id", edit_id},
                   {caption ? "caption" : "text", params.at("text")}};
  for (const char* key : {"parse_mode", "reply_markup"}) {
    if (params.contains(key)) out[key] = params.at(key);
  }
  if (!caption && params.contains("link_preview_options"))
    out["link_preview_options"] = params.at("link_preview_options");
  return out;
}

Flow<Sender::Put> Sender::put_text(JobPtr job, json::object params, std::int64_t edit_id,
                                   bool must_exist) {
  Put put;
  const std::string face = face_of(parts::text_in(params, "text"), params);
  std::string edit_method = "editMessageText";
  for (int round = 0; round < kMostMends; ++round) {
    put.repeatable = edit_id != 0;
    if (edit_id != 0) {
      put.message_id = edit_id;
      if (shows(job->target.chat, edit_id, face)) {
        put.reply.kind = Reply::Kind::kOk;
        co_return put;
      }
      const bool caption = edit_method == "editMessageCaption";
      Flow<Reply> flow = paced(job, edit_method, edit_of(params, edit_id, caption), false);
      put.reply = co_await std::move(flow);
      if (put.reply.says("message is not modified")) put.reply.kind = Reply::Kind::kOk;
      if (!caption && put.reply.says("no text in the message to edit")) {
        edit_method = "editMessageCaption";
        continue;
      }
      if (message_is_gone(put.reply) && !must_exist) {
        edit_id = 0;
        continue;
      }
    } else {
      Flow<Reply> flow = paced(job, "sendMessage", params, true);
      put.reply = co_await std::move(flow);
      put.message_id = message_id_of(put.reply);
    }
    if (put.reply.ok()) note_shown(job->target.chat, put.message_id, face);
    if (put.reply.ok() || !mend(put.reply, params, *job)) co_return put;
  }
  co_return put;
}

Flow<Reply> Sender::paced(JobPtr job, std::string method, json::object params, bool once,
                          std::vector<parts::FormFile> files) {
  const std::string chat = job->target.chat;
  for (int refusals = 0;; ++refusals) {
    for (;;) {
      if (job->cancelled || closed_) co_return stopped();
      const std::uint64_t wait = pacer_.wait_ms(chat, now());
      if (wait == 0) break;
      const std::uint64_t left = job->done.remaining_ms(kNoDeadlineMs);
      const bool too_long = job->max_wait_ms && wait > *job->max_wait_ms;
      if (too_long || wait + kMarginMs > left || refusals >= kMostRefusals) {
        Reply out;
        out.kind = Reply::Kind::kRefused;
        out.code = 429;
        out.text = "Telegram lets this chat have no more messages for now";
        out.retry_after_ms = wait;
        co_return out;
      }
      Flow<Nothing> pause = s_.pauses.wait(wait, &job->pause);
      co_await std::move(pause);
    }
    pacer_.take(chat, now());
    BotApi::Options options;
    options.timeout_ms = s_.settings.call_timeout_ms;
    options.once = once;
    options.handle = &job->http;
    if (!files.empty())
      options.timeout_ms = static_cast<std::uint32_t>(job->done.remaining_ms(kNoDeadlineMs));
    Flow<Reply> flow = files.empty() ? s_.api.call(method, params, options)
                                     : s_.api.upload(method, params, files, options);
    Reply reply = co_await std::move(flow);
    pacer_.answered(chat, now());
    // From here on the caller does not know less than the chat, whatever the wait.
    if (reply.ok()) job->max_wait_ms.reset();
    if (!reply.refused(429)) co_return reply;
    const std::uint64_t hold = std::max<std::uint64_t>(reply.retry_after_ms, 1'000);
    // A little more, so that it is over on the other side too.
    pacer_.hold(chat, hold + 50 + now() % 200, now());
  }
}

void Sender::fail(Completion& done, const Reply& reply, bool idempotent) {
  const std::string code = reply.refused() ? std::to_string(reply.code) : std::string();
  switch (reply.kind) {
    case Reply::Kind::kOk:
      return;
    case Reply::Kind::kCancelled:
      return done.error(OC_CANCELLED, "cancelled while it was being sent");
    case Reply::Kind::kUnsent:
      if (reply.status == OC_CANCELLED) return done.error(OC_CANCELLED, reply.text);
      return done.error(reply.status == OC_UNAUTHENTICATED ? OC_UNAUTHENTICATED : OC_UNAVAILABLE,
                        "Telegram was not reached: " + reply.text);
    case Reply::Kind::kBroken:
      return done.error(idempotent ? OC_UNAVAILABLE : OC_PROTOCOL,
                        "Telegram may or may not have taken it: " + reply.text);
    case Reply::Kind::kRefused:
      break;
  }
  const std::string text = "Telegram refused it: " + reply.text;
  if (reply.code == 401) {
    done.error(OC_UNAUTHENTICATED, text, 0, code);
    return s_.token_lost(reply.text);
  }
  if (reply.code == 429)
    return done.error(OC_RESOURCE_EXHAUSTED, text, std::max<std::uint64_t>(reply.retry_after_ms, 1),
                      code);
  if (reply.code == 403) {
    const bool unknown = reply.says("can't initiate conversation");
    return done.error(OC_PERMISSION_DENIED,
                      text + (unknown ? "; this person must send /start to the bot first" : ""), 0,
                      code);
  }
  if (reply.code == 404 || reply.says("not found")) return done.error(OC_NOT_FOUND, text, 0, code);
  done.error(OC_INVALID_ARGUMENT, text, 0, code);
}

}  // namespace telegram
