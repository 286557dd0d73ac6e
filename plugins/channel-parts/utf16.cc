#include "utf16.h"

namespace parts {
namespace {

unsigned byte_at(std::string_view text, std::size_t at) {
  return static_cast<unsigned char>(text[at]);
}

bool is_extender(char32_t c) {
  return c == 0x200D || (c >= 0xFE00 && c <= 0xFE0F) || (c >= 0x1F3FB && c <= 0x1F3FF) ||
         (c >= 0x0300 && c <= 0x036F) || (c >= 0x20D0 && c <= 0x20FF) ||
         (c >= 0xE0020 && c <= 0xE007F);
}

bool is_regional(char32_t c) {
  return c >= 0x1F1E6 && c <= 0x1F1FF;
}

bool is_wide(char32_t c) {
  return (c >= 0x1100 && c <= 0x115F) || (c >= 0x2E80 && c <= 0xA4CF) ||
         (c >= 0xAC00 && c <= 0xD7A3) || (c >= 0xF900 && c <= 0xFAFF) ||
         (c >= 0xFE30 && c <= 0xFE6F) || (c >= 0xFF00 && c <= 0xFF60) ||
         (c >= 0x1F300 && c <= 0x1FAFF) || (c >= 0x20000 && c <= 0x3FFFD);
}

std::size_t previous(std::string_view text, std::size_t at) {
  std::size_t i = at - 1;
  while (i > 0 && at - i < 4 && (byte_at(text, i) & 0xC0U) == 0x80U) --i;
  return i;
}

}  // namespace

CodePoint code_point_at(std::string_view text, std::size_t at) {
  const unsigned first = byte_at(text, at);
  if (first < 0x80) return {first, 1};
  std::size_t length = 0;
  char32_t value = 0;
  char32_t least = 0;
  if (first >= 0xC2 && first <= 0xDF) {
    length = 2, value = first & 0x1FU, least = 0x80;
  } else if (first >= 0xE0 && first <= 0xEF) {
    length = 3, value = first & 0x0FU, least = 0x800;
  } else if (first >= 0xF0 && first <= 0xF4) {
    length = 4, value = first & 0x07U, least = 0x10000;
  }
  if (length == 0 || at + length > text.size()) return {0xFFFD, 1};
  for (std::size_t i = 1; i < length; ++i) {
    const unsigned next = byte_at(text, at + i);
    if ((next & 0xC0U) != 0x80U) return {0xFFFD, 1};
    value = (value << 6U) | (next & 0x3FU);
  }
  if (value < least || value > 0x10FFFF || (value >= 0xD800 && value <= 0xDFFF)) return {0xFFFD, 1};
  return {value, length};
}

std::size_t utf16_length(std::string_view text) {
  std::size_t units = 0;
  for (std::size_t i = 0; i < text.size();) {
    const CodePoint c = code_point_at(text, i);
    units += c.value >= 0x10000 ? 2U : 1U;
    i += c.bytes;
  }
  return units;
}

std::size_t byte_offset(std::string_view text, std::size_t units) {
  std::size_t seen = 0;
  std::size_t i = 0;
  while (i < text.size()) {
    const CodePoint c = code_point_at(text, i);
    const std::size_t width = c.value >= 0x10000 ? 2 : 1;
    if (seen + width > units) break;
    seen += width;
    i += c.bytes;
  }
  return i;
}

void append_utf8(std::string& out, char32_t c) {
  const auto put = [&out](char32_t byte) { out.push_back(static_cast<char>(byte)); };
  if (c < 0x80) {
    put(c);
  } else if (c < 0x800) {
    put(0xC0 | (c >> 6U));
    put(0x80 | (c & 0x3FU));
  } else if (c < 0x10000) {
    put(0xE0 | (c >> 12U));
    put(0x80 | ((c >> 6U) & 0x3FU));
    put(0x80 | (c & 0x3FU));
  } else {
    put(0xF0 | (c >> 18U));
    put(0x80 | ((c >> 12U) & 0x3FU));
    put(0x80 | ((c >> 6U) & 0x3FU));
    put(0x80 | (c & 0x3FU));
  }
}

std::string valid_utf8(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size();) {
    const CodePoint c = code_point_at(text, i);
    if (c.value != 0) append_utf8(out, c.value);
    i += c.bytes;
  }
  return out;
}

bool inside_grapheme(std::string_view text, std::size_t at) {
  if (at == 0 || at >= text.size()) return false;
  const char32_t next = code_point_at(text, at).value;
  const char32_t before = code_point_at(text, previous(text, at)).value;
  if (is_extender(next) || before == 0x200D) return true;
  if (!is_regional(next) || !is_regional(before)) return false;
  // A flag is a pair: the cut is inside when an odd number of indicators stands before it.
  std::size_t count = 0;
  for (std::size_t i = at; i > 0 && count < 64;) {
    i = previous(text, i);
    if (!is_regional(code_point_at(text, i).value)) break;
    ++count;
  }
  return count % 2 == 1;
}

std::size_t display_width(std::string_view text) {
  std::size_t width = 0;
  for (std::size_t i = 0; i < text.size();) {
    const CodePoint c = code_point_at(text, i);
    if (!is_extender(c.value)) width += is_wide(c.value) ? 2U : 1U;
    i += c.bytes;
  }
  return width;
}

}  // namespace parts
