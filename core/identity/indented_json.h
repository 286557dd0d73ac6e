// JSON text as the files of the state directory keep it. [any-thread]
#pragma once

#include <string>

#include "result.h"

namespace openclaw::identity {

// Two-space indent and a final newline.
std::string indented(const json::value& value);

}  // namespace openclaw::identity
