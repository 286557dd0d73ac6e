#include "workspace/patch.h"

#include <algorithm>
#include <optional>
#include <utility>

namespace openclaw::workspace {
namespace {

constexpr std::size_t kMaxFiles = 500;

// Without "\n"; a "\r" before it stays when asked for.
std::vector<std::string> split_lines(std::string_view text, bool keep_cr) {
  std::vector<std::string> lines;
  while (!text.empty()) {
    std::size_t end = text.find('\n');
    std::string_view line = text.substr(0, end);
    text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
    if (!keep_cr && !line.empty() && line.back() == '\r') line.remove_suffix(1);
    lines.emplace_back(line);
  }
  return lines;
}

std::string_view without_trailing_blank(std::string_view text) {
  std::size_t last = text.find_last_not_of(" \t\r");
  return last == std::string_view::npos ? std::string_view() : text.substr(0, last + 1);
}
std::string_view without_blank(std::string_view text) {
  text = without_trailing_blank(text);
  std::size_t first = text.find_first_not_of(" \t");
  return first == std::string_view::npos ? std::string_view() : text.substr(first);
}

Error bad(int line, const std::string& what) {
  return Error(Code::kInvalidArgument, "line " + std::to_string(line) + " of the patch: " + what);
}

class Parser {
 public:
  explicit Parser(std::string_view text) : lines_(split_lines(text, false)) {}

  Result<std::vector<PatchFile>> parse() {
    while (!done() && without_blank(lines_[at_]).empty()) ++at_;
    if (done() || without_blank(lines_[at_]) != "*** Begin Patch") {
      return bad(number(), "expected \"*** Begin Patch\"");
    }
    ++at_;
    std::vector<PatchFile> files;
    for (;;) {
      if (done()) return bad(number(), "the patch ends without \"*** End Patch\"");
      std::string_view line = without_blank(lines_[at_]);
      if (line == "*** End Patch") break;
      if (line.empty()) {
        ++at_;
        continue;
      }
      if (files.size() == kMaxFiles) return bad(number(), "more than 500 files in one patch");
      auto file = parse_file(line);
      if (!file) return file.error();
      files.push_back(std::move(*file));
    }
    for (++at_; !done(); ++at_) {
      if (!without_blank(lines_[at_]).empty()) return bad(number(), "text after \"*** End Patch\"");
    }
    if (files.empty()) return bad(number(), "the patch names no file");
    return files;
  }

 private:
  bool done() const { return at_ >= lines_.size(); }
  int number() const { return static_cast<int>(std::min(at_, lines_.size())) + 1; }
  static std::optional<std::string> after(std::string_view line, std::string_view marker) {
    if (line.substr(0, marker.size()) != marker) return std::nullopt;
    return std::string(without_blank(line.substr(marker.size())));
  }

  Result<PatchFile> parse_file(std::string_view line) {
    PatchFile file;
    file.line = number();
    if (auto path = after(line, "*** Add File:")) {
      file.kind = PatchFile::Kind::kAdd;
      file.path = *path;
    } else if (auto removed = after(line, "*** Delete File:")) {
      file.kind = PatchFile::Kind::kDelete;
      file.path = *removed;
    } else if (auto updated = after(line, "*** Update File:")) {
      file.path = *updated;
    } else {
      return bad(file.line,
                 "expected \"*** Add File:\", \"*** Update File:\" or \"*** Delete File:\"");
    }
    ++at_;
    if (file.path.empty()) return bad(file.line, "the path is missing");
    Result<void> rest;
    if (file.kind == PatchFile::Kind::kAdd) rest = parse_content(file);
    if (file.kind == PatchFile::Kind::kUpdate) rest = parse_hunks(file);
    if (!rest) return rest.error();
    return file;
  }

  Result<void> parse_content(PatchFile& file) {
    for (; !done() && lines_[at_].substr(0, 3) != "***"; ++at_) {
      if (without_blank(lines_[at_]).empty() && next_is_marker()) continue;
      if (lines_[at_].empty() || lines_[at_][0] != '+')
        return bad(number(), "lines of a new file begin with \"+\"");
      file.content += lines_[at_].substr(1) + "\n";
    }
    return {};
  }

  Result<void> parse_hunks(PatchFile& file) {
    if (!done()) {
      if (auto target = after(without_blank(lines_[at_]), "*** Move to:")) {
        if (target->empty()) return bad(number(), "the new path is missing");
        file.move_to = *target;
        ++at_;
      }
    }
    while (!done()) {
      std::string_view line = without_blank(lines_[at_]);
      bool marker = line.substr(0, 4) == "*** ";
      if (marker && line != "*** End of File") break;
      if (line.empty() && next_is_marker()) {
        ++at_;
        continue;
      }
      auto hunk = parse_hunk();
      if (!hunk) return hunk.error();
      file.hunks.push_back(std::move(*hunk));
    }
    if (file.hunks.empty() && file.move_to.empty())
      return bad(file.line, "the update of " + file.path + " is empty");
    return {};
  }

  // Blank lines before the next file are layout, not an empty line of context.
  bool next_is_marker() const {
    for (std::size_t i = at_; i < lines_.size(); ++i) {
      std::string_view line = without_blank(lines_[i]);
      if (!line.empty()) return line.substr(0, 4) == "*** " && line != "*** End of File";
    }
    return true;
  }

