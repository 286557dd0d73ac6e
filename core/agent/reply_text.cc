#include "agent/reply_text.h"

#include "agent/fields.h"

namespace openclaw::agent {
namespace {

constexpr std::string_view kSilent = "NO_REPLY";

}  // namespace

std::string ReplyText::add(std::string_view delta) {
  if (delta.empty()) return {};
  if (break_before_next_) {
    whole_ += "\n\n";
    answer_start_ = whole_.size();
    break_before_next_ = false;
  }
  whole_ += delta;
  if (kSilent.starts_with(trimmed(current()))) return {};  // it may become the silent token
  auto fresh = whole_.substr(shown_);
  shown_ = whole_.size();
  return fresh;
}

void ReplyText::next_answer() {
  break_before_next_ = !trimmed(whole_).empty();
  answer_start_ = whole_.size();
}

std::string ReplyText::rest() {
  if (trimmed(current()).empty() || trimmed(current()) == kSilent) return {};
  auto fresh = whole_.substr(shown_);
  shown_ = whole_.size();
  return fresh;
}

std::string ReplyText::reply() const {
  auto last = trimmed(current());
  if (!last.empty() && last != kSilent) return whole_;
  return std::string(trimmed(std::string_view(whole_).substr(0, answer_start_)));
}

}  // namespace openclaw::agent
