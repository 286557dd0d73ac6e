#include "update_event.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <optional>
#include <vector>

#include "message_words.h"
#include "utf16.h"

namespace telegram {
namespace {

constexpr std::size_t kMaxText = 64 * 1024;
constexpr std::size_t kMaxRaw = 32 * 1024;
constexpr std::size_t kMaxName = 256;
constexpr std::size_t kMaxUrl = 2048;
constexpr std::size_t kMaxQuote = 2048;

const json::object* object_at(const json::object& in, std::string_view key) {
  const json::value* v = in.if_contains(key);
  return v == nullptr ? nullptr : v->if_object();
}

std::string string_at(const json::object& in, std::string_view key, std::size_t most = kMaxText) {
  const json::value* v = in.if_contains(key);
  if (v == nullptr || !v->is_string()) return {};
  const std::string_view text(v->get_string().data(), v->get_string().size());
  if (text.size() <= most) return std::string(text);
  std::size_t cut = most;
  while (cut > 0 && (static_cast<unsigned char>(text[cut]) & 0xC0U) == 0x80U) --cut;
  return std::string(text.substr(0, cut));
}

std::optional<std::int64_t> number(const json::value* v) {
  if (v == nullptr) return std::nullopt;
  if (v->is_int64()) return v->get_int64();
  if (v->is_uint64() && v->get_uint64() <= INT64_MAX) {
    return static_cast<std::int64_t>(v->get_uint64());
  }
  return std::nullopt;
}

std::optional<std::int64_t> number_at(const json::object& in, std::string_view key) {
  return number(in.if_contains(key));
}

bool true_at(const json::object& in, std::string_view key) {
  const json::value* v = in.if_contains(key);
  return v != nullptr && v->is_bool() && v->get_bool();
}

bool equal_ignoring_case(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) {
    return std::tolower(static_cast<unsigned char>(x)) ==
           std::tolower(static_cast<unsigned char>(y));
  });
}

std::string_view trimmed(std::string_view text) {
  const auto space = [](char c) { return c == ' ' || c == '\n' || c == '\t' || c == '\r'; };
  while (!text.empty() && space(text.front())) text.remove_prefix(1);
  while (!text.empty() && space(text.back())) text.remove_suffix(1);
  return text;
}

json::object sender_of(const json::object& from) {
  json::object sender;
  if (const auto id = number_at(from, "id")) sender["id"] = std::to_string(*id);
  std::string name = string_at(from, "first_name", kMaxName);
  if (const std::string last = string_at(from, "last_name", kMaxName); !last.empty()) {
    name += (name.empty() ? "" : " ") + last;
  }
  sender["name"] = name;
  if (const std::string username = string_at(from, "username", kMaxName); !username.empty()) {
    sender["username"] = username;
  }
  sender["isBot"] = true_at(from, "is_bot");
  return sender;
}

std::string_view conversation_type(std::string_view chat_type) {
  if (chat_type == "private") return "direct";
  if (chat_type == "group" || chat_type == "supergroup") return "group";
  if (chat_type == "channel") return "channel";
  return "unknown";  // the host denies what it does not know
}

// What the entities say about whom the text is for. Offsets are UTF-16 units.
struct Address {
  bool mentions_bot = false;
  bool for_other_bot = false;
  std::string text;  // without the mentions of the bot
};

struct Span {
  std::size_t begin, end;
  std::string_view kind;
  const json::object* entity;
};

std::vector<Span> spans_of(const json::object& message, std::string_view key,
                           std::string_view text) {
  std::vector<Span> spans;
  const json::value* list = message.if_contains(key);
  if (list == nullptr || !list->is_array()) return spans;
  for (const json::value& item : list->get_array()) {
    const json::object* entity = item.if_object();
    if (entity == nullptr || spans.size() >= 512) continue;
    const auto offset = number_at(*entity, "offset");
    const auto length = number_at(*entity, "length");
    if (!offset || !length || *offset < 0 || *length <= 0 || *offset > 100000 || *length > 100000)
      continue;
    const json::value* type = entity->if_contains("type");
    if (type == nullptr || !type->is_string()) continue;
    const std::size_t begin = parts::byte_offset(text, static_cast<std::size_t>(*offset));
    const std::size_t end = parts::byte_offset(text, static_cast<std::size_t>(*offset + *length));
    if (begin >= end) continue;
    spans.push_back({begin, end, {type->get_string().data(), type->get_string().size()}, entity});
  }
  std::sort(spans.begin(), spans.end(),
            [](const Span& a, const Span& b) { return a.begin < b.begin; });
  return spans;
}

