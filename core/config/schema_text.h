// The text of schema.json, put into the program by the build.
#pragma once

#include <string_view>

namespace openclaw::config {

extern const std::string_view kSchemaText;

}  // namespace openclaw::config
