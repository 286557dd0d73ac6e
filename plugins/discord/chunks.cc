#include "chunks.h"

#include <algorithm>

#include "fence.h"
#include "utf16.h"

namespace discord {
namespace {

constexpr std::string_view kQuoteRest = ">>> ";
constexpr std::size_t kMostToken = 400;  // bytes of a mention or link that is kept whole

// What is open where a piece ends.
struct Open {
  FenceState fence;
  bool quoted = false;

  void read(std::string_view text) {
    while (!text.empty()) {
      const std::size_t end = text.find('\n');
      const std::string_view line = text.substr(0, end);
      fence.read(line);
      if (!fence.open() && line.starts_with(kQuoteRest)) quoted = true;
      text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    }
  }
  std::string prefix() const {
    std::string out = quoted ? std::string(kQuoteRest) : std::string();
    if (fence.open()) out += fence.opening() + "\n";
    return out;
  }
  std::string suffix() const { return fence.open() ? "\n" + fence.closing() : std::string(); }
};

// The last place in `text` up to `most` at which `mark` ends, when it is far enough along.
std::size_t last_end(std::string_view text, std::string_view mark, std::size_t least,
                     std::size_t most) {
  if (most < mark.size()) return 0;
  const std::size_t at = text.substr(0, most).rfind(mark);
  return at == std::string_view::npos || at + mark.size() <= least ? 0 : at + mark.size();
}

// Where the mention or link begins that a cut at `cut` would tear; `cut` when there is none.
std::size_t before_token(std::string_view text, std::size_t cut) {
  const std::size_t from = cut > kMostToken ? cut - kMostToken : 0;
  const std::string_view back = text.substr(from, cut - from);
  if (const std::size_t open = back.rfind('<'); open != std::string_view::npos) {
    const std::size_t at = from + open;
    const std::size_t close = text.find_first_of(">\n", at);
    const bool mark = at + 1 < text.size() &&
                      std::string_view("@#:thta").find(text[at + 1]) != std::string_view::npos;
    if (mark && close != std::string_view::npos && text[close] == '>' && close >= cut &&
        close - at <= kMostToken)
      return at;
  }
  if (const std::size_t open = back.rfind('['); open != std::string_view::npos) {
    const std::size_t at = from + open;
    const std::size_t middle = text.find("](", at);
    const std::size_t close =
        middle == std::string_view::npos ? middle : text.find_first_of(")\n", middle);
    if (close != std::string_view::npos && text[close] == ')' && close >= cut &&
        close - at <= kMostToken &&
        text.substr(at, close - at).find('\n') == std::string_view::npos)
      return at;
  }
  return cut;
}

// Where a piece that may hold `room` bytes of `text` should end; never 0.
std::size_t best_cut(std::string_view text, std::size_t room, bool in_code) {
  const std::size_t half = room / 2;
  if (!in_code) {
    if (const std::size_t paragraph = last_end(text, "\n\n", half, room)) return paragraph;
  }
  if (const std::size_t line = last_end(text, "\n", half, room)) return line;
  std::size_t cut = 0;
  for (const std::string_view mark : {". ", "! ", "? "})
    cut = std::max(cut, in_code ? 0 : last_end(text, mark, half, room));
  if (cut == 0) cut = last_end(text, " ", half / 2, room);
  if (cut == 0) cut = room;
  const std::size_t whole = in_code ? cut : before_token(text, cut);
  if (whole > 0) cut = whole;
  while (cut > 1 && cut < text.size() && parts::inside_grapheme(text, cut)) {
    do --cut;
    while (cut > 1 && (static_cast<unsigned char>(text[cut]) & 0xC0U) == 0x80U);
  }
  return cut > 1 ? cut : room;
}

// A piece that would end with nothing but the line that opens a fence ends before it.
std::size_t without_bare_opening(std::string_view text, std::size_t cut, const Open& at_start) {
  const std::size_t last_line = text.substr(0, cut - (text[cut - 1] == '\n' ? 1U : 0U)).rfind('\n');
  if (last_line == std::string_view::npos || last_line == 0) return cut;
  Open before = at_start;
  before.read(text.substr(0, last_line + 1));
  Open after = before;
  after.read(text.substr(last_line + 1, cut - last_line - 1));
  return !before.fence.open() && after.fence.open() ? last_line + 1 : cut;
}

std::string_view trim_end(std::string_view text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ' || text.back() == '\r'))
    text.remove_suffix(1);
  return text;
}

bool is_blank(std::string_view text) {
  return text.find_first_not_of(" \t\r\n") == std::string_view::npos;
}

struct Piece {
  std::string text;
  std::size_t taken = 0;  // bytes of the rest
  Open after;
};

// The next piece. What closes it is reserved for, and how much that is depends on where it ends.
Piece next_piece(std::string_view rest, const Open& open, std::size_t limit) {
  const std::string prefix = open.prefix();
  const std::size_t room = limit - std::min(parts::utf16_length(prefix), limit / 2);
  Piece out;
  for (std::size_t reserve = 0;; reserve = parts::utf16_length(out.after.suffix())) {
    const std::size_t most = parts::byte_offset(rest, room - std::min(reserve, room / 2));
    out.taken = most >= rest.size() ? rest.size() : best_cut(rest, most, open.fence.open());
    if (out.taken < rest.size()) out.taken = without_bare_opening(rest, out.taken, open);
    out.after = open;
    out.after.read(rest.substr(0, out.taken));
    const std::string_view body = trim_end(rest.substr(0, out.taken));
    const std::string suffix = out.after.suffix();
    const std::size_t all = parts::utf16_length(body) + parts::utf16_length(suffix);
    if (all <= room || reserve >= parts::utf16_length(suffix)) {
      out.text = is_blank(body) ? std::string() : prefix + std::string(body) + suffix;
      return out;
    }
  }
}

// A line that only closes the fence which the piece before has closed already.
bool skip_closing(std::string_view& rest, Open& open) {
  if (!open.fence.open()) return false;
  const std::string_view line = rest.substr(0, rest.find('\n'));
  FenceState after = open.fence;
  after.read(line);
  if (after.open()) return false;
  open.fence = after;
  rest.remove_prefix(std::min(line.size() + 1, rest.size()));
  return true;
}

}  // namespace

std::vector<std::string> split(std::string_view text, std::size_t limit) {
  std::vector<std::string> out;
  Open open;
  while (!text.empty()) {
    if (skip_closing(text, open)) continue;
    if (!open.fence.open()) {
      const std::size_t blank = text.find_first_not_of("\n\r");
      if (blank == std::string_view::npos) break;
      text.remove_prefix(blank);
    }
    Piece piece = next_piece(text, open, limit);
    if (!piece.text.empty()) out.push_back(std::move(piece.text));
    text.remove_prefix(std::max<std::size_t>(piece.taken, 1));
    open = std::move(piece.after);
  }
  return out;
}

}  // namespace discord
