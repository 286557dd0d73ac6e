#include "channel/reply_tag.h"

#include <algorithm>

namespace openclaw::channel {
namespace {

constexpr std::string_view kCurrent = "reply_to_current";
constexpr std::string_view kById = "reply_to:";
constexpr std::size_t kLongestTag = 160;

std::string_view without_spaces(std::string_view text) {
  const auto is_space = [](char c) { return c == ' ' || c == '\n' || c == '\t' || c == '\r'; };
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  return text;
}

bool may_become(std::string_view written, std::string_view whole) {
  const std::size_t both = std::min(written.size(), whole.size());
  return written.substr(0, both) == whole.substr(0, both);
}

// What the brackets at the start of `text` say, and how long they are. Length 0: no tag.
struct Tag {
  std::size_t length = 0;
  std::string_view id = {};
  bool growing = false;  // it is still being written
};
Tag tag_at(std::string_view text) {
  Tag out;
  const std::size_t end = text.substr(0, kLongestTag).find("]]");
  if (end == std::string_view::npos) {
    const std::string_view written = without_spaces(text.substr(2));
    out.growing = text.size() <= kLongestTag && !written.empty() &&
                  (may_become(written, kCurrent) || may_become(written, kById));
    return out;
  }
  const std::string_view inside = without_spaces(text.substr(2, end - 2));
  const bool by_id = inside.starts_with(kById);
  out.id = by_id ? without_spaces(inside.substr(kById.size())) : std::string_view();
  if (inside == kCurrent || !out.id.empty()) out.length = end + 2;
  return out;
}

// Where the code that begins at `at`, with back ticks, ends; a fence that nobody closes never does.
std::size_t end_of_code(std::string_view text, std::size_t at) {
  const std::size_t ticks = std::min(text.find_first_not_of('`', at), text.size()) - at;
  const std::size_t end = text.find(std::string(ticks, '`'), at + ticks);
  if (end != std::string_view::npos) return end + ticks;
  return ticks >= 3 ? text.size() : at + ticks;
}

}  // namespace

TaggedReply split_reply_tag(std::string_view text) {
  TaggedReply out;
  if (text.find("[[") == std::string_view::npos) {
    out.text = text;
    return out;
  }
  std::size_t copied = 0, at = 0;
  while ((at = text.find_first_of("[`", at)) != std::string_view::npos) {
    if (text[at] == '`') {
      at = end_of_code(text, at);
      continue;
    }
    const Tag tag = text.substr(at).starts_with("[[") ? tag_at(text.substr(at)) : Tag();
    if (tag.length == 0 && !tag.growing) {
      ++at;
      continue;
    }
    out.text += text.substr(copied, at - copied);
    copied = tag.growing ? text.size() : at + tag.length;
    if (tag.growing) break;
    if (!out.tagged) out.message_id = tag.id;
    out.tagged = true;
    const bool at_start = without_spaces(out.text).empty();
    if (at_start) out.text.clear();
    // One space of two is the tag's; at the start all are.
    while (copied < text.size() && (text[copied] == ' ' || (at_start && text[copied] == '\n')))
      ++copied;
    at = copied;
  }
  out.text += text.substr(copied);
  if (out.tagged) out.text.resize(out.text.find_last_not_of(" \n\t\r") + 1);
  return out;
}

}  // namespace openclaw::channel
