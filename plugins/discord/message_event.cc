#include "message_event.h"

#include <algorithm>

#include "snowflake.h"
#include "utf16.h"

namespace discord {
namespace {

constexpr std::size_t kMaxText = 64 * 1024;
constexpr std::size_t kMaxQuote = 2048;
constexpr std::size_t kMaxRaw = 32 * 1024;
constexpr std::size_t kMaxName = 256;
constexpr std::size_t kMaxAttachments = 16;
constexpr std::size_t kMaxRoles = 256;
constexpr std::int64_t kVoiceMessage = 8192;

constexpr std::int64_t kPlainMessage = 0;
constexpr std::int64_t kReply = 19;

std::string cut_text(std::string_view text, std::size_t most) {
  if (text.size() > most) {
    while (most > 0 && (static_cast<unsigned char>(text[most]) & 0xC0U) == 0x80U) --most;
    text = text.substr(0, most);
  }
  return parts::valid_utf8(text);
}

std::string id_at(const json::object& in, std::string_view key) {
  const std::string_view id = parts::text_in(in, key);
  return snowflake(id) == 0 ? std::string() : std::string(id);
}

std::string_view trimmed(std::string_view text) {
  const auto space = [](char c) { return c == ' ' || c == '\n' || c == '\t' || c == '\r'; };
  while (!text.empty() && space(text.front())) text.remove_prefix(1);
  while (!text.empty() && space(text.back())) text.remove_suffix(1);
  return text;
}

json::object sender_of(const json::object& author, const json::object* member) {
  json::object out{{"id", id_at(author, "id")}};
  std::string name =
      member == nullptr ? std::string() : cut_text(parts::text_in(*member, "nick"), kMaxName);
  const std::string username = cut_text(parts::text_in(author, "username"), kMaxName);
  if (name.empty()) name = cut_text(parts::text_in(author, "global_name"), kMaxName);
  out["name"] = name.empty() ? username : name;
  if (!username.empty()) out["username"] = username;
  out["isBot"] = parts::bool_in(author, "bot", false);
  const json::array* roles = member == nullptr ? nullptr : parts::array_in(*member, "roles");
  json::array ids;
  for (const json::value& role : roles == nullptr ? json::array() : *roles) {
    if (role.is_string() && ids.size() < kMaxRoles) ids.push_back(role);
  }
  if (!ids.empty()) out["roles"] = std::move(ids);
  return out;
}

bool names(const json::array* users, std::string_view id) {
  if (users == nullptr) return false;
  return std::any_of(users->begin(), users->end(), [&](const json::value& user) {
    return user.is_object() && parts::text_in(user.get_object(), "id") == id;
  });
}

bool lists(const json::array* ids, std::string_view id) {
  if (ids == nullptr || id.empty()) return false;
  return std::any_of(ids->begin(), ids->end(), [&](const json::value& item) {
    return item.is_string() && std::string_view(item.get_string()) == id;
  });
}

void erase_all(std::string& text, const std::string& what) {
  for (std::size_t at = text.find(what); at != std::string::npos; at = text.find(what, at))
    text.erase(at, what.size());
}

// The text without the mentions of the bot: they say whom it is for, and are no part of it.
std::string text_for_bot(std::string text, const std::string& bot_id, const std::string& own_role) {
  erase_all(text, "<@" + bot_id + ">");
  erase_all(text, "<@!" + bot_id + ">");
  if (!own_role.empty()) erase_all(text, "<@&" + own_role + ">");
  return std::string(trimmed(text));
}

const json::object* answered(const json::object& message) {
  return parts::int_in(message, "type", 0) == kReply
             ? parts::object_in(message, "referenced_message")
             : nullptr;
}

bool is_by(const json::object& message, std::string_view user_id) {
  const json::object* author = parts::object_in(message, "author");
  return author != nullptr && parts::text_in(*author, "id") == user_id;
}

bool mentions_bot(const json::object& message, const Channel* channel, const Directory& directory,
                  const std::string& own_role) {
  if (names(parts::array_in(message, "mentions"), directory.bot_id())) return true;
  const json::object* replied = answered(message);
  if (replied != nullptr && is_by(*replied, directory.bot_id())) return true;
  if (lists(parts::array_in(message, "mention_roles"), own_role)) return true;
  return channel != nullptr && channel->own_thread;
}

std::string_view kind_of(std::string_view mime, bool voice) {
  if (voice) return "voice";
  if (mime.starts_with("image/")) return "photo";
  if (mime.starts_with("audio/")) return "audio";
  if (mime.starts_with("video/")) return "video";
  return "document";
}

// The address of a file is good for a day only, so the file is named by its id and the message is
// asked for again when its turn comes.
json::array attachments_of(const json::object& message) {
  json::array out;
  const json::array* list = parts::array_in(message, "attachments");
  const bool voice = (parts::int_in(message, "flags", 0) & kVoiceMessage) != 0;
  for (const json::value& item : list == nullptr ? json::array() : *list) {
    const json::object* file = item.if_object();
    if (file == nullptr || out.size() >= kMaxAttachments) continue;
    const std::string mime = cut_text(parts::text_in(*file, "content_type"), kMaxName);
    json::object each{{"kind", kind_of(mime, voice)}, {"mime", mime}};
    if (const auto name = cut_text(parts::text_in(*file, "filename"), kMaxName); !name.empty())
      each["name"] = name;
    if (const auto bytes = parts::int_in(*file, "size", -1); bytes >= 0) each["bytes"] = bytes;
    each["ref"] = id_at(*file, "id");
    out.push_back(std::move(each));
  }
  return out;
}

// With the files of the message that this one passes on.
json::array all_attachments_of(const json::object& message) {
  json::array out = attachments_of(message);
  const json::object* copy = forwarded_in(message);
  for (json::value& each : copy == nullptr ? json::array() : attachments_of(*copy)) {
    if (out.size() < kMaxAttachments) out.push_back(std::move(each));
  }
  return out;
}

// What was passed on, below what was said to it (which this version of the service never has).
std::string with_forwarded(std::string text, const json::object& message) {
  const json::object* copy = forwarded_in(message);
  if (copy == nullptr) return text;
  const std::string words = cut_text(trimmed(parts::text_in(*copy, "content")), kMaxText);
  if (!text.empty()) text += "\n";
  return text + "[forwarded] " + (words.empty() ? "a message without text" : words);
}

json::object conversation_of(const json::object& message, const Channel* channel) {
  json::object out{{"id", id_at(message, "channel_id")}};
  std::string guild = id_at(message, "guild_id");
  if (guild.empty() && channel != nullptr) guild = channel->guild_id;
  if (guild.empty()) {
    // A message without a server is a direct one, unless its channel is known to be something else.
    out["type"] = channel == nullptr || channel->direct ? "direct" : "unknown";
    return out;
  }
  out["type"] = "channel";
  out["spaceId"] = guild;
  if (channel == nullptr) return out;
  if (!channel->parent_id.empty()) out["parentId"] = channel->parent_id;
  if (!channel->name.empty()) out["title"] = "#" + channel->name;
  return out;
}

// Null when the message answers nobody.
json::value reply_of(const json::object& message, const Directory& directory) {
  const json::object* replied = answered(message);
  if (replied == nullptr || id_at(*replied, "id").empty()) return nullptr;
  json::object out{{"messageId", id_at(*replied, "id")},
                   {"toSelf", is_by(*replied, directory.bot_id())}};
  if (const json::object* author = parts::object_in(*replied, "author"))
    out["sender"] = sender_of(*author, nullptr);
  if (const auto text = cut_text(parts::text_in(*replied, "content"), kMaxQuote); !text.empty())
    out["text"] = text;
  return out;
}

std::string sticker_of(const json::object& message) {
  const json::array* stickers = parts::array_in(message, "sticker_items");
  if (stickers == nullptr || stickers->empty() || !stickers->front().is_object()) return {};
  const std::string name =
      cut_text(parts::text_in(stickers->front().get_object(), "name"), kMaxName);
  return name.empty() ? std::string() : "[sticker: " + name + "]";
}

// Of the service's own messages, of bots and of webhooks, nothing is answered: two agents would
// answer each other for ever.
bool is_for_people(const json::object& message, const json::object& author,
                   const Directory& directory) {
  const std::int64_t type = parts::int_in(message, "type", kPlainMessage);
  if (type != kPlainMessage && type != kReply) return false;
  if (message.contains("webhook_id")) return false;
  return !parts::bool_in(author, "bot", false) &&
         parts::text_in(author, "id") != directory.bot_id();
}

bool fill(Parsed& out, const json::object& message, bool is_edit, const Directory& directory) {
  if (out.channel_id.empty() || out.message_id.empty()) return false;
  const json::object* author = parts::object_in(message, "author");
  const std::string_view edited = parts::text_in(message, "edited_timestamp");
  // Links that unfold and embeds that load are updates too, and nobody's words.
  if (is_edit && (edited.empty() || author == nullptr || !message.contains("content"))) return true;
  if (author == nullptr || id_at(*author, "id").empty()) return false;
  if (!is_for_people(message, *author, directory)) return true;
  const Channel* channel = directory.channel(out.channel_id);
  json::object conversation = conversation_of(message, channel);
  out.guild_id = parts::text_in(conversation, "spaceId");
  out.parent_id = parts::text_in(conversation, "parentId");
  const std::string own_role = directory.own_role(out.guild_id);
  std::string text = text_for_bot(cut_text(parts::text_in(message, "content"), kMaxText),
                                  directory.bot_id(), own_role);
  json::array attachments = all_attachments_of(message);
  if (text.empty()) text = sticker_of(message);
  text = with_forwarded(std::move(text), message);
  const bool mentioned = mentions_bot(message, channel, directory, own_role);
  if (text.empty() && attachments.empty() && !mentioned) return true;
  out.event["kind"] = is_edit ? "edit" : "message";
  out.event["sender"] = sender_of(*author, parts::object_in(message, "member"));
  out.event["messageId"] = out.message_id;
  out.event["text"] = text;
  out.event["mentioned"] = mentioned || parts::text_in(conversation, "type") == "direct";
  out.event["timestampMs"] = snowflake_time_ms(snowflake(out.message_id));
  out.event["conversation"] = std::move(conversation);
  if (json::value reply = reply_of(message, directory); !reply.is_null())
    out.event["replyTo"] = std::move(reply);
  if (!attachments.empty()) out.event["attachments"] = std::move(attachments);
  out.kind = Parsed::Kind::kEvent;
  return true;
}

}  // namespace

const json::object* forwarded_in(const json::object& message) {
  constexpr std::int64_t kForward = 1;
  const json::object* reference = parts::object_in(message, "message_reference");
  if (reference == nullptr || parts::int_in(*reference, "type", 0) != kForward) return nullptr;
  const json::array* copies = parts::array_in(message, "message_snapshots");
  if (copies == nullptr || copies->empty() || !copies->front().is_object()) return nullptr;
  return parts::object_in(copies->front().get_object(), "message");
}

Parsed parse_message(std::string_view type, const json::value& data, const Directory& directory,
                     std::string_view account, std::string_view fallback_key) {
  Parsed out;
  const bool is_edit = type == "MESSAGE_UPDATE";
  std::string key(fallback_key);
  const json::object* message = data.if_object();
  if (message != nullptr) {
    out.channel_id = id_at(*message, "channel_id");
    out.message_id = id_at(*message, "id");
    if (!out.message_id.empty()) key = out.message_id;
    // An edit is an event of its own, and each further one too.
    if (is_edit) key += ":" + cut_text(parts::text_in(*message, "edited_timestamp"), 40);
  }
  if (message == nullptr || !fill(out, *message, is_edit, directory)) {
    out.kind = Parsed::Kind::kPoison;
    out.event.clear();
    out.event["kind"] = "unparsed";
    out.event["platform"] = json::object{{"raw", cut_text(json::serialize(data), kMaxRaw)}};
  }
  out.event["eventId"] = "dc:" + directory.bot_id() + ":" + key;
  out.event["account"] = account;
  return out;
}

namespace {

// "/model" and what was given with it.
std::string command_text(const json::object& data) {
  std::string out = "/" + cut_text(parts::text_in(data, "name"), kMaxName);
  const json::array* options = parts::array_in(data, "options");
  for (const json::value& item : options == nullptr ? json::array() : *options) {
    const json::value* value = item.is_object() ? item.get_object().if_contains("value") : nullptr;
    if (value == nullptr || out.size() > kMaxText) continue;
    out += " " + (value->is_string() ? cut_text(std::string_view(value->get_string()), kMaxText)
                                     : json::serialize(*value));
  }
  return out;
}

}  // namespace

Parsed parse_interaction(const json::value& data, const Directory& directory,
                         std::string_view account) {
  constexpr std::int64_t kCommand = 2;
  constexpr std::int64_t kComponent = 3;
  Parsed out;
  const json::object* interaction = data.if_object();
  const json::object* given =
      interaction == nullptr ? nullptr : parts::object_in(*interaction, "data");
  if (given == nullptr) return out;
  const std::int64_t type = parts::int_in(*interaction, "type", 0);
  if (type != kCommand && type != kComponent) return out;
  const json::object* member = parts::object_in(*interaction, "member");
  const json::object* user = parts::object_in(member == nullptr ? *interaction : *member, "user");
  const std::string id = id_at(*interaction, "id");
  const std::string channel_id = id_at(*interaction, "channel_id");
  if (user == nullptr || id.empty() || channel_id.empty() || id_at(*user, "id").empty()) return out;
  json::object conversation = conversation_of(*interaction, directory.channel(channel_id));
  std::string text;
  if (type == kComponent) {
    text = cut_text(parts::text_in(*given, "custom_id"), kMaxName);
    if (text.empty()) return out;
  } else {
    conversation["interaction"] = id;
    text = command_text(*given);
  }
  out.kind = Parsed::Kind::kEvent;
  out.event = json::object{{"kind", type == kComponent ? "callback" : "message"},
                           {"eventId", "dc:" + directory.bot_id() + ":" + id},
                           {"account", account},
                           {"sender", sender_of(*user, member)},
                           {"text", text},
                           {"mentioned", true},
                           {"timestampMs", snowflake_time_ms(snowflake(id))},
                           {"conversation", std::move(conversation)}};
  const json::object* message = parts::object_in(*interaction, "message");
  if (type == kComponent && message != nullptr && !id_at(*message, "id").empty())
    out.event["messageId"] = id_at(*message, "id");
  return out;
}

namespace {

struct Emoji {
  std::string shown;  // for the agent
  std::string key;    // that no other emoji has; empty: there is none
};

Emoji emoji_of(const json::object& reaction) {
  constexpr std::size_t kMaxEmoji = 64;
  const json::object* emoji = parts::object_in(reaction, "emoji");
  if (emoji == nullptr) return {};
  const std::string name = cut_text(parts::text_in(*emoji, "name"), kMaxEmoji);
  const std::string id = id_at(*emoji, "id");
  if (id.empty()) return {name, name};
  // One of a server's own; it has no name any more when it was taken away there.
  return {name.empty() ? "a custom emoji" : ":" + name + ":", id};
}

// Direct chats name no person in a reaction; the channel tells who the other one is.
json::object reacting(const std::string& user_id, const json::object* member,
                      const Channel* channel) {
  const json::object* user = member == nullptr ? nullptr : parts::object_in(*member, "user");
  json::object author = user == nullptr ? json::object() : *user;
  author["id"] = user_id;
  json::object out = sender_of(author, member);
  if (channel != nullptr && channel->direct && parts::text_in(out, "name").empty())
    out["name"] = channel->name;
  return out;
}

}  // namespace

Parsed parse_reaction(const json::value& data, const Directory& directory, std::string_view account,
                      std::string_view key) {
  Parsed out;
  const json::object* reaction = data.if_object();
  if (reaction == nullptr) return out;
  out.channel_id = id_at(*reaction, "channel_id");
  out.message_id = id_at(*reaction, "message_id");
  const std::string user_id = id_at(*reaction, "user_id");
  const Emoji emoji = emoji_of(*reaction);
  if (out.channel_id.empty() || out.message_id.empty() || user_id.empty() || emoji.key.empty())
    return out;
  const Channel* channel = directory.channel(out.channel_id);
  json::object sender = reacting(user_id, parts::object_in(*reaction, "member"), channel);
  if (user_id == directory.bot_id() || sender.at("isBot").as_bool()) return out;
  out.kind = Parsed::Kind::kEvent;
  out.event = json::object{
      {"kind", "reaction"},
      {"eventId", "dc:" + directory.bot_id() + ":reaction:" + out.channel_id + ":" +
                      out.message_id + ":" + user_id + ":" + emoji.key + ":" + std::string(key)},
      {"account", account},
      {"conversation", conversation_of(*reaction, channel)},
      {"sender", std::move(sender)},
      {"messageId", out.message_id},
      {"emoji", emoji.shown}};
  if (const std::string author = id_at(*reaction, "message_author_id"); !author.empty())
    out.event["toSelf"] = author == directory.bot_id();
  return out;
}

Unknown unknown_in(const json::value& data, const Directory& directory) {
  Unknown out;
  const json::object* message = data.if_object();
  if (message == nullptr) return out;
  const json::object* author = parts::object_in(*message, "author");
  if (author == nullptr || !is_for_people(*message, *author, directory)) return out;
  const std::string channel_id = id_at(*message, "channel_id");
  std::string guild = id_at(*message, "guild_id");
  const Channel* channel = directory.channel(channel_id);
  if (guild.empty() && channel != nullptr) guild = channel->guild_id;
  if (!guild.empty() && channel == nullptr) out.channel_id = channel_id;
  const json::array* roles = parts::array_in(*message, "mention_roles");
  if (roles != nullptr && !roles->empty() && !guild.empty() && !directory.knows_roles(guild))
    out.guild_id = guild;
  return out;
}

}  // namespace discord
