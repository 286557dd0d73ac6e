#include "process/output_buffer.h"

#include <algorithm>

#include "utf8.h"

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

}  // namespace openclaw::process
