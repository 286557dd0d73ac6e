// TomlLayout: where each statement of a TOML text begins and ends, so that one can be changed and
// the rest, comments included, stays byte for byte. Reads text that toml++ has accepted; on other
// text it may answer nothing, but never reads out of bounds.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "config/key_path.h"

namespace openclaw::config {

struct TomlStatement {
  enum class Kind { kTable, kArrayTable, kValue };
  Kind kind = Kind::kValue;
  KeyPath path;                                // absolute, with the index of each array of tables
  std::size_t begin = 0;                       // start of its line
  std::size_t end = 0;                         // after its newline
  std::size_t value_begin = 0, value_end = 0;  // kValue only
  std::size_t section = 0;  // index of the header it stands under; its own for headers
};
inline constexpr std::size_t kRootSection = static_cast<std::size_t>(-1);

// One member of an inline table or one entry of an array.
struct TomlMember {
  KeyPath path;           // relative: a dotted key, or one index
  std::size_t begin = 0;  // of the key, or of the entry
  std::size_t value_begin = 0, value_end = 0;
};

std::optional<std::vector<TomlStatement>> layout_of(std::string_view text);
// Members of the inline table or array that begins at `value_begin`; nothing when it is neither.
std::optional<std::vector<TomlMember>> members_of(std::string_view text, std::size_t value_begin);

}  // namespace openclaw::config
