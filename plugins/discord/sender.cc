#include "sender.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "snowflake.h"
#include "utf16.h"

namespace discord {
namespace {

using openclaw::Completion;
using openclaw::Flow;
using openclaw::Nothing;

constexpr std::size_t kMostJobs = 1024;
constexpr std::size_t kMostWaiting = 32;  // in one channel
constexpr std::uint64_t kFullPauseMs = 2'000;
constexpr std::uint64_t kNoDeadlineMs = 300'000;
constexpr std::uint64_t kMarginMs = 500;  // left to answer within the deadline
constexpr std::size_t kMostRemembered = 1024;
// The service holds a nonce for some minutes and does not say how many.
constexpr std::int64_t kNonceHoldsMs = 110'000;
constexpr std::int64_t kClocksDifferMs = 60'000;
constexpr std::string_view kHistory = "50";  // messages to look through
constexpr std::int64_t kNoPreviews = 4;      // message flags
constexpr std::int64_t kSilent = 4096;
constexpr std::size_t kMostContent = 2000;  // UTF-16 units

std::int64_t wall_clock_ms() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

std::string id_of(const Reply& reply) {
  const json::object* message = reply.result.if_object();
  return message == nullptr ? std::string() : read_message_id(*message, "id");
}

// That the message of the answer has this text and these files; the service trims what it is given.
bool shows(const Reply& reply, std::string_view text, std::size_t files) {
  const json::object* message = reply.result.if_object();
  if (message == nullptr || !message->contains("content")) return true;
  const auto trimmed = [](std::string_view from) {
    while (!from.empty() && (from.front() == ' ' || from.front() == '\n')) from.remove_prefix(1);
    while (!from.empty() && (from.back() == ' ' || from.back() == '\n')) from.remove_suffix(1);
    return from;
  };
  const json::array* shown = parts::array_in(*message, "attachments");
  if (shown != nullptr && shown->size() < files) return false;
  return trimmed(parts::text_in(*message, "content")) == trimmed(text);
}

bool is_too_large(const Reply& reply) {
  return reply.refused(kRequestTooLarge) || reply.http_status == 413;
}

std::string text_in_body(const json::object& body) {
  return std::string(parts::text_in(body, "content"));
}

// The person learns that there was something.
void tell_too_large(json::object& body, const std::string& names) {
  const std::string text = text_in_body(body);
  const std::string before = text.empty() ? text : text + "\n";
  std::string told = before + "(too large for Discord: " + names + ")";
  if (parts::utf16_length(told) > kMostContent) told = before + "(a file is too large for Discord)";
  body["content"] = told;
}

// Rows of buttons as the service's action rows.
json::array components_of(const parts::ButtonRows& rows) {
  constexpr int kRow = 1;
  constexpr int kButton = 2;
  json::array out;
  for (const auto& row : rows) {
    json::array buttons;
    for (const parts::Button& each : row) {
      const int style = each.style == "primary"   ? 1
                        : each.style == "success" ? 3
                        : each.style == "danger"  ? 4
                                                  : 2;
      buttons.push_back(json::object{
          {"type", kButton}, {"style", style}, {"label", each.text}, {"custom_id", each.data}});
    }
    out.push_back(json::object{{"type", kRow}, {"components", std::move(buttons)}});
  }
  return out;
}

// What a model writes pings nobody.
json::object no_pings() {
  return {{"parse", json::array()}, {"replied_user", false}};
}

}  // namespace

Sender::Stay::Stay(Sender& sender, JobPtr job)
    : sender_(sender), job_(std::move(job)), op_(job_->done.op()) {
  sender_.jobs_[op_] = job_;
}

Sender::Stay::~Stay() {
  sender_.jobs_.erase(op_);
  auto& lanes = sender_.lanes_;
  const std::string lane = job_->lane;
  // The next one runs inside leave() and may be the last.
  if (const auto found = lanes.find(lane); found != lanes.end()) found->second.leave(job_->ticket);
  if (const auto found = lanes.find(lane); found != lanes.end() && !found->second.busy())
    lanes.erase(found);
}

void Sender::cancel(oc_op op) {
  const auto found = jobs_.find(op);
  if (found == jobs_.end()) return;
  const JobPtr job = found->second;
  s_.api.cancel(job->hold);
  if (job->ticket.has_arrived()) return;
  const auto lane = lanes_.find(job->lane);
  if (lane != lanes_.end()) lane->second.leave(job->ticket);
}

void Sender::close() {
  closed_ = true;
  std::vector<oc_op> ops;
  for (const auto& [op, job] : jobs_) ops.push_back(op);
  for (const oc_op op : ops) cancel(op);
}

RestApi::Options Sender::options_for(Job& job) const {
  const std::uint64_t left = job.done.remaining_ms(kNoDeadlineMs);
  RestApi::Options out;
  out.timeout_ms = s_.settings.call_timeout_ms;
  out.most_wait_ms = left > kMarginMs ? left - kMarginMs : 0;
  out.hold = &job.hold;
  return out;
}

Flow<Nothing> Sender::say(Completion done, std::string payload, bool is_edit) {
  Malformed wrong;
  auto message = read_outgoing(payload, is_edit, s_.settings.text_limit, wrong);
  if (!message) {
    done.error(OC_INVALID_ARGUMENT, wrong.message);
    co_return Nothing{};
  }
  s_.interactions.is_worked_on(message->interaction);
  const Target& target = message->target;
  const std::string lane = target.user.empty() ? target.channel : "user:" + target.user;
  // A newer text of the draft follows soon; the pace belongs to what is final.
  const Route edits = channel_call("PATCH", target.channel, "/messages/:id", "").route;
  if (is_edit && message->draft && (lanes_.contains(lane) || s_.api.wait_ms(edits) > 0)) {
    done.ok(json::serialize(json::object{{"messageId", message->message_id}, {"skipped", true}}));
    co_return Nothing{};
  }
  auto job = std::make_shared<Job>(std::move(done));
  job->lane = lane;
  if (closed_ || jobs_.size() >= kMostJobs || !lanes_[lane].enter(job->ticket, kMostWaiting)) {
    job->done.error(OC_RESOURCE_EXHAUSTED, "too many messages wait for Discord", kFullPauseMs);
    co_return Nothing{};
  }
  const Stay stay(*this, job);
  co_await job->ticket;
  if (!job->ticket.admitted || job->hold.cancelled) {
    job->done.error(OC_CANCELLED, "cancelled before it was sent");
    co_return Nothing{};
  }
  Flow<Nothing> flow = run(job, std::move(*message));
  co_return co_await std::move(flow);
}

// The channel that a target means; a person's is asked for once. Answers with the id in `text`.
Flow<Reply> Sender::find_channel(JobPtr job, Target target) {
  Reply out;
  out.kind = Reply::Kind::kOk;
  out.text = target.channel;
  if (target.user.empty()) co_return out;
  if (const auto known = chats_.find(target.user); known != chats_.end()) {
    out.text = known->second;
    co_return out;
  }
  Call call;
  call.method = "POST";
  call.path = "/users/@me/channels";
  call.route = {"POST /users/@me/channels", ""};
  call.body = json::object{{"recipient_id", target.user}};
  Flow<Reply> asking = s_.api.call(std::move(call), options_for(*job));
  Reply reply = co_await std::move(asking);
  if (!reply.ok()) co_return reply;
  reply.text = id_of(reply);
  if (reply.text.empty()) {
    reply.kind = Reply::Kind::kBroken;
    reply.text = "the answer names no chat";
    co_return reply;
  }
  if (chats_.size() >= kMostRemembered) chats_.clear();
  chats_[target.user] = reply.text;
  co_return reply;
}

// What tells the next try where this one stood.
void Sender::note_progress(Job& job, const Outgoing& message, std::size_t sent,
                           const std::string& first) {
  if (message.draft || message.must_exist) return;
  json::object progress{{"sent", sent}, {"tryingSinceMs", wall_clock_ms()}};
  if (!first.empty()) progress["messageId"] = first;
  (void)job.done.progress(OC_STREAM_JSON, json::serialize(progress));
}

Flow<Nothing> Sender::run(JobPtr job, Outgoing message) {
  Flow<Reply> finding = find_channel(job, message.target);
  const Reply found = co_await std::move(finding);
  if (!found.ok()) {
    fail(*job, found);
    co_return Nothing{};
  }
  job->channel = found.text;
  json::array ids;
  std::string first = message.first_id;
  for (std::size_t i = message.sent; i < message.messages(); ++i) {
    const bool again = i == message.sent && message.trying_since_ms > 0;
    if (!again) note_progress(*job, message, i, first);
    Flow<Put> flow = put(job, message, i);
    const Put put = co_await std::move(flow);
    const bool maybe_user = put.reply.refused(kUnknownChannel) && !message.target.certain && i == 0;
    if (maybe_user && message.target.user.empty()) {
      // The id was a person's and not a channel's.
      message.target.user = std::exchange(message.target.channel, std::string());
      message.target.certain = true;
      Flow<Nothing> anew = run(job, std::move(message));
      co_return co_await std::move(anew);
    }
    if (!put.reply.ok()) {
      fail(*job, put.reply);
      co_return Nothing{};
    }
    if (first.empty()) first = put.message_id;
    ids.emplace_back(put.message_id);
  }
  job->done.ok(json::serialize(json::object{{"messageId", first}, {"messageIds", std::move(ids)}}));
  co_return Nothing{};
}

json::object Sender::body_of(const Outgoing& message, std::size_t index) const {
  json::object out{{"allowed_mentions", no_pings()},
                   {"nonce", nonce_of(message.idempotency_key, index)},
                   {"enforce_nonce", true}};
  if (index < message.pieces.size()) out["content"] = message.pieces[index];
  if (index == 0 && !message.reply_to.empty())
    out["message_reference"] =
        json::object{{"message_id", message.reply_to}, {"fail_if_not_exists", false}};
  // A preview makes the service fetch whatever address a model wrote.
  const std::int64_t flags =
      (s_.settings.link_preview ? 0 : kNoPreviews) | (message.silent ? kSilent : 0);
  if (flags != 0) out["flags"] = flags;
  const std::size_t texts = message.pieces.size();
  const std::size_t last = (texts > 0 ? texts : message.files.size()) - 1;
  if (!message.buttons.empty() && index == last) out["components"] = components_of(message.buttons);
  return out;
}

Sender::Parcel Sender::parcel_of(const Outgoing& message, std::size_t index) const {
  Parcel out;
  out.body = body_of(message, index);
  const std::vector<OutgoingFile>* files = message.files_of(index);
  if (files == nullptr) return out;
  json::array described;
  std::string too_large;
  for (const OutgoingFile& file : *files) {
    if (file.bytes > s_.settings.most_upload_bytes) {
      too_large += (too_large.empty() ? "" : ", ") + file.name;
      continue;
    }
    const std::size_t n = out.files.size();
    described.push_back(json::object{{"id", n}, {"filename", file.name}});
    out.files.push_back({"files[" + std::to_string(n) + "]", file.name, file.mime, file.blob});
  }
  if (!out.files.empty()) out.body["attachments"] = std::move(described);
  if (!too_large.empty()) tell_too_large(out.body, too_large);
  return out;
}

Flow<Sender::Put> Sender::put(JobPtr job, const Outgoing& message, std::size_t index) {
  Parcel parcel = parcel_of(message, index);
  const bool has_files = !parcel.files.empty();
  Flow<Put> trying = show(job, message, index, std::move(parcel));
  Put put = co_await std::move(trying);
  if (!has_files || !is_too_large(put.reply)) co_return put;
  std::string all;
  for (const OutgoingFile& file : *message.files_of(index))
    all += (all.empty() ? "" : ", ") + file.name;
  Parcel telling;
  telling.body = body_of(message, index);
  tell_too_large(telling.body, all);
  Flow<Put> again = show(job, message, index, std::move(telling));
  co_return co_await std::move(again);
}

Flow<Sender::Put> Sender::show(JobPtr job, const Outgoing& message, std::size_t index,
                               Parcel parcel) {
  json::object& body = parcel.body;
  const bool is_text = index < message.pieces.size();
  if (index == 0 && !message.message_id.empty() && is_text) {
    Flow<Put> editing = edit(job, message.message_id, parcel);
    Put edited = co_await std::move(editing);
    if (!edited.reply.refused(kUnknownMessage) || message.must_exist) co_return edited;
    // The message that is gone may have had this nonce, and would be the answer again.
    const std::string& key = message.idempotency_key;
    body["nonce"] = nonce_of(key.empty() ? key : key + ":anew", index);
  }
  if (index == 0 && is_text && message.message_id.empty() && !message.interaction.empty()) {
    Flow<Put> answering = answer(job, message.interaction, parcel);
    Put answered = co_await std::move(answering);
    const bool late = answered.reply.refused() && !is_too_large(answered.reply);
    if (!late && (!answered.reply.ok() || !answered.message_id.empty())) co_return answered;
  }
  const bool again = index == message.sent && message.trying_since_ms > 0;
  if (again && wall_clock_ms() - message.trying_since_ms > kNonceHoldsMs) {
    Flow<Put> looking = seen_already(job, std::string(parts::text_in(body, "nonce")),
                                     text_in_body(body), message.trying_since_ms);
    Put seen = co_await std::move(looking);
    if (!seen.message_id.empty() || !seen.reply.ok()) co_return seen;
    // Not there: it is being tried for the first time, as far as the service knows.
    note_progress(*job, message, index, message.first_id);
  }
  Flow<Put> posting = post(job, parcel);
  Put put = co_await std::move(posting);
  if (!put.reply.ok() || !is_text || shows(put.reply, text_in_body(body), parcel.files.size()))
    co_return put;
  // The nonce is that of a draft which went out before a crash: the message is there, and old.
  Flow<Put> editing = edit(job, put.message_id, std::move(parcel));
  co_return co_await std::move(editing);
}

// A call that shows the parcel, with its files.
Flow<Reply> Sender::ask(JobPtr job, Call call, const Parcel& parcel) {
  call.files = parcel.files;
  if (!parcel.files.empty()) {
    json::object with_files = call.body.get_object();
    with_files["attachments"] = parcel.body.at("attachments");
    call.body = std::move(with_files);
  }
  RestApi::Options options = options_for(*job);
  if (!parcel.files.empty()) options.timeout_ms = static_cast<std::uint32_t>(options.most_wait_ms);
  Flow<Reply> flow = s_.api.call(std::move(call), options);
  co_return co_await std::move(flow);
}

Flow<Sender::Put> Sender::post(JobPtr job, Parcel parcel) {
  json::object& body = parcel.body;
  for (bool mended = false;; mended = true) {
    Call call = channel_call("POST", job->channel, "/messages", "/messages");
    call.body = body;
    Flow<Reply> flow = ask(job, std::move(call), parcel);
    Put put;
    put.reply = co_await std::move(flow);
    put.message_id = id_of(put.reply);
    if (put.reply.ok() && put.message_id.empty()) {
      put.reply.kind = Reply::Kind::kBroken;
      put.reply.text = "the answer names no message";
    }
    const bool gone = put.reply.refused(kInvalidForm) &&
                      put.reply.text.find("message_reference") != std::string::npos;
    const bool reference =
        body.contains("message_reference") && (gone || put.reply.refused(kCannotReply));
    if (!reference || mended) co_return put;
    body.erase("message_reference");  // the answer counts for more than what it refers to
  }
}

Flow<Sender::Put> Sender::answer(JobPtr job, std::string interaction_id, Parcel parcel) {
  Flow<Nothing> deferring = s_.interactions.first_answer(interaction_id);
  co_await std::move(deferring);
  Put put;
  put.reply.kind = Reply::Kind::kOk;
  json::object shown{{"content", parcel.body.at("content")},
                     {"allowed_mentions", no_pings()},
                     {"flags", s_.settings.link_preview ? 0 : kNoPreviews}};
  if (parcel.body.contains("components")) shown["components"] = parcel.body.at("components");
  Call call = s_.interactions.answer_call(interaction_id, std::move(shown));
  if (call.path.empty()) co_return put;
  Flow<Reply> flow = ask(job, std::move(call), parcel);
  put.reply = co_await std::move(flow);
  put.message_id = id_of(put.reply);
  // Refused: too late, and the reply is a message like others.
  const bool late = put.reply.refused() && !is_too_large(put.reply);
  if (put.reply.ok() || late) s_.interactions.answered(interaction_id);
  co_return put;
}

// The text, the buttons and the files of the parcel, and no others; without files there, those of
// the message stay.
Flow<Sender::Put> Sender::edit(JobPtr job, std::string message_id, Parcel parcel) {
  Call call = channel_call("PATCH", job->channel, "/messages/:id", "/messages/" + message_id);
  const json::value* components = parcel.body.if_contains("components");
  call.body = json::object{{"content", parcel.body.at("content")},
                           {"components", components == nullptr ? json::array() : *components},
                           {"allowed_mentions", no_pings()},
                           {"flags", s_.settings.link_preview ? 0 : kNoPreviews}};
  Flow<Reply> flow = ask(job, std::move(call), parcel);
  Put put;
  put.reply = co_await std::move(flow);
  put.message_id = message_id;
  co_return put;
}

// Looks for a message of an earlier try in the channel. Without one the id is empty.
Flow<Sender::Put> Sender::seen_already(JobPtr job, std::string nonce, std::string text,
                                       std::int64_t since_ms) {
  Call call =
      channel_call("GET", job->channel, "/messages", "/messages?limit=" + std::string(kHistory));
  RestApi::Options options = options_for(*job);
  options.large = true;
  Flow<Reply> flow = s_.api.call(std::move(call), options);
  Put out;
  out.reply = co_await std::move(flow);
  const json::array* messages = out.reply.result.if_array();
  if (!out.reply.ok() || messages == nullptr) {
    // Where the history may not be read, nothing can be found; the nonce is all there is.
    if (out.reply.refused() && out.reply.http_status == 403) out.reply.kind = Reply::Kind::kOk;
    co_return out;
  }
  for (const json::value& item : *messages) {
    const json::object* message = item.if_object();
    const json::object* author =
        message == nullptr ? nullptr : parts::object_in(*message, "author");
    if (author == nullptr || parts::text_in(*author, "id") != s_.bot_id()) continue;
    const std::string id = read_message_id(*message, "id");
    const bool young = snowflake_time_ms(snowflake(id)) + kClocksDifferMs >= since_ms;
    const bool same_text = !text.empty() && parts::text_in(*message, "content") == text;
    if (parts::text_in(*message, "nonce") == nonce || (young && same_text)) {
      out.message_id = id;
      break;
    }
  }
  co_return out;
}

bool Sender::is_closed_to_us(const std::string& channel) {
  constexpr std::uint64_t kRememberMs = 60'000;
  const auto found = refused_.find(channel);
  if (found == refused_.end()) return false;
  if (found->second + kRememberMs > clock_ms()) return true;
  refused_.erase(found);
  return false;
}

void Sender::fail(Job& job, const Reply& reply) {
  const std::string code = reply.code != 0   ? std::to_string(reply.code)
                           : reply.refused() ? std::to_string(reply.http_status)
                                             : std::string();
  switch (reply.kind) {
    case Reply::Kind::kOk:
      return;
    case Reply::Kind::kCancelled:
      return job.done.error(OC_CANCELLED, "cancelled while it was being sent");
    case Reply::Kind::kUnsent:
      if (reply.status == OC_CANCELLED) return job.done.error(OC_CANCELLED, reply.text);
      return job.done.error(
          reply.status == OC_UNAUTHENTICATED ? OC_UNAUTHENTICATED : OC_UNAVAILABLE,
          "Discord was not reached: " + reply.text);
    case Reply::Kind::kBroken:
      // The nonce makes a repeat safe, so the host may try again.
      return job.done.error(OC_UNAVAILABLE, "Discord may or may not have taken it: " + reply.text);
    case Reply::Kind::kRefused:
      break;
  }
  std::string text = "Discord refused it: " + reply.text;
  if (reply.token_refused()) {
    job.done.error(OC_UNAUTHENTICATED, text, 0, code);
    return s_.token_lost(reply.text);
  }
  if (reply.limited())
    return job.done.error(OC_RESOURCE_EXHAUSTED, text,
                          std::max<std::uint64_t>(reply.retry_after_ms, 1), code);
  if (reply.http_status == 403) {
    if (refused_.size() >= kMostRemembered) refused_.clear();
    if (!job.channel.empty()) refused_[job.channel] = clock_ms();
    if (reply.code == kCannotWriteTo)
      text += "; this person must share a server with the bot and allow direct messages from it";
    if (reply.code == kMissingAccess || reply.code == kMissingPermissions)
      text += "; give the bot's role View Channel, Send Messages and Read Message History there";
    return job.done.error(OC_PERMISSION_DENIED, text, 0, code);
  }
  if (reply.code == kNotInForum) text += "; name a thread of this forum instead";
  if (reply.code == kThreadArchived) text += "; the thread is archived and locked";
  if (reply.http_status == 404) return job.done.error(OC_NOT_FOUND, text, 0, code);
  job.done.error(OC_INVALID_ARGUMENT, text, 0, code);
}

}  // namespace discord
