// The only file that sees toml++.
#define TOML_EXCEPTIONS 0
#include <sstream>

// Debian builds the library with exceptions; ours reports errors as values, so it is compiled in
// here.
#define TOML_HEADER_ONLY 1
// toml++ 3.3 asserts that a key begins as one may ("[$x]" does not) right before it reports just that as an error:
// its assertions are about the text, which is anybody's.
#define TOML_ASSERT(expr) static_cast<void>(0)
#include <toml++/toml.h>

#include "config/document.h"
#include "config/key_path.h"
#include "utf8.h"

namespace openclaw::config {

namespace {

Position position_of(const toml::source_position& at) {
  return {static_cast<int>(at.line), static_cast<int>(at.column)};
}

// What must not reach toml++: it destroys nested tables recursively, so no key of a million dots; and its test for
// white space has undefined behaviour on U+FC66 to U+FEFE, which it asks about outside of strings and comments, where
// TOML knows only ASCII, and when it looks for the end of a broken value, in which a quote means nothing. On other
// text that is no TOML the count may be wrong, and then toml++ says so.
class TextGuard {
 public:
  explicit TextGuard(std::string_view text) : text_(text) {}

  bool refuses(SyntaxError& error) {
    int dots = 0;
    for (at_ = 0; at_ < text_.size(); ++at_) {
      char c = text_[at_];
      if (c == '\n') {
        ++line_;
        line_start_ = at_ + 1;
      }
      if (c == '#') {
        skip_comment();
      } else if (c == '"' || c == '\'') {
        if (!string_may_begin()) return refuse(error, "a quote in the middle of a key or value");
        skip_string(c);
      } else if (c == '.') {
        if (++dots >= kMaxDepth) return refuse(error, "the key has more than 64 parts");
      } else if (static_cast<unsigned char>(c) >= 0x80) {
        return refuse(error, "only quoted text and comments may have other characters than ASCII");
      } else if (c == '\n' || c == '=' || c == ',' || c == '[' || c == '{') {
        dots = 0;
      }
    }
    return false;
  }

 private:
  bool string_may_begin() const {
    std::size_t before = at_;
    while (before > 0 && (text_[before - 1] == ' ' || text_[before - 1] == '\t')) --before;
    return before == 0 || std::string_view("\n=,[.{").find(text_[before - 1]) != std::string_view::npos;
  }
  bool refuse(SyntaxError& error, const char* why) const {
    error = {{line_, static_cast<int>(at_ - line_start_) + 1}, why};
    return true;
  }
  void skip_comment() {
    while (at_ + 1 < text_.size() && text_[at_ + 1] != '\n') ++at_;
  }
  void skip_string(char quote) {
    bool multi = text_.substr(at_, 3) == std::string(3, quote);
    at_ += multi ? 3 : 1;
    for (; at_ < text_.size(); ++at_) {
      char c = text_[at_];
      if (c == '\\' && quote == '"') {
        ++at_;
      } else if (c == '\n') {
        if (!multi) {
          --at_;  // an unclosed string: let the caller count the line
          return;
        }
        ++line_;
        line_start_ = at_ + 1;
      } else if (c == quote && (!multi || text_.substr(at_, 3) == std::string(3, quote))) {
        if (multi) at_ += 2;
        return;
      }
    }
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::size_t line_start_ = 0;
  int line_ = 1;
};

class Converter {
 public:
  Converter(Document& out, SyntaxError& error) : out_(out), error_(error) {}

  bool table(const toml::table& from, json::object& to, const std::string& path, int depth) {
    if (depth > kMaxDepth) return fail(from, "is nested too deeply");
    for (const auto& [key, node] : from) {
      std::string child = join_key(path, key.str());
      Position key_at = position_of(key.source().begin);
      Position value_at = position_of(node.source().begin);
      if (key_at.line > 0 || value_at.line > 0) {
        out_.places.emplace(child, Place{key_at.line > 0 ? key_at : value_at,
                                         value_at.line > 0 ? value_at : key_at});
      }
      if (!value(node, to[key.str()], child, depth + 1)) return false;
    }
    return true;
  }

 private:
  bool value(const toml::node& from, json::value& to, const std::string& path, int depth) {
    switch (from.type()) {
      case toml::node_type::table:
        return table(*from.as_table(), to.emplace_object(), path, depth);
      case toml::node_type::array:
        return array(*from.as_array(), to.emplace_array(), path, depth);
      case toml::node_type::string:
        to = from.as_string()->get();
        return true;
      case toml::node_type::integer:
        to = from.as_integer()->get();
        return true;
      case toml::node_type::floating_point:
        to = from.as_floating_point()->get();
        return true;
      case toml::node_type::boolean:
        to = from.as_boolean()->get();
        return true;
      default:
        return date(from, to);
    }
  }

  bool array(const toml::array& from, json::array& to, const std::string& path, int depth) {
    if (depth > kMaxDepth) return fail(from, "is nested too deeply");
    for (const toml::node& node : from) {
      std::string child = join_index(path, to.size());
      Position at = position_of(node.source().begin);
      if (at.line > 0) out_.places.emplace(child, Place{at, at});
      if (!value(node, to.emplace_back(nullptr), child, depth + 1)) return false;
    }
    return true;
  }

  // JSON has no dates; their text is what a reader of the configuration expects.
  bool date(const toml::node& from, json::value& to) {
    std::ostringstream text;
    if (from.is_date()) text << *from.as_date();
    if (from.is_time()) text << *from.as_time();
    if (from.is_date_time()) text << *from.as_date_time();
    to = text.str();
    return true;
  }

  bool fail(const toml::node& at, const char* what) {
    error_ = {position_of(at.source().begin), what};
    return false;
  }

  Document& out_;
  SyntaxError& error_;
};

// Said by us, with the place: toml++ 3.3 is not to be trusted with such a text.
bool bad_utf8(std::string_view text, Position& at) {
  int line = 1;
  std::size_t line_start = 0;
  for (std::size_t i = 0; i < text.size();) {
    std::size_t length = utf8_sequence_at(text, i);
    if (length == 0) {
      at = {line, static_cast<int>(i - line_start) + 1};
      return true;
    }
    if (text[i] == '\n') {
      ++line;
      line_start = i + 1;
    }
    i += length;
  }
  return false;
}

}  // namespace

bool read_toml(std::string_view text, Document& out, SyntaxError& error) {
  if (text.size() > kMaxTextBytes) {
    error = {{1, 1}, "the file is larger than 4 MiB"};
    return false;
  }
  Position odd;
  if (bad_utf8(text, odd)) {
    error = {odd, "this byte is not UTF-8"};
    return false;
  }
  if (TextGuard(text.starts_with("\xEF\xBB\xBF") ? text.substr(3) : text).refuses(error)) return false;
  toml::parse_result parsed = toml::parse(text);
  if (!parsed) {
    error = {position_of(parsed.error().source().begin), std::string(parsed.error().description())};
    return false;
  }
  return Converter(out, error).table(parsed.table(), out.root, "", 0);
}

}  // namespace openclaw::config
