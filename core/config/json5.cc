#include <charconv>
#include <cmath>
#include <cstdlib>
#include <limits>

#include "config/document.h"
#include "config/key_path.h"

namespace openclaw::config {

namespace {

// A reader for JSON5 as configuration files use it. Works on bytes that were checked to be UTF-8;
// places count code points. Stops at the first error.
class Json5Reader {
 public:
  Json5Reader(std::string_view text, Document& out, SyntaxError& error)
      : text_(text), out_(out), error_(error) {}

  bool read() {
    if (!skip_space()) return false;
    if (!at('{')) return fail("a configuration is an object: expected {");
    if (!object(out_.root, "", 0)) return false;
    if (!skip_space()) return false;
    return at_end() || fail("unexpected text after the closing }");
  }

 private:
  bool at_end() const { return at_ >= text_.size(); }
  char peek(std::size_t ahead = 0) const {
    return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0';
  }
  bool at(char c) const { return !at_end() && text_[at_] == c; }
  bool starts(std::string_view what) const { return text_.substr(at_, what.size()) == what; }

  // Asked for growing offsets only, so the whole text is walked once.
  Position here() {
    for (; cursor_ < at_ && cursor_ < text_.size(); ++cursor_) {
      char c = text_[cursor_];
      bool crlf = c == '\r' && cursor_ + 1 < text_.size() && text_[cursor_ + 1] == '\n';
      if (c == '\n' || (c == '\r' && !crlf)) {
        ++place_.line;
        place_.column = 1;
      } else if ((static_cast<unsigned char>(c) & 0xC0U) != 0x80U) {
        ++place_.column;
      }
    }
    return place_;
  }

  bool fail(std::string message) {
    error_ = {here(), std::move(message)};
    return false;
  }

  // Length of a white-space character at the cursor; 0 when there is none.
  std::size_t space_length() const {
    char c = peek();
    if (at_end()) return 0;
    if (c == ' ' || (c >= '\t' && c <= '\r')) return 1;
    if (starts("\xC2\xA0")) return 2;
    for (std::string_view wide : {"\xEF\xBB\xBF", "\xE2\x80\xA8", "\xE2\x80\xA9", "\xE1\x9A\x80",
                                  "\xE2\x80\xAF", "\xE2\x81\x9F", "\xE3\x80\x80"}) {
      if (starts(wide)) return 3;
    }
    bool narrow = starts("\xE2\x80") && static_cast<unsigned char>(peek(2)) >= 0x80 &&
                  static_cast<unsigned char>(peek(2)) <= 0x8A;
    return narrow ? 3 : 0;
  }

  bool skip_space() {
    while (true) {
      std::size_t length = space_length();
      if (length > 0) {
        at_ += length;
      } else if (starts("//")) {
        while (!at_end() && !at('\n') && !at('\r')) ++at_;
      } else if (starts("/*")) {
        std::size_t end = text_.find("*/", at_ + 2);
        if (end == std::string_view::npos) return fail("the comment is not closed: */ is missing");
        at_ = end + 2;
      } else {
        return true;
      }
    }
  }

  bool object(json::object& to, const std::string& path, int depth) {
    if (depth >= kMaxDepth) return fail("nested more than 64 levels deep");
    ++at_;
    while (true) {
      if (!skip_space()) return false;
      if (at('}')) return ++at_, true;
      Position key_at = here();
      std::string name;
      if (!key(name)) return false;
      if (to.contains(name)) {
        error_ = {key_at, "the key \"" + name + "\" appears twice in this object"};
        return false;
      }
      if (!skip_space()) return false;
      if (!at(':')) return fail("expected : after the key \"" + name + "\"");
      ++at_;
      if (!skip_space()) return false;
      std::string child = join_key(path, name);
      out_.places.emplace(child, Place{key_at, here()});
      if (!value(to[name], child, depth + 1)) return false;
      if (!skip_space()) return false;
      if (at(',')) {
        ++at_;
      } else if (!at('}')) {
        return fail(at_end() ? "the object is not closed: } is missing" : "expected , or }");
      }
    }
  }

  bool array(json::array& to, const std::string& path, int depth) {
    if (depth >= kMaxDepth) return fail("nested more than 64 levels deep");
    ++at_;
    while (true) {
      if (!skip_space()) return false;
      if (at(']')) return ++at_, true;
      std::string child = join_index(path, to.size());
      Position place = here();
      out_.places.emplace(child, Place{place, place});
      if (!value(to.emplace_back(nullptr), child, depth + 1)) return false;
      if (!skip_space()) return false;
      if (at(',')) {
        ++at_;
      } else if (!at(']')) {
        return fail(at_end() ? "the list is not closed: ] is missing" : "expected , or ]");
      }
    }
  }

