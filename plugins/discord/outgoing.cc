#include "outgoing.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <random>
#include <set>

#include "chunks.h"
#include "markdown.h"
#include "snowflake.h"
#include "utf16.h"

namespace discord {
namespace {

constexpr std::size_t kMaxMarkdown = 1U << 20;
constexpr std::size_t kMaxFiles = 20;
constexpr parts::ButtonLimits kButtons{"Discord", 5, 5, 25, 80, 100};
constexpr std::size_t kFilesPerMessage = 10;
constexpr std::uint64_t kBytesPerMessage = 24'000'000;

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
  out.name = parts::text_in(*object, "name");
  out.mime = parts::text_in(*object, "mime");
  if (out.name.empty()) out.name = "file";
  if (out.mime.empty()) out.mime = "application/octet-stream";
  return out;
}

// As many to a message as the service takes.
bool read_files(const json::array& list, Outgoing& out) {
  std::uint64_t bytes = 0;
  std::size_t count = 0;
  for (const json::value& item : list) {
    const auto file = read_file(item);
    if (!file || ++count > kMaxFiles) return false;
    const bool full = out.files.empty() || out.files.back().size() >= kFilesPerMessage ||
                      bytes + file->bytes > kBytesPerMessage;
    if (full) {
      out.files.emplace_back();
      bytes = 0;
    }
    bytes += file->bytes;
    out.files.back().push_back(*file);
  }
  return true;
}

void read_resume(const json::object& message, Outgoing& out) {
  const json::object* resume = parts::object_in(message, "resume");
  if (resume == nullptr) return;
  const std::int64_t sent = parts::int_in(*resume, "sent", 0);
  if (sent < 0 || static_cast<std::size_t>(sent) >= out.messages())
    return;  // all of it: it was answered
  out.first_id = read_message_id(*resume, "messageId");
  if (sent > 0 && out.first_id.empty()) return;
  out.sent = static_cast<std::size_t>(sent);
  out.trying_since_ms = std::max<std::int64_t>(parts::int_in(*resume, "tryingSinceMs", 0), 0);
}

// False, and `wrong` filled, when they cannot be shown there.
bool read_buttons_of(const json::object& message, Outgoing& out, Malformed& wrong) {
  auto buttons = parts::read_buttons(message, kButtons, wrong.message);
  if (!buttons) return false;
  out.buttons = std::move(*buttons);
  std::set<std::string_view> seen;
  for (const auto& row : out.buttons) {
    for (const parts::Button& each : row) {
      if (seen.insert(each.data).second) continue;
      wrong.message = "two buttons have the callbackData \"" + each.data +
                      "\"; Discord wants each to have its own";
      return false;
    }
  }
  const std::string_view place = parts::text_in(message, "buttonsOnlyIn");
  if (out.buttons.empty() || place.empty()) return true;
  const std::string_view type = parts::text_in(*parts::object_in(message, "conversation"), "type");
  const bool direct = !out.target.user.empty() || type == "direct";
  if (!direct && type.empty()) {
    wrong.message =
        "capabilities.inlineButtons is not for all chats, and what kind of chat this is is not "
        "known; name a person as user:ID, or set it to \"all\" or \"allowlist\"";
    return false;
  }
  if (direct == (place == "direct")) return true;
  wrong.message = "capabilities.inlineButtons does not allow buttons in this chat";
  return false;
}

// FNV-1a; two of them with different beginnings make collisions of unlike texts out of the
// question.
std::uint64_t hash_of(std::string_view text, std::uint64_t hash) {
  for (const char c : text) {
    hash ^= static_cast<unsigned char>(c);
    hash *= 0x100000001b3ULL;
  }
  return hash;
}

}  // namespace

std::size_t Outgoing::messages() const {
  const bool joined = !pieces.empty() && !files.empty();
  return pieces.size() + files.size() - (joined ? 1U : 0U);
}

