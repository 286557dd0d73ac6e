#include "markdown.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <string>
#include <vector>

#include <md4c.h>

#include "utf16.h"

namespace telegram {
namespace {

constexpr std::size_t kMaxSource = 1U << 20U;
constexpr std::size_t kMaxCellWidth = 60;

bool starts_with_scheme(std::string_view url, std::string_view scheme) {
  if (url.size() <= scheme.size()) return false;
  return std::equal(scheme.begin(), scheme.end(), url.begin(), [](char a, char b) {
    return a == std::tolower(static_cast<unsigned char>(b));
  });
}

// The service drops a link whose host has no dot, such as localhost, and says nothing.
bool may_link(std::string_view url) {
  if (starts_with_scheme(url, "tg://")) return true;
  if (!starts_with_scheme(url, "https://") && !starts_with_scheme(url, "http://")) return false;
  const std::string_view rest = url.substr(url.find("//") + 2);
  return rest.substr(0, rest.find_first_of("/?#")).find('.') != std::string_view::npos;
}

std::string decoded_entity(std::string_view entity) {
  if (entity == "&amp;") return "&";
  if (entity == "&lt;") return "<";
  if (entity == "&gt;") return ">";
  if (entity == "&quot;") return "\"";
  if (entity == "&apos;") return "'";
  if (entity == "&nbsp;") return "\xC2\xA0";
  if (entity.size() > 3 && entity[1] == '#') {
    const bool hex = entity[2] == 'x' || entity[2] == 'X';
    const std::string_view digits = entity.substr(hex ? 3 : 2, entity.size() - (hex ? 4 : 3));
    std::uint32_t value = 0;
    const auto [end, error] =
        std::from_chars(digits.data(), digits.data() + digits.size(), value, hex ? 16 : 10);
    const bool whole = error == std::errc() && end == digits.data() + digits.size();
    if (whole && value > 0 && value <= 0x10FFFF && (value < 0xD800 || value > 0xDFFF)) {
      std::string out;
      parts::append_utf8(out, value);
      return out;
    }
  }
  return std::string(entity);
}

std::string attribute_text(const MD_ATTRIBUTE& attribute) {
  std::string out;
  for (std::size_t i = 0; attribute.text != nullptr && attribute.substr_offsets[i] < attribute.size;
       ++i) {
    const std::size_t begin = attribute.substr_offsets[i];
    const std::string_view piece(attribute.text + begin, attribute.substr_offsets[i + 1] - begin);
    if (attribute.substr_types[i] == MD_TEXT_ENTITY) {
      out += decoded_entity(piece);
    } else if (attribute.substr_types[i] != MD_TEXT_NULLCHAR) {
      out += piece;
    }
  }
  return out;
}

// Receives md4c's events and writes runs. Blocks are parted when the next one begins, so no break
// is left over at the end.
class Renderer {
 public:
  StyledText take() { return std::move(out_); }

  void enter_block(MD_BLOCKTYPE type, void* detail);
  void leave_block(MD_BLOCKTYPE type);
  void enter_span(MD_SPANTYPE type, void* detail);
  void leave_span(MD_SPANTYPE type);
  void text(MD_TEXTTYPE type, std::string_view piece);

 private:
  struct List {
    bool ordered = false;
    unsigned next = 1;
  };
  struct Link {
    std::string target;
    std::string shown;  // the text inside, to leave the target out when it says the same
    bool image = false;
    bool linked = false;  // some of it is shown as a link
  };

  void begin_block();
  void begin_item(const MD_BLOCK_LI_DETAIL& item);
  void begin_code(const MD_BLOCK_CODE_DETAIL& code);
  void put(std::string_view piece);
  void put_table();
  std::string indent() const;
  Style style() const;

