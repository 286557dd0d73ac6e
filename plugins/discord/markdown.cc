#include "markdown.h"

#include <algorithm>
#include <vector>

#include "fence.h"
#include "utf16.h"

namespace discord {
namespace {

using Lines = std::vector<std::string_view>;

Lines lines_of(std::string_view text) {
  Lines out;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    out.push_back(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  return out;
}

std::string_view without_blanks(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t' || text.back() == '\r'))
    text.remove_suffix(1);
  return text;
}

// |---|:--:|
bool is_table_rule(std::string_view line) {
  line = without_blanks(line);
  return line.find('-') != std::string_view::npos && line.find('|') != std::string_view::npos &&
         line.find_first_not_of("|-: \t") == std::string_view::npos;
}

std::vector<std::string> cells_of(std::string_view line) {
  line = without_blanks(line);
  if (line.starts_with('|')) line.remove_prefix(1);
  if (line.ends_with('|')) line.remove_suffix(1);
  std::vector<std::string> out(1);
  for (std::size_t i = 0; i < line.size(); ++i) {
    if (line[i] == '\\' && i + 1 < line.size() && line[i + 1] == '|') {
      out.back() += line[++i];
    } else if (line[i] == '|') {
      out.emplace_back();
    } else {
      out.back() += line[i];
    }
  }
  for (std::string& cell : out) cell = std::string(without_blanks(cell));
  return out;
}

// The table that begins at `at`, as columns in a fence; `at` moves behind it.
std::string table_at(const Lines& lines, std::size_t& at) {
  std::vector<std::vector<std::string>> rows;
  std::vector<std::size_t> widths;
  const std::size_t rule = at + 1;
  for (; at < lines.size() && lines[at].find('|') != std::string_view::npos; ++at) {
    if (at == rule) continue;
    rows.push_back(cells_of(lines[at]));
    if (rows.back().size() > widths.size()) widths.resize(rows.back().size(), 0);
    for (std::size_t i = 0; i < rows.back().size(); ++i)
      widths[i] = std::max(widths[i], parts::display_width(rows.back()[i]));
  }
  std::string out = "```\n";
  for (std::size_t r = 0; r < rows.size(); ++r) {
    std::string line;
    for (std::size_t i = 0; i < rows[r].size(); ++i) {
      line += rows[r][i];
      if (i + 1 < rows[r].size())
        line += std::string(widths[i] - parts::display_width(rows[r][i]) + 2, ' ');
    }
    out += line + "\n";
    if (r != 0) continue;
    for (std::size_t i = 0; i < widths.size(); ++i)
      out += std::string(widths[i], '-') + (i + 1 < widths.size() ? "  " : "\n");
  }
  return out + "```";
}

bool is_rule(std::string_view line) {
  line = without_blanks(line);
  if (line.size() < 3 || (line[0] != '-' && line[0] != '*' && line[0] != '_')) return false;
  std::size_t marks = 0;
  for (const char c : line) {
    if (c != line[0] && c != ' ') return false;
    marks += c == line[0] ? 1U : 0U;
  }
  return marks >= 3;
}

// "#### Title" -> "**Title**"; the service knows three depths.
std::string heading(std::string_view line) {
  const std::size_t depth = std::min(line.find_first_not_of('#'), line.size());
  if (depth < 4 || depth > 6 || depth >= line.size() || line[depth] != ' ')
    return std::string(line);
  std::string_view title = without_blanks(line.substr(depth));
  while (title.ends_with('#')) title.remove_suffix(1);
  title = without_blanks(title);
  return title.empty() ? std::string() : "**" + std::string(title) + "**";
}

bool is_word(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte >= 0x80 || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

// Bytes of the code span at `at`; 0 when none is there.
std::size_t code_span(std::string_view line, std::size_t at) {
  const std::size_t ticks = std::min(line.find_first_not_of('`', at), line.size()) - at;
  const std::string mark(ticks, '`');
  for (std::size_t end = line.find(mark, at + ticks); end != std::string_view::npos;
       end = line.find(mark, end)) {
    const std::size_t after = std::min(line.find_first_not_of('`', end), line.size());
    if (after - end == ticks) return after - at;
    end = after;
  }
  return 0;
}

// An underscore pair that CommonMark reads as strong: at the border of a word.
bool is_strong_mark(std::string_view line, std::size_t at) {
  if (line.substr(at, 2) != "__") return false;
  if (at + 2 < line.size() && line[at + 2] == '_') return false;
  if (at > 0 && line[at - 1] == '_') return false;
  const bool word_before = at > 0 && is_word(line[at - 1]);
  const bool word_after = at + 2 < line.size() && is_word(line[at + 2]);
  return !(word_before && word_after);
}

std::string inline_of(std::string_view line) {
  std::string out;
  for (std::size_t i = 0; i < line.size();) {
    if (line[i] == '\\' && i + 1 < line.size()) {
      out += line.substr(i, 2);
      i += 2;
    } else if (const std::size_t code = line[i] == '`' ? code_span(line, i) : 0; code > 0) {
      out += line.substr(i, code);
      i += code;
    } else if (is_strong_mark(line, i)) {
      out += "**";
      i += 2;
    } else if (line.substr(i, 2) == "![") {
      ++i;  // pictures are not shown by address: a link is
    } else {
      out += line[i++];
    }
  }
  return out;
}

}  // namespace

std::string render_markdown(std::string_view markdown) {
  const std::string clean = parts::valid_utf8(markdown);
  const Lines lines = lines_of(clean);
  std::string out;
  FenceState fence;
  for (std::size_t i = 0; i < lines.size();) {
    const bool in_code = fence.open();
    const std::string_view line = lines[i];
    fence.read(line);
    if (!out.empty()) out += '\n';
    if (in_code || fence.open()) {
      out += line;
      ++i;
    } else if (line.find('|') != std::string_view::npos && i + 1 < lines.size() &&
               is_table_rule(lines[i + 1])) {
      out += table_at(lines, i);
    } else {
      if (!is_rule(line)) out += inline_of(heading(line));
      ++i;
    }
  }
  return out;
}

std::string escape_markdown(std::string_view text) {
  const std::string clean = parts::valid_utf8(text);
  std::string out;
  bool line_start = true;
  for (const char c : clean) {
    const bool always = std::string_view("\\*_~|`<[").find(c) != std::string_view::npos;
    const bool at_start = line_start && (c == '#' || c == '-' || c == '>' || c == '+');
    if (always || at_start) out += '\\';
    out += c;
    line_start = c == '\n' || (line_start && c == ' ');
  }
  return out;
}

}  // namespace discord
