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

}  // namespace

TaggedReply split_reply_tag(std::string_view text) {
  TaggedReply out;
  out.text = text;
  const std::string_view start = without_spaces(text);
  if (!start.starts_with("[[") || start.size() < 3) return out;
  const std::size_t end = start.find("]]");
  if (end == std::string_view::npos) {
    const std::string_view written = without_spaces(start.substr(2));
    const bool growing = start.size() <= kLongestTag && !written.empty() &&
                         (may_become(written, kCurrent) || may_become(written, kById));
    if (growing) out.text.clear();
    return out;
  }
  const std::string_view inside = without_spaces(start.substr(2, end - 2));
  const bool by_id = inside.starts_with(kById) && end <= kLongestTag;
  const std::string_view id =
      by_id ? without_spaces(inside.substr(kById.size())) : std::string_view();
  if (inside != kCurrent && id.empty()) return out;
  out.tagged = true;
  out.message_id = id;
  out.text = without_spaces(start.substr(end + 2));
  return out;
}

}  // namespace openclaw::channel