  StyledText out_;
  std::vector<List> lists_;
  std::vector<Link> links_;
  int bold_ = 0, italic_ = 0, strike_ = 0, code_ = 0, quote_depth_ = 0;
  int quote_ = 0, quotes_seen_ = 0, fence_ = 0, fences_seen_ = 0, last_quote_ = 0;
  std::string fence_lang_;
  bool in_fence_ = false;
  bool after_item_mark_ = false;  // the item's first block stands behind its mark
  bool in_item_ = false;
  bool in_table_ = false;
  std::vector<std::vector<std::string>> rows_;
};

Style Renderer::style() const {
  Style style;
  style.quote = quote_;
  if (in_fence_) {
    style.pre = true;
    style.block = fence_;
    style.lang = fence_lang_;
    return style;
  }
  if (code_ > 0) {
    style.code = true;
    return style;
  }
  style.bold = bold_ > 0;
  style.italic = italic_ > 0;
  style.strike = strike_ > 0;
  if (!links_.empty() && may_link(links_.front().target)) style.link = links_.front().target;
  return style;
}

void Renderer::put(std::string_view piece) {
  const Style now = style();
  for (Link& link : links_) {
    link.shown += piece;
    if (!in_table_ && !now.link.empty()) link.linked = true;
  }
  if (!in_table_) {
    out_.append(piece, now);
  } else if (!rows_.empty() && !rows_.back().empty()) {
    rows_.back().back() += piece;
  }
}

std::string Renderer::indent() const {
  const std::size_t depth = std::min<std::size_t>(lists_.size(), 12);
  return std::string(depth == 0 ? 0 : (depth - 1) * 2, ' ');
}

void Renderer::begin_block() {
  if (after_item_mark_) {
    after_item_mark_ = false;
    last_quote_ = quote_;
    return;
  }
  if (!out_.empty()) {
    Style between;
    if (quote_ != 0 && last_quote_ == quote_) between.quote = quote_;
    out_.append(lists_.empty() ? "\n\n" : "\n", between);
    if (!lists_.empty() && in_item_) out_.append(indent() + "  ", between);
  }
  last_quote_ = quote_;
}

void Renderer::begin_item(const MD_BLOCK_LI_DETAIL& item) {
  in_item_ = false;
  after_item_mark_ = false;
  begin_block();
  List& list = lists_.back();
  std::string mark = indent();
  if (list.ordered) {
    mark += std::to_string(list.next++) + ". ";
  } else if (item.is_task != 0) {
    mark += item.task_mark == ' ' ? "☐ " : "☑ ";
  } else {
    mark += "• ";
  }
  Style plain;
  plain.quote = quote_;
  out_.append(mark, plain);
  after_item_mark_ = true;
  in_item_ = true;
}

void Renderer::begin_code(const MD_BLOCK_CODE_DETAIL& code) {
  // A fence cannot stand behind a list mark: it gets a line of its own.
  if (after_item_mark_) after_item_mark_ = false;
  const bool was_item = in_item_;
  in_item_ = false;
  begin_block();
  in_item_ = was_item;
  in_fence_ = true;
  fence_ = ++fences_seen_;
  fence_lang_.clear();
  for (const char c : attribute_text(code.lang)) {
    const bool ok = std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '+' || c == '#' ||
                    c == '.' || c == '_' || c == '-';
    if (!ok || fence_lang_.size() >= 32) break;
    fence_lang_ += c;
  }
}

void Renderer::enter_block(MD_BLOCKTYPE type, void* detail) {
  switch (type) {
    case MD_BLOCK_QUOTE:
      // Quotations cannot nest: inner ones join the outer.
      if (quote_depth_++ == 0) quote_ = ++quotes_seen_;
      break;
    case MD_BLOCK_UL:
      lists_.push_back({false, 1});
      break;
    case MD_BLOCK_OL:
      lists_.push_back({true, static_cast<MD_BLOCK_OL_DETAIL*>(detail)->start});
      break;
    case MD_BLOCK_LI:
      begin_item(*static_cast<MD_BLOCK_LI_DETAIL*>(detail));
      break;
    case MD_BLOCK_HR:
      begin_block();
      put("──────");
      break;
    case MD_BLOCK_H:
      begin_block();
      ++bold_;
      break;
    case MD_BLOCK_CODE:
      begin_code(*static_cast<MD_BLOCK_CODE_DETAIL*>(detail));
      break;
    case MD_BLOCK_P:
      begin_block();
      break;
    case MD_BLOCK_TABLE:
      begin_block();
      in_table_ = true;
      rows_.clear();
      break;
    case MD_BLOCK_TR:
      rows_.emplace_back();
      break;
    case MD_BLOCK_TH:
    case MD_BLOCK_TD:
      if (!rows_.empty()) rows_.back().emplace_back();
      break;
    default:
      break;
  }
}

void Renderer::leave_block(MD_BLOCKTYPE type) {
  switch (type) {
    case MD_BLOCK_QUOTE:
      if (--quote_depth_ == 0) quote_ = 0;
      break;
    case MD_BLOCK_UL:
    case MD_BLOCK_OL:
      lists_.pop_back();
      after_item_mark_ = false;
      // What follows inside the outer item is that item's next block; at the top it is a paragraph.
      in_item_ = !lists_.empty();
      break;
    case MD_BLOCK_LI:
      after_item_mark_ = false;
      break;
    case MD_BLOCK_H:
      --bold_;
      break;
    case MD_BLOCK_CODE: {
      in_fence_ = false;
      break;
    }
    case MD_BLOCK_TABLE:
      in_table_ = false;
      put_table();
      break;
    default:
      break;
  }
}

void Renderer::enter_span(MD_SPANTYPE type, void* detail) {
  switch (type) {
    case MD_SPAN_EM:
      ++italic_;
      break;
    case MD_SPAN_STRONG:
      ++bold_;
      break;
    case MD_SPAN_DEL:
      ++strike_;
      break;
    case MD_SPAN_CODE:
      ++code_;
      break;
    case MD_SPAN_A:
      links_.push_back({attribute_text(static_cast<MD_SPAN_A_DETAIL*>(detail)->href), {}, false});
      break;
    case MD_SPAN_IMG:
      links_.push_back({attribute_text(static_cast<MD_SPAN_IMG_DETAIL*>(detail)->src), {}, true});
      break;
    default:
      break;
  }
}

void Renderer::leave_span(MD_SPANTYPE type) {
  switch (type) {
    case MD_SPAN_EM:
      --italic_;
      break;
    case MD_SPAN_STRONG:
      --bold_;
      break;
    case MD_SPAN_DEL:
      --strike_;
      break;
    case MD_SPAN_CODE:
      --code_;
      break;
    case MD_SPAN_A:
    case MD_SPAN_IMG: {
      if (links_.empty()) break;
      if (links_.back().image && links_.back().shown.empty()) put("image");
      const Link link = links_.back();
      links_.pop_back();
      // In a table and in code there are no links.
      if (link.linked || link.target.empty()) break;
      const bool mail = starts_with_scheme(link.target, "mailto:");
      const std::string target = mail ? link.target.substr(7) : link.target;
      if (target != link.shown) put(" (" + target + ")");
      break;
    }
    default:
      break;
  }
}

void Renderer::text(MD_TEXTTYPE type, std::string_view piece) {
  switch (type) {
    case MD_TEXT_NULLCHAR:
      put("\xEF\xBF\xBD");
      break;
    case MD_TEXT_BR:
    case MD_TEXT_SOFTBR: {
      put(in_table_ ? " " : "\n");
      if (!in_table_ && in_item_ && !lists_.empty()) put(indent() + "  ");
      break;
    }
    case MD_TEXT_ENTITY:
      put(decoded_entity(piece));
      break;
    default:
      put(piece);
      break;
  }
}

void Renderer::put_table() {
  std::vector<std::size_t> widths;
  for (const auto& row : rows_) {
    if (row.size() > widths.size()) widths.resize(row.size(), 0);
    for (std::size_t i = 0; i < row.size(); ++i) {
      widths[i] = std::min(kMaxCellWidth, std::max(widths[i], parts::display_width(row[i])));
    }
  }
  std::string drawn;
  for (std::size_t r = 0; r < rows_.size(); ++r) {
    std::string line;
    for (std::size_t i = 0; i < rows_[r].size(); ++i) {
      if (i > 0) line += " | ";
      line += rows_[r][i];
      const std::size_t width = parts::display_width(rows_[r][i]);
      if (i + 1 < rows_[r].size() && width < widths[i]) line.append(widths[i] - width, ' ');
    }
    while (!line.empty() && line.back() == ' ') line.pop_back();
    drawn += (r > 0 ? "\n" : "") + line;
    if (r != 0) continue;
    drawn += '\n';
    for (std::size_t i = 0; i < widths.size(); ++i) {
      drawn += (i > 0 ? "-+-" : "") + std::string(widths[i], '-');
    }
  }
  Style style;
  style.pre = true;
  style.block = ++fences_seen_;
  style.quote = quote_;
  out_.append(drawn, style);
}

// Code text ends with a line end that a fence does not show.
StyledText without_fence_ends(const StyledText& in) {
  StyledText out;
  const std::string_view text = in.text();
  for (const Run& run : in.runs()) {
    std::string_view piece = text.substr(run.begin, run.end - run.begin);
    if (run.style.pre && piece.ends_with('\n')) piece.remove_suffix(1);
    out.append(piece, run.style);
  }
  return out;
}

}  // namespace

StyledText render_markdown(std::string_view markdown) {
  const std::string source = parts::valid_utf8(markdown.substr(0, kMaxSource));
  MD_PARSER parser{};
  parser.flags = MD_FLAG_TABLES | MD_FLAG_STRIKETHROUGH | MD_FLAG_TASKLISTS | MD_FLAG_NOHTML;
  parser.enter_block = [](MD_BLOCKTYPE type, void* detail, void* user) {
    static_cast<Renderer*>(user)->enter_block(type, detail);
    return 0;
  };
  parser.leave_block = [](MD_BLOCKTYPE type, void*, void* user) {
    static_cast<Renderer*>(user)->leave_block(type);
    return 0;
  };
  parser.enter_span = [](MD_SPANTYPE type, void* detail, void* user) {
    static_cast<Renderer*>(user)->enter_span(type, detail);
    return 0;
  };
  parser.leave_span = [](MD_SPANTYPE type, void*, void* user) {
    static_cast<Renderer*>(user)->leave_span(type);
    return 0;
  };
  parser.text = [](MD_TEXTTYPE type, const MD_CHAR* text, MD_SIZE size, void* user) {
    static_cast<Renderer*>(user)->text(type, {text, size});
    return 0;
  };
  Renderer renderer;
  if (md_parse(source.data(), static_cast<MD_SIZE>(source.size()), &parser, &renderer) != 0) {
    StyledText verbatim;
    verbatim.append(source, {});
    return verbatim;
  }
  return without_fence_ends(renderer.take());
}

}  // namespace telegram
