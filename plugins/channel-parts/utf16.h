// Text measured as chat services measure it: UTF-8 bytes in hand, UTF-16 units counted.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace parts {

// One code point at `at`; broken bytes read as U+FFFD of length 1.
struct CodePoint {
  char32_t value;
  std::size_t bytes;
};
CodePoint code_point_at(std::string_view text, std::size_t at);

std::size_t utf16_length(std::string_view text);
// Byte offset of the UTF-16 unit `units`; text.size() when beyond the end. An offset inside a
// surrogate pair answers the start of its character.
std::size_t byte_offset(std::string_view text, std::size_t units);
// Every broken sequence replaced by U+FFFD, and NUL removed: the service refuses text that is not
// UTF-8.
std::string valid_utf8(std::string_view text);
void append_utf8(std::string& out, char32_t value);
// True when a cut before the character at `at` would tear what people see as one: joiners,
// variation selectors, combining marks, skin tones, flags.
bool inside_grapheme(std::string_view text, std::size_t at);
// Columns in a fixed-width font.
std::size_t display_width(std::string_view text);

}  // namespace parts
