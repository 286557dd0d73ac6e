#include "styled_text.h"

#include <algorithm>
#include <array>

#include "utf16.h"

namespace telegram {
namespace {

std::string escaped(std::string_view text, bool attribute) {
  std::string out;
  out.reserve(text.size() + text.size() / 8);
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        if (attribute) {
          out += "&quot;";
        } else {
          out += c;
        }
        break;
      default:
        out += c;
    }
  }
  return out;
}

struct Tag {
  std::string open, close;
  int id = 0;  // tells neighbours of one kind apart
  bool operator==(const Tag& o) const { return open == o.open && id == o.id; }
};

// Outermost first; the order is fixed, so tags always nest.
std::vector<Tag> tags_of(const Style& style) {
  std::vector<Tag> tags;
  if (style.quote != 0) tags.push_back({"<blockquote>", "</blockquote>", style.quote});
  if (style.pre) {
    // Nothing else may stand in or around a fence.
    if (style.lang.empty()) {
      tags.push_back({"<pre>", "</pre>", style.block});
    } else {
      tags.push_back(
          {"<pre><code class=\"language-" + style.lang + "\">", "</code></pre>", style.block});
    }
    return tags;
  }
  if (style.code) {
    tags.push_back({"<code>", "</code>"});
    return tags;
  }
  if (!style.link.empty())
    tags.push_back({"<a href=\"" + escaped(style.link, true) + "\">", "</a>"});
  if (style.bold) tags.push_back({"<b>", "</b>"});
  if (style.italic) tags.push_back({"<i>", "</i>"});
  if (style.strike) tags.push_back({"<s>", "</s>"});
  return tags;
}

bool is_space(char c) {
  return c == ' ' || c == '\n' || c == '\t' || c == '\r';
}

// Where to end a piece of `whole` that begins at `from` and may reach `to` (exclusive). The ways
// are tried from the best to the worst; a cut in the first quarter is taken only to keep a fence
// whole.
class CutFinder {
 public:
  CutFinder(const StyledText& whole, std::size_t from, std::size_t to)
      : whole_(whole), text_(whole.text()), from_(from), to_(to), least_(from + (to - from) / 4) {}

  std::size_t find() const {
    if (const std::size_t at = before_fence(); at != 0) return at;
    for (const auto way :
         {&CutFinder::paragraph, &CutFinder::line, &CutFinder::sentence, &CutFinder::space}) {
      for (std::size_t at = to_; at > least_; --at) {
        if ((this->*way)(at)) return at;
      }
    }
    std::size_t at = to_;
    while (at > least_ && parts::inside_grapheme(text_, at)) at -= 1 + trailing(at - 1);
    return at > least_ ? at : to_;
  }

 private:
  std::size_t trailing(std::size_t at) const {
    std::size_t n = 0;
    while (at > n && (static_cast<unsigned char>(text_[at - n]) & 0xC0U) == 0x80U) ++n;
    return n;
  }
  bool in_fence(std::size_t at) const {
    return at < text_.size() && whole_.style_at(at).pre && at > 0 && whole_.style_at(at - 1).pre &&
           whole_.style_at(at - 1).block == whole_.style_at(at).block;
  }
  // A fence that runs over the end but would fit into a piece of its own moves there whole.
  std::size_t before_fence() const {
    if (!in_fence(to_)) return 0;
    const int block = whole_.style_at(to_).block;
    for (const Run& run : whole_.runs()) {
      if (!run.style.pre || run.style.block != block) continue;
      const bool fits = run.end - run.begin <= to_ - from_;
      return fits && run.begin > from_ ? run.begin : 0;
    }
    return 0;
  }
  // `at` is the first byte of the next piece.
  bool paragraph(std::size_t at) const {
    return at >= from_ + 2 && text_[at - 1] == '\n' && text_[at - 2] == '\n' && !in_fence(at);
  }
  bool line(std::size_t at) const { return text_[at - 1] == '\n'; }
  bool sentence(std::size_t at) const {
    if (at < from_ + 2 || text_[at - 1] != ' ' || in_fence(at)) return false;
    const char c = text_[at - 2];
    return c == '.' || c == '!' || c == '?' || c == ';' || c == ':';
  }
  bool space(std::size_t at) const { return is_space(text_[at - 1]); }

