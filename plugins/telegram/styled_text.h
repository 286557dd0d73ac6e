// StyledText: what a message looks like, apart from any markup: text, and runs that say how it is
// shown. Markup is written from it last, for each chunk anew, so tags can be neither torn nor
// crossed.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace telegram {

struct Style {
  bool bold = false, italic = false, strike = false, code = false;
  bool pre = false;
  int block = 0;     // fences with different numbers are different fences
  int quote = 0;     // 0: not quoted; else the number of the quotation
  std::string lang;  // of a fence; only [A-Za-z0-9+#._-]
  std::string link;  // target; empty = none
  bool operator==(const Style&) const = default;
};

struct Run {
  std::size_t begin = 0, end = 0;  // bytes of StyledText::text
  Style style;
};

class StyledText {
 public:
  void append(std::string_view text, const Style& style);
  // Bytes [begin, end); offsets are at character borders.
  StyledText slice(std::size_t begin, std::size_t end) const;
  const Style& style_at(std::size_t offset) const;

  const std::string& text() const { return text_; }
  const std::vector<Run>& runs() const { return runs_; }
  bool empty() const { return text_.empty(); }
  bool blank() const;

  // Telegram HTML; valid for itself.
  std::string html() const;
  // What stands in when the service refuses the markup: no tags, link targets written out.
  std::string plain() const;

 private:
  std::string text_;
  std::vector<Run> runs_;
};

// Cuts into pieces of at most `limit` UTF-16 units: at a paragraph, else a line, else a sentence,
// else a space, else between characters. A fence that is cut is one fence in each piece. Blank
// pieces are left out.
std::vector<StyledText> split(const StyledText& whole, std::size_t limit);
// The same for text without styles.
std::vector<std::string> split_plain(std::string_view text, std::size_t limit);

}  // namespace telegram