  Result<PatchHunk> parse_hunk() {
    PatchHunk hunk;
    hunk.line = number();
    for (; !done() && lines_[at_].substr(0, 2) == "@@"; ++at_) {
      std::string context(lines_[at_].substr(2));
      if (!context.empty() && context[0] == ' ') context.erase(0, 1);
      if (!without_blank(context).empty()) hunk.context.push_back(std::move(context));
    }
    std::size_t first = at_;
    for (; !done(); ++at_) {
      const std::string& line = lines_[at_];
      if (without_blank(line) == "*** End of File") {
        hunk.at_end = true;
        ++at_;
        break;
      }
      if (line.substr(0, 2) == "@@" || line.substr(0, 4) == "*** ") break;
      if (line.empty() && next_is_marker()) break;
      char kind = line.empty() ? ' ' : line[0];
      std::string text = line.empty() ? line : line.substr(1);
      if (kind != ' ' && kind != '+' && kind != '-') {
        return bad(number(), "lines of a hunk begin with \" \", \"+\" or \"-\"");
      }
      if (kind != '+') hunk.old_lines.push_back(text);
      if (kind != '-') hunk.new_lines.push_back(std::move(text));
    }
    if (at_ == first) return bad(hunk.line, "the hunk has no lines");
    return hunk;
  }

  std::vector<std::string> lines_;
  std::size_t at_ = 0;
};

bool equal_at(const std::vector<std::string>& lines, std::size_t at,
              const std::vector<std::string>& wanted, std::string_view (*view)(std::string_view)) {
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    if (view(lines[at + i]) != view(wanted[i])) return false;
  }
  return true;
}

std::string_view as_is(std::string_view text) {
  if (!text.empty() && text.back() == '\r') text.remove_suffix(1);
  return text;
}

// First place at or after `from` where `wanted` stands; exact first, then blanks at line ends and
// then around lines left out of the comparison.
std::optional<std::size_t> seek(const std::vector<std::string>& lines,
                                const std::vector<std::string>& wanted, std::size_t from,
                                bool at_end) {
  if (wanted.size() > lines.size()) return std::nullopt;
  std::size_t last = lines.size() - wanted.size();
  for (auto view : {as_is, without_trailing_blank, without_blank}) {
    if (at_end && last >= from && equal_at(lines, last, wanted, view)) return last;
    for (std::size_t i = from; i <= last; ++i) {
      if (equal_at(lines, i, wanted, view)) return i;
    }
  }
  return std::nullopt;
}

std::string shown(const std::vector<std::string>& lines) {
  std::string out;
  for (std::size_t i = 0; i < lines.size() && i < 5; ++i) out += "\n  " + lines[i].substr(0, 120);
  if (lines.size() > 5) out += "\n  ... (" + std::to_string(lines.size()) + " lines)";
  return out;
}

}  // namespace

Result<std::vector<PatchFile>> parse_patch(std::string_view text) {
  return Parser(text).parse();
}

Result<std::string> apply_hunks(std::string_view text, const std::vector<PatchHunk>& hunks) {
  const bool crlf = text.find("\r\n") != std::string_view::npos;
  const bool ends_open = !text.empty() && text.back() != '\n';
  std::vector<std::string> lines = split_lines(text, true), out;
  if (crlf && ends_open) lines.back() += '\r';
  std::size_t from = 0;  // lines before it are in `out`
  auto keep_until = [&](std::size_t end) {
    for (; from < end; ++from) out.push_back(lines[from]);
  };
  for (const PatchHunk& hunk : hunks) {
    auto fail = [&](const std::string& what) {
      return Error(Code::kFailedPrecondition, "the hunk at line " + std::to_string(hunk.line) +
                                                  " of the patch does not fit: " + what);
    };
    for (const std::string& context : hunk.context) {
      auto found = seek(lines, {context}, from, false);
      if (!found) return fail("no line \"" + context.substr(0, 120) + "\"");
      keep_until(*found + 1);
    }
    std::size_t place = hunk.context.empty() ? lines.size() : from;
    if (hunk.at_end) place = lines.size();
    std::size_t used = 0;
    if (!hunk.old_lines.empty()) {
      std::vector<std::string> wanted = hunk.old_lines;
      auto found = seek(lines, wanted, from, hunk.at_end);
      // An empty last line of context often stands for the end of the file.
      if (!found && wanted.size() > 1 && wanted.back().empty()) {
        wanted.pop_back();
        found = seek(lines, wanted, from, hunk.at_end);
      }
      if (!found) return fail("the file has no such lines" + shown(hunk.old_lines));
      place = *found;
      used = wanted.size();
    }
    keep_until(place);
    std::size_t dropped = hunk.old_lines.size() - used;
    std::size_t count = hunk.new_lines.size();
    if (dropped > 0 && count > 0 && hunk.new_lines.back().empty()) --count;
    for (std::size_t i = 0; i < count; ++i) out.push_back(hunk.new_lines[i] + (crlf ? "\r" : ""));
    from = place + used;
  }
  keep_until(lines.size());
  std::string result;
  for (const std::string& line : out) result += line + "\n";
  if (ends_open && !result.empty()) result.pop_back();
  if (ends_open && crlf && !result.empty() && result.back() == '\r') result.pop_back();
  return result;
}

}  // namespace openclaw::workspace
