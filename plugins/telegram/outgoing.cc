#include "outgoing.h"

#include <algorithm>
#include <charconv>

#include "markdown.h"
#include "utf16.h"

namespace telegram {
namespace {

constexpr std::size_t kMaxMarkdown = 1U << 20;
constexpr std::size_t kMaxFiles = 20;
constexpr std::size_t kMaxCaption = 1024;
constexpr parts::ButtonLimits kButtons{"Telegram", 100, 8, 100, 256, 64};

std::optional<std::int64_t> integer(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (failure != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

bool is_chat(std::string_view id) {
  if (id.size() > 64) return false;
  if (id.starts_with('@')) {
    return id.size() > 1 && std::all_of(id.begin() + 1, id.end(), [](char c) {
             return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                    c == '_';
           });
  }
  const auto number = integer(id);
  return number && *number != 0;
}

std::optional<OutgoingFile> read_file(const json::value& item) {
  const json::object* object = item.if_object();
  if (object == nullptr) return std::nullopt;
  OutgoingFile out;
  boost::system::error_code no_number;
  if (const json::value* blob = object->if_contains("blob"))
    out.blob = blob->to_number<std::uint64_t>(no_number);
  if (no_number || out.blob == 0) return std::nullopt;
  out.bytes =
      static_cast<std::uint64_t>(std::max<std::int64_t>(parts::int_in(*object, "bytes", 0), 0));
  out.kind = parts::text_in(*object, "kind");
  out.name = parts::text_in(*object, "name");
  out.mime = parts::text_in(*object, "mime");
  if (out.name.empty()) out.name = "file";
  if (out.mime.empty()) out.mime = "application/octet-stream";
  return out;
}

void read_resume(const json::object& message, Outgoing& out) {
  const json::object* resume = parts::object_in(message, "resume");
  if (resume == nullptr) return;
  const std::int64_t sent = parts::int_in(*resume, "sent", 0);
  out.first_id = read_message_id(*resume, "messageId");
  // Not all of it: then it would have been answered.
  if (sent > 0 && static_cast<std::size_t>(sent) < out.pieces.size() + out.files.size() &&
      out.first_id != 0)
    out.sent = static_cast<std::size_t>(sent);
}

// What is partly out goes on as it began, and a draft cannot become a voice message.
bool can_be_caption(const Outgoing& message) {
  return message.pieces.size() == 1 && !message.files.empty() && message.sent == 0 &&
         parts::utf16_length(message.pieces[0].text()) <= kMaxCaption &&
         (message.message_id == 0 || message.files[0].kind != "voice");
}

// Who is written to is a person when the id is positive.
bool is_direct(const Target& target) {
  const auto number = integer(target.chat);
  return number && *number > 0;
}

// False, and `wrong` filled, when they cannot be shown there.
bool read_keyboard(const json::object& message, Outgoing& out, Malformed& wrong) {
  auto buttons = parts::read_buttons(message, kButtons, wrong.message);
  if (!buttons) return false;
  out.buttons = std::move(*buttons);
  const std::string_view place = parts::text_in(message, "buttonsOnlyIn");
  if (out.buttons.empty() || place.empty() || (place == "direct") == is_direct(out.target))
    return true;
  wrong.message = place == "direct"
                      ? "capabilities.inlineButtons is \"dm\", and this chat is no direct one"
                      : "capabilities.inlineButtons is \"group\", and this chat is no group";
  return false;
}

}  // namespace

json::value Target::chat_id() const {
  const auto number = integer(chat);
  return number ? json::value(*number) : json::value(chat);
}

std::int64_t read_message_id(const json::object& in, std::string_view key) {
  const auto id = integer(parts::text_in(in, key));
  return id && *id > 0 ? *id : 0;
}

std::optional<Target> read_target(const json::object& payload) {
  const json::object* conversation = parts::object_in(payload, "conversation");
  if (conversation == nullptr) return std::nullopt;
  Target out;
  out.chat = parts::text_in(*conversation, "id");
  if (!is_chat(out.chat)) return std::nullopt;
  out.thread_id = read_message_id(*conversation, "threadId");
  return out;
}

std::optional<Outgoing> read_outgoing(std::string_view payload, bool is_edit, std::size_t limit,
                                      Malformed& wrong) {
  const auto refuse = [&](std::string message) {
    wrong.message = std::move(message);
    return std::nullopt;
  };
  const json::value value = parts::parsed(payload);
  if (!value.is_object()) return refuse("the message is not a JSON object");
  const json::object& message = value.get_object();
  Outgoing out;
  const auto target = read_target(message);
  if (!target) {
    return refuse(
        "\"conversation.id\" must be a Telegram chat id such as 123456789, or @channelname");
  }
  out.target = *target;
  if (const json::array* files = parts::array_in(message, "attachments")) {
    if (is_edit && !files->empty()) return refuse("an edit cannot bring files");
    for (const json::value& item : *files) {
      const auto file = read_file(item);
      if (!file || out.files.size() >= kMaxFiles)
        return refuse("\"attachments\" must be at most 20 blobs with their kinds");
      out.files.push_back(*file);
    }
  }
  const std::string_view text = parts::text_in(message, "text");
  if (text.size() > kMaxMarkdown) return refuse("the text is longer than 1 MiB");
  StyledText whole;
  if (parts::text_in(message, "format") == "markdown") {
    whole = render_markdown(text);
  } else {
    whole.append(parts::valid_utf8(text), {});
  }
  out.pieces = split(whole, limit);
  if (out.pieces.empty() && out.files.empty()) return refuse("the text has nothing to show");
  if (!read_keyboard(message, out, wrong)) return std::nullopt;
  out.draft = parts::bool_in(message, "draft", false);
  if (out.draft && out.pieces.size() > 1)
    out.pieces.resize(1);  // it ends here until the whole is known
  out.silent = parts::bool_in(message, "silent", false);
  if (const std::int64_t most = parts::int_in(message, "maxWaitMs", -1); most >= 0)
    out.max_wait_ms = most;
  if (const json::object* reply = parts::object_in(message, "replyTo"))
    out.reply_to = read_message_id(*reply, "messageId");
  if (is_edit) {
    out.message_id = read_message_id(message, "messageId");
    if (out.message_id == 0) return refuse("\"messageId\" must be the id of a message");
    out.must_exist = true;
  } else if (const json::object* replaced = parts::object_in(message, "replaces")) {
    out.message_id = read_message_id(*replaced, "messageId");
  }
  read_resume(message, out);
  out.captioned = can_be_caption(out);
  return out;
}

}  // namespace telegram
