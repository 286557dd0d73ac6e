// Reading JSON that somebody else wrote: a field that is absent or of another type reads as empty.
#pragma once

#include <cstdint>
#include <string_view>

#include <boost/json.hpp>

namespace parts {

namespace json = boost::json;

inline const json::object* object_in(const json::object& in, std::string_view key) {
  const json::value* v = in.if_contains(key);
  return v == nullptr ? nullptr : v->if_object();
}
inline const json::array* array_in(const json::object& in, std::string_view key) {
  const json::value* v = in.if_contains(key);
  return v == nullptr ? nullptr : v->if_array();
}
inline std::string_view text_in(const json::object& in, std::string_view key) {
  const json::value* v = in.if_contains(key);
  if (v == nullptr || !v->is_string()) return {};
  return {v->get_string().data(), v->get_string().size()};
}
inline std::int64_t int_in(const json::object& in, std::string_view key, std::int64_t otherwise) {
  const json::value* v = in.if_contains(key);
  return v != nullptr && v->is_int64() ? v->get_int64() : otherwise;
}
inline bool bool_in(const json::object& in, std::string_view key, bool otherwise) {
  const json::value* v = in.if_contains(key);
  return v != nullptr && v->is_bool() ? v->get_bool() : otherwise;
}
// Null when it is no JSON.
inline json::value parsed(std::string_view text) {
  boost::system::error_code failure;
  json::value value = json::parse(json::string_view(text.data(), text.size()), failure);
  if (failure) return nullptr;
  return value;
}

}  // namespace parts
