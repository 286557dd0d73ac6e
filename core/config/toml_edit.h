// TomlEdit: changes single keys in the text of a TOML file and leaves every other byte alone. Pure.
#pragma once

#include <string>
#include <string_view>

#include "config/key_path.h"
#include "result.h"

namespace openclaw::config {

// The text after the change. The result has been read again and holds exactly the change; otherwise
// the answer is an error and the caller still has the old text. kNotFound from unset: the key is
// not there.
Result<std::string> toml_with(std::string_view text, const KeyPath& path, const json::value& value);
Result<std::string> toml_without(std::string_view text, const KeyPath& path);

}  // namespace openclaw::config