  bool value(json::value& to, const std::string& path, int depth) {
    if (at_end()) return fail("a value is missing at the end of the text");
    char c = peek();
    if (c == '{') return object(to.emplace_object(), path, depth);
    if (c == '[') return array(to.emplace_array(), path, depth);
    if (c == '"' || c == '\'') {
      std::string text;
      if (!string(text)) return false;
      to = text;
      return true;
    }
    if (word("true")) return to = true, true;
    if (word("false")) return to = false, true;
    if (word("null")) return to = nullptr, true;
    if (c == '+' || c == '-' || c == '.' || (c >= '0' && c <= '9') || c == 'I' || c == 'N') {
      return number(to);
    }
    return fail("expected a value: text in quotes, a number, true, false, null, { or [");
  }

  static bool is_name_start(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '$' ||
           static_cast<unsigned char>(c) >= 0x80;
  }
  static bool is_name_part(char c) { return is_name_start(c) || (c >= '0' && c <= '9'); }

  bool word(std::string_view what) {
    if (!starts(what) || is_name_part(peek(what.size()))) return false;
    at_ += what.size();
    return true;
  }

  bool key(std::string& name) {
    if (at_end()) return fail("the object is not closed: } is missing");
    if (at('"') || at('\'')) return string(name);
    while (!at_end() && (is_name_part(peek()) || at('\\'))) {
      if (space_length() > 0) break;
      if (name.empty() && peek() >= '0' && peek() <= '9') break;
      if (at('\\')) {
        if (peek(1) != 'u') return fail("only \\uXXXX may stand in a key without quotes");
        at_ += 2;
        if (!unicode_escape(name)) return false;
      } else {
        name += text_[at_++];
      }
    }
    return !name.empty() || fail("expected a key or }; put unusual keys in quotes");
  }

  bool hex_digits(int count, unsigned& out) {
    out = 0;
    for (int i = 0; i < count; ++i, ++at_) {
      char c = peek();
      unsigned digit = 0;
      if (c >= '0' && c <= '9') {
        digit = static_cast<unsigned>(c - '0');
      } else if (c >= 'a' && c <= 'f') {
        digit = static_cast<unsigned>(c - 'a') + 10;
      } else if (c >= 'A' && c <= 'F') {
        digit = static_cast<unsigned>(c - 'A') + 10;
      } else {
        return fail("expected " + std::to_string(count) + " hexadecimal digits");
      }
      out = out * 16 + digit;
    }
    return true;
  }

  static void append_utf8(std::string& to, unsigned code) {
    auto put = [&to](unsigned byte) { to += static_cast<char>(byte); };
    if (code < 0x80) {
      put(code);
    } else if (code < 0x800) {
      put(0xC0U | (code >> 6U));
      put(0x80U | (code & 0x3FU));
    } else if (code < 0x10000) {
      put(0xE0U | (code >> 12U));
      put(0x80U | ((code >> 6U) & 0x3FU));
      put(0x80U | (code & 0x3FU));
    } else {
      put(0xF0U | (code >> 18U));
      put(0x80U | ((code >> 12U) & 0x3FU));
      put(0x80U | ((code >> 6U) & 0x3FU));
      put(0x80U | (code & 0x3FU));
    }
  }

  bool unicode_escape(std::string& to) {
    unsigned code = 0;
    if (!hex_digits(4, code)) return false;
    if (code >= 0xD800 && code <= 0xDFFF) {
      unsigned low = 0;
      if (code > 0xDBFF || !starts("\\u")) return fail("half of a surrogate pair");
      at_ += 2;
      if (!hex_digits(4, low)) return false;
      if (low < 0xDC00 || low > 0xDFFF) return fail("half of a surrogate pair");
      code = 0x10000 + ((code - 0xD800) << 10U) + (low - 0xDC00);
    }
    append_utf8(to, code);
    return true;
  }

  bool string(std::string& to) {
    char quote = text_[at_++];
    while (true) {
      if (at_end()) return fail("the text is not closed: a quote is missing");
      char c = text_[at_];
      if (c == quote) return ++at_, true;
      if (c == '\n' || c == '\r') {
        return fail("the line ends inside a text; close the quote, or end the line with \\");
      }
      if (c == '\\') {
        ++at_;
        if (!escape(to)) return false;
      } else {
        to += c;
        ++at_;
      }
    }
  }

  bool escape(std::string& to) {
    if (at_end()) return fail("the text is not closed: a quote is missing");
    if (starts("\r\n")) return at_ += 2, true;
    if (starts("\xE2\x80\xA8") || starts("\xE2\x80\xA9")) return at_ += 3, true;
    char c = text_[at_++];
    unsigned code = 0;
    switch (c) {
      case '\n':
      case '\r':
        return true;  // the text goes on in the next line
      case 'b':
        return to += '\b', true;
      case 'f':
        return to += '\f', true;
      case 'n':
        return to += '\n', true;
      case 'r':
        return to += '\r', true;
      case 't':
        return to += '\t', true;
      case 'v':
        return to += '\v', true;
      case 'x':
        if (!hex_digits(2, code)) return false;
        return append_utf8(to, code), true;
      case 'u':
        return unicode_escape(to);
      case '0':
        if (peek() >= '0' && peek() <= '9') return fail("octal escapes are not allowed");
        return to += '\0', true;
      default:
        if (c >= '1' && c <= '9') return fail("octal escapes are not allowed");
        return to += c, true;
    }
  }