const std::vector<OutgoingFile>* Outgoing::files_of(std::size_t index) const {
  const std::size_t first = pieces.empty() ? 0 : pieces.size() - 1;
  return index < first || index - first >= files.size() ? nullptr : &files[index - first];
}

std::string read_message_id(const json::object& in, std::string_view key) {
  const std::string_view id = parts::text_in(in, key);
  return snowflake(id) == 0 ? std::string() : std::string(id);
}

std::optional<Target> read_target(const json::object& payload) {
  const json::object* conversation = parts::object_in(payload, "conversation");
  if (conversation == nullptr) return std::nullopt;
  Target out;
  std::string_view id = parts::text_in(*conversation, "id");
  const std::string_view thread = parts::text_in(*conversation, "threadId");
  const bool is_user = id.starts_with("user:");
  out.certain = id.starts_with("channel:") || conversation->contains("type") || !thread.empty();
  if (const std::size_t colon = id.find(':'); is_user || id.starts_with("channel:"))
    id.remove_prefix(colon + 1);
  if (!thread.empty()) id = thread;  // a thread is a channel of its own
  if (snowflake(id) == 0) return std::nullopt;
  (is_user && thread.empty() ? out.user : out.channel) = id;
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
        "\"conversation.id\" must be the id of a Discord channel, such as 123456789012345678 or "
        "channel:123456789012345678, or user:ID for a person (Developer Mode, right click, Copy "
        "ID)");
  }
  out.target = *target;
  if (const json::array* files = parts::array_in(message, "attachments")) {
    if (is_edit && !files->empty()) return refuse("an edit cannot bring files");
    if (!read_files(*files, out))
      return refuse("\"attachments\" must be at most 20 blobs with their kinds");
  }
  const std::string_view text = parts::text_in(message, "text");
  if (text.size() > kMaxMarkdown) return refuse("the text is longer than 1 MiB");
  const bool markdown = parts::text_in(message, "format") == "markdown";
  out.pieces = split(markdown ? render_markdown(text) : escape_markdown(text), limit);
  if (out.pieces.empty() && out.files.empty()) return refuse("the text has nothing to show");
  if (!read_buttons_of(message, out, wrong)) return std::nullopt;
  out.draft = parts::bool_in(message, "draft", false);
  if (out.draft && out.pieces.size() > 1)
    out.pieces.resize(1);  // it ends here until the whole is known
  out.silent = parts::bool_in(message, "silent", false);
  if (const json::object* reply = parts::object_in(message, "replyTo"))
    out.reply_to = read_message_id(*reply, "messageId");
  if (is_edit) {
    out.message_id = read_message_id(message, "messageId");
    if (out.message_id.empty()) return refuse("\"messageId\" must be the id of a message");
    out.must_exist = true;
  } else if (const json::object* replaced = parts::object_in(message, "replaces")) {
    out.message_id = read_message_id(*replaced, "messageId");
  }
  const json::object& conversation = *parts::object_in(message, "conversation");
  out.interaction = read_message_id(conversation, "interaction");
  out.idempotency_key = parts::text_in(message, "idempotencyKey");
  read_resume(message, out);
  return out;
}

std::string nonce_of(std::string_view idempotency_key, std::size_t index) {
  std::string seed(idempotency_key);
  if (seed.empty()) {
    std::random_device random;
    for (int i = 0; i < 4; ++i) seed += std::to_string(random()) + ",";
  }
  seed += "#" + std::to_string(index);
  const std::uint64_t one = hash_of(seed, 0xcbf29ce484222325ULL);
  const std::uint64_t two = hash_of(seed, 0x84222325cbf29ce4ULL);
  std::array<char, 25> text{};
  std::snprintf(text.data(), text.size(), "%016llx%04llx", static_cast<unsigned long long>(one),
                static_cast<unsigned long long>(two >> 48U));
  return text.data();
}

}  // namespace discord
