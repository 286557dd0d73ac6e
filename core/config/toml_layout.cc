#include "config/toml_layout.h"

#include <map>

namespace openclaw::config {

namespace {

class Scanner {
 public:
  Scanner(std::string_view text, std::size_t at) : text_(text), at_(at) {}

  std::size_t at() const { return at_; }
  bool done() const { return at_ >= text_.size(); }
  char peek() const { return done() ? '\0' : text_[at_]; }
  bool take(char c) {
    if (peek() != c || done()) return false;
    ++at_;
    return true;
  }
  bool starts(std::string_view what) const { return text_.substr(at_, what.size()) == what; }

  void skip_blanks() {
    while (!done() && (peek() == ' ' || peek() == '\t')) ++at_;
  }
  // Blanks, newlines and comments, as arrays allow between their entries.
  void skip_space() {
    while (!done()) {
      char c = peek();
      if (c == '#') {
        skip_line();
      } else if (c == ' ' || c == '\t' || c == '\r' || c == '\n') {
        ++at_;
      } else {
        return;
      }
    }
  }
  void skip_line() {
    while (!done() && peek() != '\n') ++at_;
  }

  bool string() {
    char quote = peek();
    std::string three(3, quote);
    bool multi = starts(three);
    at_ += multi ? 3 : 1;
    while (!done()) {
      if (peek() == '\\' && quote == '"') {
        at_ += 2;
      } else if (multi && starts(three)) {
        at_ += 3;
        while (peek() == quote && !done()) ++at_;  // up to two quotes may end the text itself
        return true;
      } else if (!multi && peek() == quote) {
        ++at_;
        return true;
      } else {
        ++at_;
      }
    }
    return false;
  }

  bool key(KeyPath& path) {
    while (true) {
      skip_blanks();
      if (peek() == '"' || peek() == '\'') {
        std::size_t begin = at_;
        if (!string()) return false;
        auto text = unquote(text_.substr(begin, at_ - begin));
        if (!text) return false;
        path.push_back(Step::of_key(*text));
      } else {
        std::size_t begin = at_;
        while (!done() && is_bare(peek())) ++at_;
        if (at_ == begin) return false;
        path.push_back(Step::of_key(text_.substr(begin, at_ - begin)));
      }
      skip_blanks();
      if (!take('.')) return true;
    }
  }

  bool value(int depth = 0) {
    if (depth > 300) return false;
    char c = peek();
    if (c == '"' || c == '\'') return string();
    if (c == '[' || c == '{') {
      char close = c == '[' ? ']' : '}';
      ++at_;
      while (true) {
        skip_space();
        if (take(close)) return true;
        if (take(',')) continue;
        if (close == '}') {
          KeyPath ignored;
          if (!key(ignored) || !take('=')) return false;
          skip_blanks();
        }
        if (!value(depth + 1)) return false;
      }
    }
    std::size_t begin = at_;
    std::size_t last = at_;
    while (!done() && std::string_view(",]}#\r\n").find(peek()) == std::string_view::npos) {
      if (peek() != ' ' && peek() != '\t') last = at_ + 1;
      ++at_;
    }
    at_ = last;
    return at_ > begin;
  }

 private:
  static bool is_bare(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-';
  }

  // Escapes that keys hardly ever have are left to the check that follows every edit.
  static std::optional<std::string> unquote(std::string_view quoted) {
    if (quoted.size() < 2) return std::nullopt;
    bool escapes = quoted[0] == '"';
    std::string_view inner = quoted.substr(1, quoted.size() - 2);
    std::string out;
    for (std::size_t i = 0; i < inner.size(); ++i) {
      if (escapes && inner[i] == '\\' && i + 1 < inner.size()) {
        char next = inner[++i];
        if (next == 'n')
          next = '\n';
        else if (next == 't')
          next = '\t';
        else if (next != '"' && next != '\\')
          return std::nullopt;
        out += next;
      } else {
        out += inner[i];
      }
    }
    return out;
  }

  std::string_view text_;
  std::size_t at_;
};

class LayoutReader {
 public:
  explicit LayoutReader(std::string_view text) : text_(text), scan_(text, 0) {}

  std::optional<std::vector<TomlStatement>> read() {
    while (!scan_.done()) {
      std::size_t line = scan_.at();
      scan_.skip_blanks();
      char c = scan_.peek();
      bool good = true;
      if (c == '[') {
        good = header(line);
      } else if (c != '#' && c != '\n' && c != '\r' && !scan_.done()) {
        good = key_value(line);
      }
      if (!good) return std::nullopt;
      scan_.skip_line();
      scan_.take('\n');
      if (noted_) statements_.back().end = scan_.at();
      noted_ = false;
    }
    return std::move(statements_);
  }

 private:
  bool header(std::size_t line) {
    bool is_array = scan_.starts("[[");
    scan_.take('[');
    if (is_array) scan_.take('[');
    KeyPath written;
    if (!scan_.key(written) || !scan_.take(']')) return false;
    KeyPath path;
    for (std::size_t i = 0; i < written.size(); ++i) {
      path.push_back(written[i]);
      auto count = counts_.find(to_text(path));
      bool last = i + 1 == written.size();
      if (last && is_array) {
        std::size_t index = counts_[to_text(path)]++;
        path.push_back(Step::of_index(index));
      } else if (count != counts_.end() && count->second > 0) {
        path.push_back(Step::of_index(count->second - 1));
      }
    }
    TomlStatement statement;
    statement.kind = is_array ? TomlStatement::Kind::kArrayTable : TomlStatement::Kind::kTable;
    section_path_ = path;
    statement.path = std::move(path);
    statement.begin = line;
    section_ = statement.section = statements_.size();
    statements_.push_back(std::move(statement));
    return noted_ = true;
  }

  bool key_value(std::size_t line) {
    TomlStatement statement;
    statement.path = section_path_;
    if (!scan_.key(statement.path) || !scan_.take('=')) return false;
    scan_.skip_blanks();
    statement.value_begin = scan_.at();
    if (!scan_.value()) return false;
    statement.value_end = scan_.at();
    statement.begin = line;
    statement.section = section_;
    statements_.push_back(std::move(statement));
    return noted_ = true;
  }

  std::string_view text_;
  Scanner scan_;
  std::vector<TomlStatement> statements_;
  std::map<std::string, std::size_t> counts_;
  KeyPath section_path_;
  std::size_t section_ = kRootSection;
  bool noted_ = false;
};

}  // namespace

std::optional<std::vector<TomlStatement>> layout_of(std::string_view text) {
  return LayoutReader(text).read();
}

std::optional<std::vector<TomlMember>> members_of(std::string_view text, std::size_t value_begin) {
  Scanner scan(text, value_begin);
  bool is_table = scan.peek() == '{';
  if (!scan.take('[') && !scan.take('{')) return std::nullopt;
  char close = is_table ? '}' : ']';
  std::vector<TomlMember> members;
  while (true) {
    scan.skip_space();
    if (scan.take(close)) return members;
    if (scan.take(',')) continue;
    TomlMember member;
    member.begin = scan.at();
    if (is_table) {
      if (!scan.key(member.path) || !scan.take('=')) return std::nullopt;
      scan.skip_blanks();
    } else {
      member.path.push_back(Step::of_index(members.size()));
    }
    member.value_begin = scan.at();
    if (!scan.value()) return std::nullopt;
    member.value_end = scan.at();
    members.push_back(std::move(member));
  }
}

}  // namespace openclaw::config
