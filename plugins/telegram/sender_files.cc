// The Sender's files: each a message of its own, or with the text as its caption.
#include <algorithm>
#include <utility>

#include "sender.h"

namespace telegram {
namespace {

using openclaw::Flow;

struct UploadKind {
  std::string_view method, field;
};
constexpr UploadKind kDocument{"sendDocument", "document"};
constexpr std::uint64_t kMaxPhoto = 10'000'000;
constexpr std::uint64_t kMaxUpload =
    50'000'000;  // of the service; a server of one's own takes more

UploadKind upload_kind(const OutgoingFile& file) {
  if (file.kind == "photo" && file.bytes <= kMaxPhoto) return {"sendPhoto", "photo"};
  if (file.kind == "voice") return {"sendVoice", "voice"};
  if (file.kind == "audio") return {"sendAudio", "audio"};
  if (file.kind == "video") return {"sendVideo", "video"};
  return kDocument;
}

constexpr std::size_t kMostInAlbum = 10;

// Files of one kind make an album; the empty kind makes none.
std::string_view album_kind(const OutgoingFile& file) {
  const std::string_view field = upload_kind(file).field;
  if (field == "voice") return {};
  return field == "video" ? "photo" : field;
}

bool is_about_caption(const Reply& reply) {
  return reply.says("can't parse entities") || reply.says("caption is too long");
}

std::string why_too_large(const OutgoingFile& file) {
  return "it has " + std::to_string((file.bytes + 999'999) / 1'000'000) +
         " MB, and Telegram lets a bot send at most 50 MB";
}

}  // namespace

bool Sender::too_large(const OutgoingFile& file) const {
  return file.bytes > kMaxUpload && s_.settings.official_service;
}

std::size_t Sender::album_length(const Outgoing& message, std::size_t from) const {
  const std::string_view kind = album_kind(message.files[from]);
  // An album has no buttons.
  if (!message.albums || kind.empty() || (message.texts() == 0 && !message.buttons.empty()))
    return 1;
  std::size_t count = 0;
  std::uint64_t bytes = 0;
  while (count < kMostInAlbum && from + count < message.files.size()) {
    const OutgoingFile& file = message.files[from + count];
    bytes += file.bytes;
    if (album_kind(file) != kind || bytes > kMaxUpload) break;
    ++count;
  }
  return std::max<std::size_t>(count, 1);
}

// Documents show their captions one by one, so a text for all of them stands before them.
bool Sender::captions(const Outgoing& message) const {
  if (message.files.size() == 1) return !too_large(message.files[0]);
  return message.message_id == 0 && album_kind(message.files[0]) == "photo" &&
         album_length(message, 0) == message.files.size();
}

Flow<Sender::Put> Sender::put_album(JobPtr job, const Outgoing& message, std::size_t index,
                                    std::size_t count) {
  json::object params = params_of(message, job->target, index);
  params.erase("link_preview_options");
  std::vector<parts::FormFile> forms;
  json::array media;
  for (std::size_t i = 0; i < count; ++i) {
    const OutgoingFile& file = message.files[index - message.texts() + i];
    const std::string field = "file" + std::to_string(i);
    json::object item{{"type", upload_kind(file).field}, {"media", "attach://" + field}};
    if (i == 0 && message.captioned) {
      item["caption"] = message.pieces[0].html();
      item["parse_mode"] = "HTML";
    }
    media.push_back(std::move(item));
    forms.push_back({field, file.name, file.mime, file.blob});
  }
  params["media"] = std::move(media);
  Put put;
  put.joined = true;
  for (int round = 0; round < kMostMends; ++round) {
    Flow<Reply> flow = paced(job, "sendMediaGroup", params, true, forms);
    put.reply = co_await std::move(flow);
    if (put.reply.ok() || !mend(put.reply, params, *job)) break;
  }
  if (!put.reply.ok()) co_return put;
  const json::array* messages = put.reply.result.if_array();
  for (std::size_t i = 0; i < count; ++i) {
    const bool known = messages != nullptr && i < messages->size() && (*messages)[i].is_object();
    const std::int64_t id = known ? parts::int_in((*messages)[i].get_object(), "message_id", 0) : 0;
    if (i == 0) put.message_id = id;
    if (i == 0) continue;
    put.others.push_back(id);
    pacer_.take(job->target.chat, now());  // each counts
  }
  co_return put;
}

Flow<Sender::Put> Sender::put_file(JobPtr job, const Outgoing& message, const OutgoingFile& file,
                                   std::size_t index) {
  json::object params = params_of(message, job->target, index);
  if (too_large(file)) {
    Flow<Put> telling = put_instead(job, std::move(params), file, why_too_large(file));
    co_return co_await std::move(telling);
  }
  params.erase("link_preview_options");
  if (message.captioned) {
    params["caption"] = message.pieces[0].html();
    params["parse_mode"] = "HTML";
  }
  UploadKind kind = upload_kind(file);
  Put put;
  put.joined = message.captioned;
  for (int round = 0; round < kMostMends; ++round) {
    std::vector<parts::FormFile> form{{std::string(kind.field), file.name, file.mime, file.blob}};
    Flow<Reply> flow = paced(job, std::string(kind.method), params, true, std::move(form));
    put.reply = co_await std::move(flow);
    put.message_id = message_id_of(put.reply);
    if (put.reply.ok()) co_return put;
    if (mend(put.reply, params, *job)) continue;
    // What the service cannot show as a picture or play can still be handed over.
    if (!put.reply.refused(400) || kind.field == kDocument.field) break;
    if (message.captioned && is_about_caption(put.reply)) break;
    s_.plugin.log().warn("Telegram refused a file as " + std::string(kind.field) + " (" +
                         put.reply.text + "); it is sent as a document");
    kind = kDocument;
  }
  const bool refused = put.reply.refused(400) || put.reply.refused(413);
  if (!refused || message.captioned) co_return put;
  const std::string why =
      put.reply.refused(413) ? why_too_large(file) : "Telegram refused it (" + put.reply.text + ")";
  Flow<Put> telling = put_instead(job, std::move(params), file, why);
  co_return co_await std::move(telling);
}

// The message that the text is in already becomes the file's, and the text its caption.
Flow<Sender::Put> Sender::put_in_draft(JobPtr job, const Outgoing& message) {
  const OutgoingFile& file = message.files[0];
  const std::string text = message.pieces[0].html();
  json::object params = params_of(message, job->target, 0);
  for (const char* key :
       {"message_thread_id", "reply_parameters", "disable_notification", "link_preview_options"})
    params.erase(key);
  params["message_id"] = message.message_id;
  params["media"] = json::object{{"type", upload_kind(file).field},
                                 {"media", "attach://file"},
                                 {"caption", text},
                                 {"parse_mode", "HTML"}};
  const std::vector<parts::FormFile> form{{"file", file.name, file.mime, file.blob}};
  Put put;
  put.joined = true;
  put.message_id = message.message_id;
  put.repeatable = true;
  for (int round = 0; round < kMostMends; ++round) {
    Flow<Reply> flow = paced(job, "editMessageMedia", params, false, form);
    put.reply = co_await std::move(flow);
    if (put.reply.says("message is not modified")) put.reply.kind = Reply::Kind::kOk;
    if (put.reply.ok()) note_shown(job->target.chat, put.message_id, face_of(text, params));
    if (put.reply.ok() || !mend(put.reply, params, *job)) co_return put;
  }
  co_return put;
}

// In the place of the file: the person learns that there was one. The text is out already.
Flow<Sender::Put> Sender::put_instead(JobPtr job, json::object params, const OutgoingFile& file,
                                      std::string why) {
  params["link_preview_options"] = json::object{{"is_disabled", true}};
  StyledText note;
  note.append("⚠️ " + file.name + " is not attached: " + why, {});
  Flow<Put> flow = put_styled(job, std::move(params), std::move(note), 0, false);
  co_return co_await std::move(flow);
}

}  // namespace telegram
