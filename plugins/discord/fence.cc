#include "fence.h"

#include <algorithm>

namespace discord {
namespace {

constexpr std::size_t kMostIndent = 16;  // a fence in a list is indented
constexpr std::size_t kMostMark = 32;
constexpr std::size_t kMostInfo = 64;

}  // namespace

void FenceState::read(std::string_view line) {
  const std::size_t indent = std::min(line.find_first_not_of(' '), line.size());
  if (indent > kMostIndent || indent == line.size()) return;
  const char tick = line[indent];
  if (tick != '`' && tick != '~') return;
  const std::size_t end = std::min(line.find_first_not_of(tick, indent), line.size());
  const std::size_t length = end - indent;
  if (length < 3 || length > kMostMark) return;
  const std::string_view info = line.substr(end);
  if (open()) {
    const bool closes = tick == mark_[0] && length >= mark_.size() &&
                        info.find_first_not_of(" \t\r") == std::string_view::npos;
    if (closes) *this = FenceState();
    return;
  }
  // Back ticks behind back ticks: code within a line.
  if (tick == '`' && info.find('`') != std::string_view::npos) return;
  indent_ = std::string(indent, ' ');
  mark_ = std::string(length, tick);
  opening_ = indent_ + mark_;
  if (info.size() <= kMostInfo) opening_ += info;
}

}  // namespace discord