  bool number(json::value& to) {
    bool negative = at('-');
    if (at('-') || at('+')) ++at_;
    if (word("Infinity")) {
      double infinity = std::numeric_limits<double>::infinity();
      return to = negative ? -infinity : infinity, true;
    }
    if (word("NaN")) return to = std::numeric_limits<double>::quiet_NaN(), true;
    if (starts("0x") || starts("0X")) return hex_number(to, negative);
    std::size_t begin = at_;
    bool digits = false;
    bool whole = true;
    auto take_digits = [&] {
      while (peek() >= '0' && peek() <= '9') ++at_, digits = true;
    };
    take_digits();
    if (at_ - begin > 1 && text_[begin] == '0') return fail("a number must not start with 0");
    if (at('.')) {
      whole = false;
      ++at_;
      take_digits();
    }
    if (!digits) return fail("expected a number");
    if (at('e') || at('E')) {
      whole = digits = false;
      ++at_;
      if (at('-') || at('+')) ++at_;
      take_digits();
      if (!digits) return fail("the exponent has no digits");
    }
    if (is_name_part(peek())) return fail("a letter follows the number");
    return store(std::string(negative ? "-" : "") + std::string(text_.substr(begin, at_ - begin)),
                 whole, to);
  }

  static bool store(const std::string& digits, bool whole, json::value& to) {
    std::int64_t integer = 0;
    const char* end = digits.data() + digits.size();
    auto [stop, error] = std::from_chars(digits.data(), end, integer);
    if (whole && error == std::errc() && stop == end) {
      to = integer;
    } else {
      to = std::strtod(digits.c_str(), nullptr);
    }
    return true;
  }

  bool hex_number(json::value& to, bool negative) {
    at_ += 2;
    std::size_t begin = at_;
    double wide = 0;
    std::int64_t exact = 0;
    for (; std::isxdigit(static_cast<unsigned char>(peek())) != 0; ++at_) {
      unsigned digit = 0;
      std::from_chars(text_.data() + at_, text_.data() + at_ + 1, digit, 16);
      wide = wide * 16 + digit;
      if (at_ - begin < 15) exact = exact * 16 + digit;
    }
    if (at_ == begin) return fail("0x needs hexadecimal digits");
    if (is_name_part(peek())) return fail("a letter follows the number");
    if (at_ - begin <= 15) {
      to = negative ? -exact : exact;
    } else {
      to = negative ? -wide : wide;
    }
    return true;
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::size_t cursor_ = 0;
  Position place_{1, 1};
  Document& out_;
  SyntaxError& error_;
};

// Offset of the first byte that is no UTF-8, or npos.
std::size_t first_bad_byte(std::string_view text) {
  std::size_t i = 0;
  auto is_tail = [&](std::size_t k) {
    return k < text.size() && (static_cast<unsigned char>(text[k]) & 0xC0U) == 0x80U;
  };
  while (i < text.size()) {
    auto lead = static_cast<unsigned char>(text[i]);
    std::size_t length = lead < 0x80                   ? 1
                         : lead >= 0xC2 && lead < 0xE0 ? 2
                         : lead >= 0xE0 && lead < 0xF0 ? 3
                         : lead >= 0xF0 && lead < 0xF5 ? 4
                                                       : 0;
    if (length == 0) return i;
    for (std::size_t k = 1; k < length; ++k) {
      if (!is_tail(i + k)) return i;
    }
    auto second = length > 1 ? static_cast<unsigned char>(text[i + 1]) : 0;
    bool overlong = (lead == 0xE0 && second < 0xA0) || (lead == 0xF0 && second < 0x90);
    bool surrogate = lead == 0xED && second > 0x9F;
    bool beyond = lead == 0xF4 && second > 0x8F;
    if (overlong || surrogate || beyond) return i;
    i += length;
  }
  return std::string_view::npos;
}

}  // namespace

bool read_json5(std::string_view text, Document& out, SyntaxError& error) {
  if (text.size() > kMaxTextBytes) {
    error = {{1, 1}, "the file is larger than 4 MiB"};
    return false;
  }
  if (std::size_t bad = first_bad_byte(text); bad != std::string_view::npos) {
    Position at{1, 1};
    for (char c : text.substr(0, bad)) {
      if (c == '\n') {
        ++at.line;
        at.column = 1;
      } else {
        ++at.column;
      }
    }
    error = {at, "the text is not UTF-8"};
    return false;
  }
  return Json5Reader(text, out, error).read();
}

}  // namespace openclaw::config
