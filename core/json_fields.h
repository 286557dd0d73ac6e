// Reading fields of a JSON object whose shape was checked elsewhere or not at all: what is absent or of
// another type is empty. [any-thread]
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <boost/json.hpp>

namespace openclaw {

inline std::string text_of(const boost::json::object& from, std::string_view key) {
  const boost::json::value* value = from.if_contains(key);
  return value && value->is_string() ? std::string(value->get_string()) : std::string();
}

inline std::int64_t number_of(const boost::json::object& from, std::string_view key,
                              std::int64_t otherwise = 0) {
  const boost::json::value* value = from.if_contains(key);
  return value && value->is_int64() ? value->get_int64() : otherwise;
}

inline bool flag_of(const boost::json::object& from, std::string_view key, bool otherwise = false) {
  const boost::json::value* value = from.if_contains(key);
  return value && value->is_bool() ? value->get_bool() : otherwise;
}

inline const boost::json::object& object_of(const boost::json::object& from, std::string_view key) {
  static const boost::json::object kNone;
  const boost::json::value* value = from.if_contains(key);
  return value && value->is_object() ? value->get_object() : kNone;
}

}  // namespace openclaw
