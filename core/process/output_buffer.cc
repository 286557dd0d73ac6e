#include "process/output_buffer.h"

#include <algorithm>

namespace openclaw::process {

namespace {

std::string cut_note(std::uint64_t bytes) {
  return "\n[... " + std::to_string(bytes) + " bytes cut ...]\n";
}

// Drops from the front once it is twice too long, so that appending stays cheap.
std::uint64_t shorten(std::string& text, std::size_t limit, bool exactly) {
  if (text.size() <= (exactly ? limit : limit * 2)) return 0;
  std::size_t extra = text.size() - limit;
  text.erase(0, extra);
  return extra;
}

// The length of the well-formed sequence at the front, 0 when there is none.
std::size_t sequence_length(std::string_view bytes) {
  auto at = [&](std::size_t i) { return static_cast<unsigned char>(bytes[i]); };
  unsigned char lead = at(0);
  if (lead < 0x80) return 1;
  std::size_t length = lead >= 0xC2 && lead <= 0xDF   ? 2
                       : lead >= 0xE0 && lead <= 0xEF ? 3
                       : lead >= 0xF0 && lead <= 0xF4 ? 4
                                                      : 0;
  if (length == 0 || bytes.size() < length) return 0;
  for (std::size_t i = 1; i < length; ++i) {
    if ((at(i) & 0xC0) != 0x80) return 0;
  }
  unsigned char second = at(1);
  bool overlong = (lead == 0xE0 && second < 0xA0) || (lead == 0xF0 && second < 0x90);
  bool surrogate = lead == 0xED && second > 0x9F;
  bool too_large = lead == 0xF4 && second > 0x8F;
  return overlong || surrogate || too_large ? 0 : length;
}

}  // namespace

void OutputBuffer::append(std::string_view data) {
  total_ += data.size();
  unread_.append(data);
  unread_cut_ += shorten(unread_, limit_, false);
  std::size_t head_room = limit_ / 2 > head_.size() ? limit_ / 2 - head_.size() : 0;
  auto first = data.substr(0, head_room);
  head_.append(first);
  tail_.append(data.substr(first.size()));
  shorten(tail_, limit_ - limit_ / 2, false);
}

std::string OutputBuffer::text() const {
  std::string end = tail_;
  shorten(end, limit_ - limit_ / 2, true);
  std::uint64_t cut = total_ - head_.size() - end.size();
  return valid_utf8(head_ + (cut > 0 ? cut_note(cut) : std::string()) + end);
}

std::string OutputBuffer::take_new() {
  std::uint64_t cut = unread_cut_ + shorten(unread_, limit_, true);
  std::string out = (cut > 0 ? cut_note(cut) : std::string()) + unread_;
  unread_.clear();
  unread_cut_ = 0;
  return valid_utf8(out);
}

std::string OutputBuffer::tail(std::size_t bytes) const {
  std::string all = tail_.size() >= bytes ? tail_ : head_ + tail_;
  if (all.size() > bytes) all.erase(0, all.size() - bytes);
  // Not in the middle of a character.
  std::size_t start = 0;
  while (start < all.size() && start < 4 && (static_cast<unsigned char>(all[start]) & 0xC0) == 0x80)
    ++start;
  return valid_utf8(std::string_view(all).substr(start));
}

std::string valid_utf8(std::string_view bytes) {
  std::string out;
  out.reserve(bytes.size());
  while (!bytes.empty()) {
    std::size_t length = sequence_length(bytes);
    if (length == 0) {
      out += "\xEF\xBF\xBD";
      bytes.remove_prefix(1);
    } else {
      out.append(bytes.substr(0, length));
      bytes.remove_prefix(length);
    }
  }
  return out;
}

}  // namespace openclaw::process
