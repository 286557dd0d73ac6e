#include "pasted_text.h"

#include <charconv>
#include <utility>

#include "json_fields.h"
#include "utf16.h"

namespace telegram {
namespace {

namespace json = boost::json;

// The limit is 4096, and apps cut before it where a line or a paragraph ends.
constexpr std::size_t kLikelyCut = 3'000;
constexpr std::int64_t kPasteMs = 2'000;  // the service's clock has seconds
constexpr std::size_t kMostOpen = 256;

std::string key_of(const json::object& event) {
  const json::object* conversation = parts::object_in(event, "conversation");
  const json::object* sender = parts::object_in(event, "sender");
  if (conversation == nullptr || sender == nullptr) return {};
  std::string out;
  for (const std::string_view part :
       {parts::text_in(*conversation, "id"), parts::text_in(*conversation, "threadId"),
        parts::text_in(*sender, "id")}) {
    out += part;
    out += '/';
  }
  return out;
}

bool is_words_only(const json::object& event) {
  return parts::text_in(event, "kind") == "message" && !event.contains("attachments") &&
         !event.contains("groupId");
}

}  // namespace

void PastedText::mark(json::object& event) {
  const std::string key = key_of(event);
  auto last = open_.extract(key);
  if (key.empty() || !is_words_only(event)) return;
  const std::string_view text = parts::text_in(event, "text");
  const std::string_view id = parts::text_in(event, "messageId");
  Part part;
  (void)std::from_chars(id.data(), id.data() + id.size(), part.message_id);
  part.at_ms = parts::int_in(event, "timestampMs", 0);
  const bool goes_on = !last.empty() && part.message_id > last.mapped().message_id &&
                       part.at_ms - last.mapped().at_ms <= kPasteMs;
  const bool may_be_cut = parts::utf16_length(text) >= kLikelyCut;
  if (!goes_on && (!may_be_cut || text.starts_with('/'))) return;
  part.group = goes_on ? last.mapped().group : "text:" + std::string(id);
  event["groupId"] = part.group;
  if (!may_be_cut) return;  // the end of it
  if (open_.size() >= kMostOpen) open_.clear();
  open_[key] = std::move(part);
}

}  // namespace telegram