Address address_of(const json::object& message, std::string_view entities, const std::string& text,
                   const Bot& bot) {
  Address out;
  std::size_t copied = 0;
  const auto drop = [&](std::size_t begin, std::size_t end) {
    if (begin < copied) return;
    out.text.append(text, copied, begin - copied);
    copied = end;
  };
  // The agent sees no link behind words.
  const auto write_out = [&](const Span& span, std::string_view slice) {
    const std::string url = string_at(*span.entity, "url", kMaxUrl);
    if (url.empty() || url == slice || out.text.size() > kMaxText) return;
    drop(span.end, span.end);
    if (copied == span.end) out.text += " (" + url + ")";
  };
  const std::string at_bot = "@" + bot.username;
  for (const Span& span : spans_of(message, entities, text)) {
    const std::string_view slice = std::string_view(text).substr(span.begin, span.end - span.begin);
    if (span.kind == "mention" && equal_ignoring_case(slice, at_bot)) {
      out.mentions_bot = true;
      drop(span.begin, span.end);
    } else if (span.kind == "text_mention") {
      const json::object* user = object_at(*span.entity, "user");
      if (user != nullptr && number_at(*user, "id") == bot.id) out.mentions_bot = true;
    } else if (span.kind == "text_link") {
      write_out(span, slice);
    } else if (span.kind == "bot_command") {
      const std::size_t at = slice.find('@');
      if (at == std::string_view::npos) continue;
      if (equal_ignoring_case(slice.substr(at), at_bot)) {
        out.mentions_bot = true;
        drop(span.begin + at, span.end);
      } else if (span.begin == 0) {
        out.for_other_bot = true;
      }
    }
  }
  out.text.append(text, copied);
  out.text = std::string(trimmed(out.text));
  return out;
}

json::object attachment(const json::object& file, std::string_view kind, std::string_view mime) {
  json::object out{{"kind", kind}};
  std::string type = string_at(file, "mime_type", kMaxName);
  if (type.empty()) type = mime;
  out["mime"] = type;
  if (const std::string name = string_at(file, "file_name", kMaxName); !name.empty())
    out["name"] = name;
  if (const auto bytes = number_at(file, "file_size")) out["bytes"] = *bytes;
  out["ref"] = string_at(file, "file_id", kMaxName);
  return out;
}

bool moves(const json::object& sticker) {
  return true_at(sticker, "is_animated") || true_at(sticker, "is_video");
}

// "😀" of a picture; of what moves also that it is a sticker, and of which set.
std::string words_of_sticker(const json::object& sticker) {
  const std::string emoji = string_at(sticker, "emoji", 32);
  if (!moves(sticker)) return emoji;
  const std::string set = string_at(sticker, "set_name", kMaxName);
  return "[sticker" + (emoji.empty() ? "" : " " + emoji) +
         (set.empty() ? "" : " of the set " + set) + "]";
}

json::array attachments_of(const json::object& message) {
  json::array out;
  if (const json::value* photo = message.if_contains("photo");
      photo != nullptr && photo->is_array()) {
    // Sizes of one picture, smallest first.
    const json::array& sizes = photo->get_array();
    if (!sizes.empty() && sizes.back().is_object()) {
      out.push_back(attachment(sizes.back().get_object(), "photo", "image/jpeg"));
    }
  }
  static constexpr std::array<std::array<std::string_view, 2>, 6> kKinds{
      {{"animation", "video/mp4"},
       {"document", ""},
       {"voice", "audio/ogg"},
       {"audio", "audio/mpeg"},
       {"video", "video/mp4"},
       {"video_note", "video/mp4"}}};
  for (const auto& [kind, mime] : kKinds) {
    const json::object* file = object_at(message, kind);
    if (file == nullptr) continue;
    out.push_back(attachment(*file, kind, mime));
    if (kind == "animation") break;  // comes as a document too
  }
  // A sticker that does not move is a picture; of the others the words say what they are.
  const json::object* sticker = object_at(message, "sticker");
  if (sticker != nullptr && !moves(*sticker)) {
    out.push_back(attachment(*sticker, "photo", "image/webp"));
    out.back().get_object()["name"] = "sticker.webp";
  }
  return out;
}

