#include "spec_fields.h"

namespace openclaw::sandbox_rules {

const json::value* member(const json::object& from, std::string_view key) {
  return from.if_contains(key);
}

std::string text_of(const json::object& from, std::string_view key) {
  const json::value* value = member(from, key);
  return value && value->is_string() ? std::string(value->get_string()) : std::string();
}

bool flag_of(const json::object& from, std::string_view key, bool otherwise) {
  const json::value* value = member(from, key);
  return value && value->is_bool() ? value->get_bool() : otherwise;
}

double number_of(const json::object& from, std::string_view key, double otherwise) {
  const json::value* value = member(from, key);
  return value && value->is_number() ? value->to_number<double>() : otherwise;
}

const json::array& list_of(const json::object& from, std::string_view key) {
  static const json::array kEmpty;
  const json::value* value = member(from, key);
  return value && value->is_array() ? value->get_array() : kEmpty;
}

const json::object& object_of(const json::object& from, std::string_view key) {
  static const json::object kEmpty;
  const json::value* value = member(from, key);
  return value && value->is_object() ? value->get_object() : kEmpty;
}

}  // namespace openclaw::sandbox_rules
