// KeyPath: dotted keys as users write them, "agents.list[0].tools" or
// models.providers."my.host".baseUrl.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "result.h"

namespace openclaw::config {

// One step into a tree: a key of an object, or an index of an array.
struct Step {
  std::string key;
  std::optional<std::size_t> index;  // set: an array index, and `key` is empty

  static Step of_key(std::string_view key) { return {std::string(key), std::nullopt}; }
  static Step of_index(std::size_t index) { return {{}, index}; }
  bool operator==(const Step&) const = default;
};
using KeyPath = std::vector<Step>;

// Accepts a.b, a."b.c", a['b'], a[0]. An empty text is the root. The error names the place.
Result<KeyPath> parse_key_path(std::string_view text);

// "a" + "b" -> "a.b"; quotes the key when it could not be read back otherwise.
std::string join_key(std::string_view parent, std::string_view key);
std::string join_index(std::string_view parent, std::size_t index);
std::string to_text(const KeyPath& path);
// `text` written canonically, so that it can be looked up in a map of paths; as it was when
// malformed.
std::string canonical_path(std::string_view text);

// Null when the path leads nowhere. A key that is a number also finds an array element
// (agents.list.0).
const json::value* find_value(const json::object& root, const KeyPath& path);
// Makes the objects on the way. False: an ancestor is neither object nor array, or an index is
// beyond the end of its array.
bool put_value(json::object& root, const KeyPath& path, json::value value);
bool erase_value(json::object& root, const KeyPath& path);

}  // namespace openclaw::config
