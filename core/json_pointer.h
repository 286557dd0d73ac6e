// Reading a value out of parsed JSON whose shape is not trusted.
#pragma once

#include <string>
#include <string_view>

#include <boost/json.hpp>

namespace openclaw {

// The value at a JSON pointer ("/a/0/b"), or null when there is none.
inline const boost::json::value* find_at(const boost::json::value& value, std::string_view pointer) {
  boost::system::error_code failed;
  return value.find_pointer(pointer, failed);
}

// The text at a JSON pointer, or `otherwise` when it is not text.
inline std::string text_at(const boost::json::value& value, std::string_view pointer,
                           std::string_view otherwise = {}) {
  const auto* found = find_at(value, pointer);
  return std::string(found && found->is_string() ? std::string_view(found->as_string()) : otherwise);
}

}  // namespace openclaw