  const StyledText& whole_;
  const std::string& text_;
  std::size_t from_, to_, least_;
};

// White space around a cut is dropped; inside a fence only the line end, since there it has
// meaning.
std::pair<std::size_t, std::size_t> trimmed(const StyledText& whole, std::size_t begin,
                                            std::size_t end) {
  const std::string& text = whole.text();
  while (end > begin && is_space(text[end - 1])) {
    const bool fence = whole.style_at(end - 1).pre;
    if (fence && text[end - 1] != '\n') break;
    --end;
    if (fence) break;
  }
  while (begin < end && is_space(text[begin]) && !whole.style_at(begin).pre) ++begin;
  return {begin, end};
}

}  // namespace

void StyledText::append(std::string_view text, const Style& style) {
  if (text.empty()) return;
  const std::size_t begin = text_.size();
  text_ += text;
  if (!runs_.empty() && runs_.back().style == style) {
    runs_.back().end = text_.size();
  } else {
    runs_.push_back({begin, text_.size(), style});
  }
}

const Style& StyledText::style_at(std::size_t offset) const {
  const auto it = std::upper_bound(runs_.begin(), runs_.end(), offset,
                                   [](std::size_t at, const Run& run) { return at < run.end; });
  static const Style none;
  return it == runs_.end() ? none : it->style;
}

StyledText StyledText::slice(std::size_t begin, std::size_t end) const {
  StyledText out;
  for (const Run& run : runs_) {
    const std::size_t from = std::max(begin, run.begin);
    const std::size_t to = std::min(end, run.end);
    if (from < to) out.append(std::string_view(text_).substr(from, to - from), run.style);
  }
  return out;
}

bool StyledText::blank() const {
  return std::all_of(text_.begin(), text_.end(), is_space);
}

std::string StyledText::html() const {
  std::string out;
  std::vector<Tag> open;
  const auto close_to = [&](std::size_t keep) {
    while (open.size() > keep) {
      out += open.back().close;
      open.pop_back();
    }
  };
  for (const Run& run : runs_) {
    const std::vector<Tag> want = tags_of(run.style);
    std::size_t same = 0;
    while (same < open.size() && same < want.size() && open[same] == want[same]) ++same;
    close_to(same);
    for (std::size_t i = same; i < want.size(); ++i) {
      out += want[i].open;
      open.push_back(want[i]);
    }
    out += escaped(std::string_view(text_).substr(run.begin, run.end - run.begin), false);
  }
  close_to(0);
  return out;
}

std::string StyledText::plain() const {
  std::string out;
  for (std::size_t i = 0; i < runs_.size(); ++i) {
    const Run& run = runs_[i];
    const auto piece = std::string_view(text_).substr(run.begin, run.end - run.begin);
    out += piece;
    const bool last_of_link = i + 1 == runs_.size() || runs_[i + 1].style.link != run.style.link;
    if (!run.style.link.empty() && last_of_link && run.style.link != piece) {
      out += " (" + run.style.link + ")";
    }
  }
  return out;
}

std::vector<StyledText> split(const StyledText& whole, std::size_t limit) {
  std::vector<StyledText> pieces;
  const std::string& text = whole.text();
  limit = std::max<std::size_t>(limit, 16);
  std::size_t from = 0;
  while (from < text.size()) {
    std::size_t to = from + parts::byte_offset(std::string_view(text).substr(from), limit);
    if (to < text.size()) to = CutFinder(whole, from, to).find();
    const auto [begin, end] = trimmed(whole, from, to);
    StyledText piece = whole.slice(begin, end);
    if (!piece.blank()) pieces.push_back(std::move(piece));
    from = to;
  }
  return pieces;
}

std::vector<std::string> split_plain(std::string_view text, std::size_t limit) {
  StyledText whole;
  whole.append(text, {});
  std::vector<std::string> out;
  for (const StyledText& piece : split(whole, limit)) out.push_back(piece.text());
  return out;
}

}  // namespace telegram
