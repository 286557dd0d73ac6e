// Reading members of a JSON object that may be absent or of another type.
#pragma once

#include <string>
#include <string_view>

#include "result.h"

namespace openclaw::config {

inline const json::object* object_in(const json::object& from, std::string_view key) {
  const json::value* value = from.if_contains(key);
  return value ? value->if_object() : nullptr;
}

inline const json::array* array_in(const json::object& from, std::string_view key) {
  const json::value* value = from.if_contains(key);
  return value ? value->if_array() : nullptr;
}

inline std::string text_in(const json::object& from, std::string_view key) {
  const json::value* value = from.if_contains(key);
  return value && value->is_string() ? std::string(value->get_string()) : std::string();
}

inline bool flag_in(const json::object& from, std::string_view key, bool otherwise = false) {
  const json::value* value = from.if_contains(key);
  return value && value->is_bool() ? value->get_bool() : otherwise;
}

}  // namespace openclaw::config
