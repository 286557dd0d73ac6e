// Writing JSON values as TOML text. Pure.
#pragma once

#include <string>
#include <string_view>

#include "config/key_path.h"
#include "result.h"

namespace openclaw::config {

std::string toml_key(std::string_view key);
// One value on one line; null members of objects are left out.
std::string toml_value(const json::value& value);
// "[a.b]" and what stands under it; indexes in the path are left out, as headers have none.
std::string toml_section(const KeyPath& path, const json::object& section);
// "[[a.b]]" for each object.
std::string toml_section_list(const KeyPath& path, const json::array& list);
// A whole file.
std::string toml_document(const json::object& root);
// True for a non-empty list that has objects only.
bool is_object_list(const json::value& value);

}  // namespace openclaw::config
