// Reading JSON whose shape was checked elsewhere or not at all: what is absent or of another type
// is empty.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "result.h"

namespace openclaw::agent {

inline const json::value* field(const json::object& object, std::string_view key) {
  return object.if_contains(key);
}
inline std::string_view text_at(const json::object& object, std::string_view key) {
  const auto* value = object.if_contains(key);
  return value != nullptr && value->is_string() ? std::string_view(value->get_string())
                                                : std::string_view();
}
inline const json::object* object_at(const json::object& object, std::string_view key) {
  const auto* value = object.if_contains(key);
  return value != nullptr ? value->if_object() : nullptr;
}
inline const json::array* array_at(const json::object& object, std::string_view key) {
  const auto* value = object.if_contains(key);
  return value != nullptr ? value->if_array() : nullptr;
}
inline std::int64_t int_at(const json::object& object, std::string_view key,
                           std::int64_t otherwise = 0) {
  const auto* value = object.if_contains(key);
  return value != nullptr && value->is_int64() ? value->get_int64() : otherwise;
}
inline bool bool_at(const json::object& object, std::string_view key, bool otherwise = false) {
  const auto* value = object.if_contains(key);
  return value != nullptr && value->is_bool() ? value->get_bool() : otherwise;
}
inline std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kBlank = " \t\r\n";
  auto first = text.find_first_not_of(kBlank);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlank) - first + 1);
}
// At most `max` bytes, cut between characters.
inline std::string_view cut_utf8(std::string_view text, std::size_t max) {
  if (text.size() <= max) return text;
  while (max > 0 && (static_cast<unsigned char>(text[max]) & 0xC0U) == 0x80U) --max;
  return text.substr(0, max);
}

}  // namespace openclaw::agent