json::object conversation_of(const json::object& message, const json::object& chat) {
  json::object out;
  out["id"] = std::to_string(number_at(chat, "id").value_or(0));
  const std::string type(conversation_type(string_at(chat, "type", 32)));
  out["type"] = type;
  const std::string title = string_at(chat, "title", kMaxName);
  if (!title.empty()) out["title"] = title;
  // Outside topics a thread id only says which replies belong together; that is no conversation.
  const auto thread = number_at(message, "message_thread_id");
  if (thread && true_at(message, "is_topic_message")) out["threadId"] = std::to_string(*thread);
  if (true_at(chat, "is_forum")) out["isForum"] = true;
  return out;
}

// What an answered message shows when it has no text: "[photo]", "[document a.pdf]".
std::string words_without_text(const json::object& message) {
  std::string out;
  for (const json::value& file : attachments_of(message)) {
    const std::string name = string_at(file.get_object(), "name", kMaxName);
    out += "[" + string_at(file.get_object(), "kind", 32) + (name.empty() ? "" : " " + name) + "]";
  }
  return out.empty() ? words_of(message) : out;
}

std::string words_answered(const json::object& message, const json::object& replied) {
  if (const json::object* quote = object_at(message, "quote")) {
    std::string quoted = string_at(*quote, "text", kMaxQuote);
    if (!quoted.empty()) return quoted;
  }
  std::string text = string_at(replied, "text", kMaxQuote);
  if (text.empty()) text = string_at(replied, "caption", kMaxQuote);
  return text.empty() ? words_without_text(replied) : text;
}

// A message of another chat or topic that this one answers.
json::value reply_from_elsewhere(const json::object& message) {
  const json::object* replied = object_at(message, "external_reply");
  if (replied == nullptr) return nullptr;
  const std::string text = words_answered(message, *replied);
  if (text.empty()) return nullptr;
  json::object out{{"text", text}};
  if (const auto id = number_at(*replied, "message_id")) out["messageId"] = std::to_string(*id);
  if (const json::object* origin = object_at(*replied, "origin"))
    out["sender"] = json::object{{"name", name_of_origin(*origin)}};
  return out;
}

// Null when the message answers nobody.
json::value reply_of(const json::object& message, const Bot& bot) {
  const json::object* replied = object_at(message, "reply_to_message");
  if (replied == nullptr) return reply_from_elsewhere(message);
  // In a topic every message "answers" the service message that opened it.
  if (replied->contains("forum_topic_created")) return reply_from_elsewhere(message);
  const auto id = number_at(*replied, "message_id");
  if (!id) return nullptr;
  json::object out{{"messageId", std::to_string(*id)}};
  if (const json::object* from = object_at(*replied, "from")) {
    out["toSelf"] = number_at(*from, "id") == bot.id;
    out["sender"] = sender_of(*from);
  }
  const std::string text = words_answered(message, *replied);
  if (!text.empty()) out["text"] = text;
  return out;
}

// "What is this?" is about the file of the message that it answers, which the bot may never have
// been shown.
void add_files_answered(json::array& attachments, const json::object& message, bool to_self) {
  const json::object* replied = object_at(message, "reply_to_message");
  if (replied == nullptr) replied = object_at(message, "external_reply");
  if (replied == nullptr || to_self || message.contains("media_group_id")) return;
  for (json::value& file : attachments_of(*replied)) attachments.push_back(std::move(file));
}

// Nobody's command, and not the words of who passes it on.
std::string marked_forwarded(const json::object& message, std::string text) {
  const json::object* origin = object_at(message, "forward_origin");
  if (origin == nullptr || (text.empty() && message.contains("media_group_id"))) return text;
  const std::string name = name_of_origin(*origin);
  return "[forwarded" + (name.empty() ? "" : " from " + name) + "]" + (text.empty() ? "" : "\n") +
         text;
}

json::object platform_of(const json::object& message, const json::object& chat) {
  json::object out{{"chatType", string_at(chat, "type", 32)}};
  if (message.contains("forward_origin")) out["forwarded"] = true;
  return out;
}

