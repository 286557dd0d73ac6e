// Reading JSON that somebody else wrote: a field that is absent or of another type reads as empty.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <boost/json.hpp>

namespace openclaw::model {

namespace json = boost::json;

inline const json::value* field(const json::object& object, std::string_view key) {
  return object.if_contains(json::string_view(key.data(), key.size()));
}
inline std::string_view text_at(const json::object& object, std::string_view key) {
  const auto* value = field(object, key);
  return value != nullptr && value->is_string() ? std::string_view(value->get_string())
                                                : std::string_view();
}
inline const json::object* object_at(const json::object& object, std::string_view key) {
  const auto* value = field(object, key);
  return value != nullptr ? value->if_object() : nullptr;
}
inline const json::array* array_at(const json::object& object, std::string_view key) {
  const auto* value = field(object, key);
  return value != nullptr ? value->if_array() : nullptr;
}
inline std::int64_t int_at(const json::object& object, std::string_view key) {
  const auto* value = field(object, key);
  if (value == nullptr) return 0;
  if (value->is_int64()) return value->get_int64();
  if (value->is_uint64())
    return static_cast<std::int64_t>(value->get_uint64() & 0x7fffffffffffffffU);
  if (value->is_double()) {
    auto number = value->get_double();
    return number > -9e15 && number < 9e15 ? static_cast<std::int64_t>(number) : 0;
  }
  return 0;
}
inline bool bool_at(const json::object& object, std::string_view key) {
  const auto* value = field(object, key);
  return value != nullptr && value->is_bool() && value->get_bool();
}

}  // namespace openclaw::model