bool fill_message(Parsed& out, const json::object& message, std::string_view kind, const Bot& bot) {
  const json::object* chat = object_at(message, "chat");
  const auto message_id = number_at(message, "message_id");
  if (chat == nullptr || !message_id || !number_at(*chat, "id")) return false;
  if (const auto now = number_at(message, "migrate_to_chat_id")) {
    out.group = std::to_string(*number_at(*chat, "id"));
    out.group_now = std::to_string(*now);
  }
  json::array attachments = attachments_of(message);
  std::string text = string_at(message, "text");
  std::string_view entities = "entities";
  if (text.empty()) {
    text = string_at(message, "caption");
    entities = "caption_entities";
  }
  if (text.empty()) {
    if (const json::object* sticker = object_at(message, "sticker"))
      text = words_of_sticker(*sticker);
    // A live location is edited every few seconds.
    if (text.empty() && kind == "message") text = words_of(message);
  }
  if (text.empty() && attachments.empty()) return true;  // a service message
  const Address address = address_of(message, entities, text, bot);
  out.event["kind"] = kind;
  out.event["conversation"] = conversation_of(message, *chat);
  if (const json::object* from = object_at(message, "from")) out.event["sender"] = sender_of(*from);
  if (const json::object* as = object_at(message, "sender_chat")) {
    // An anonymous administrator or a channel: no person stands behind the id in `from`.
    out.event["sender"] =
        json::object{{"id", "chat:" + std::to_string(number_at(*as, "id").value_or(0))},
                     {"name", string_at(*as, "title", kMaxName)},
                     {"isBot", false},
                     {"anonymous", true}};
  }
  out.event["messageId"] = std::to_string(*message_id);
  out.event["text"] = marked_forwarded(message, address.text);
  json::value reply = reply_of(message, bot);
  const bool answers_bot = reply.is_object() && reply.get_object().contains("toSelf") &&
                           reply.get_object().at("toSelf") == json::value(true);
  out.event["mentioned"] = address.mentions_bot || answers_bot;
  if (address.for_other_bot) out.event["forOther"] = true;
  if (reply.is_object()) out.event["replyTo"] = std::move(reply);
  if (kind == "message" && !address.text.starts_with('/'))
    add_files_answered(attachments, message, answers_bot);
  if (!attachments.empty()) out.event["attachments"] = std::move(attachments);
  if (const std::string group = string_at(message, "media_group_id", 64); !group.empty())
    out.event["groupId"] = group;
  const auto date = number_at(message, kind == "edit" ? "edit_date" : "date").value_or(0);
  out.event["timestampMs"] = std::clamp<std::int64_t>(date, 0, 1LL << 40) * 1000;
  out.event["platform"] = platform_of(message, *chat);
  out.kind = Parsed::Kind::kEvent;
  return true;
}

bool fill_callback(Parsed& out, const json::object& query, const Bot& bot) {
  out.callback_id = string_at(query, "id", kMaxName);
  const json::object* message = object_at(query, "message");
  const json::object* from = object_at(query, "from");
  const std::string data = string_at(query, "data", kMaxName);
  if (message == nullptr || from == nullptr || data.empty()) return true;
  const json::object* chat = object_at(*message, "chat");
  if (chat == nullptr || !number_at(*chat, "id")) return true;
  out.event["kind"] = "callback";
  out.event["conversation"] = conversation_of(*message, *chat);
  out.event["sender"] = sender_of(*from);
  out.event["messageId"] = std::to_string(number_at(*message, "message_id").value_or(0));
  out.event["text"] = data;
  out.event["mentioned"] = true;
  out.event["timestampMs"] = 0;
  out.event["platform"] = platform_of(*message, *chat);
  out.kind = Parsed::Kind::kEvent;
  (void)bot;
  return true;
}

bool fill_membership(Parsed& out, const json::object& change) {
  const json::object* chat = object_at(change, "chat");
  const json::object* now = object_at(change, "new_chat_member");
  if (chat == nullptr || now == nullptr || !number_at(*chat, "id")) return false;
  const std::string status = string_at(*now, "status", 32);
  out.event["kind"] = "membership";
  out.event["conversation"] = conversation_of(change, *chat);
  if (const json::object* from = object_at(change, "from")) out.event["sender"] = sender_of(*from);
  out.event["present"] = status != "left" && status != "kicked";
  out.event["text"] = "";
  out.event["timestampMs"] =
      std::clamp<std::int64_t>(number_at(change, "date").value_or(0), 0, 1LL << 40) * 1000;
  out.event["platform"] = json::object{{"status", status}};
  out.kind = Parsed::Kind::kEvent;
  return true;
}

// The emoji that are new in this change; empty when some were only taken back.
std::string added_emoji(const json::object& change) {
  constexpr std::size_t kMostEmoji = 8;
  const auto list_of = [&](std::string_view key) {
    std::vector<std::string> out;
    const json::value* list = change.if_contains(key);
    if (list == nullptr || !list->is_array()) return out;
    for (const json::value& item : list->get_array()) {
      const json::object* reaction = item.if_object();
      if (reaction == nullptr || out.size() >= kMostEmoji) continue;
      const std::string emoji = string_at(*reaction, "emoji", 32);
      const bool custom = string_at(*reaction, "type", 32) == "custom_emoji";
      if (!emoji.empty() || custom) out.push_back(custom ? "a custom emoji" : emoji);
    }
    return out;
  };
  const std::vector<std::string> before = list_of("old_reaction");
  std::string out;
  for (const std::string& emoji : list_of("new_reaction")) {
    if (std::find(before.begin(), before.end(), emoji) != before.end()) continue;
    out += (out.empty() ? "" : " ") + emoji;
  }
  return out;
}

bool fill_reaction(Parsed& out, const json::object& change) {
  const json::object* chat = object_at(change, "chat");
  const auto message_id = number_at(change, "message_id");
  if (chat == nullptr || !message_id || !number_at(*chat, "id")) return false;
  const json::object* from = object_at(change, "user");
  const std::string emoji = added_emoji(change);
  if (from == nullptr || emoji.empty()) return true;  // anonymous, or taken back
  out.event["kind"] = "reaction";
  out.event["conversation"] = conversation_of(change, *chat);
  out.event["sender"] = sender_of(*from);
  out.event["messageId"] = std::to_string(*message_id);
  out.event["emoji"] = emoji;
  out.event["timestampMs"] =
      std::clamp<std::int64_t>(number_at(change, "date").value_or(0), 0, 1LL << 40) * 1000;
  out.kind = Parsed::Kind::kEvent;
  return true;
}

bool fill(Parsed& out, const json::object& update, const Bot& bot) {
  if (const json::object* m = object_at(update, "message"))
    return fill_message(out, *m, "message", bot);
  if (const json::object* m = object_at(update, "edited_message"))
    return fill_message(out, *m, "edit", bot);
  if (const json::object* m = object_at(update, "channel_post"))
    return fill_message(out, *m, "message", bot);
  if (const json::object* q = object_at(update, "callback_query"))
    return fill_callback(out, *q, bot);
  if (const json::object* r = object_at(update, "message_reaction")) return fill_reaction(out, *r);
  if (const json::object* c = object_at(update, "my_chat_member")) return fill_membership(out, *c);
  // A kind that was not asked for, or is newer than this program: nothing a person said to the bot.
  const bool carries_known_key = update.contains("message") || update.contains("edited_message") ||
                                 update.contains("channel_post") ||
                                 update.contains("callback_query");
  return !carries_known_key;
}

}  // namespace

std::int64_t update_id_of(const json::value& update) {
  const json::object* o = update.if_object();
  if (o == nullptr) return 0;
  const auto id = number_at(*o, "update_id");
  return id && *id > 0 && *id <= INT32_MAX ? *id : 0;
}

Parsed parse_update(const json::value& update, const Bot& bot, std::string_view account) {
  Parsed out;
  out.update_id = update_id_of(update);
  const json::object* o = update.if_object();
  const bool understood = o != nullptr && out.update_id > 0 && fill(out, *o, bot);
  if (!understood) {
    out.kind = Parsed::Kind::kPoison;
    out.event.clear();
    out.event["kind"] = "unparsed";
    std::string raw = json::serialize(update);
    if (raw.size() > kMaxRaw) raw = parts::valid_utf8(std::string_view(raw).substr(0, kMaxRaw));
    out.event["platform"] = json::object{{"raw", raw}};
  }
  out.event["eventId"] = "tg:" + std::to_string(bot.id) + ":" + std::to_string(out.update_id);
  out.event["account"] = account;
  return out;
}

}  // namespace telegram
