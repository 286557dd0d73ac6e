// Names of keys and the bytes that a terminal sends for them.
#pragma once

#include <string>
#include <string_view>

namespace openclaw::process {

// "Enter", "C-c", "M-x", "Up" ...; a name that is none of these is returned as it is.
std::string key_sequence(std::string_view name);

}  // namespace openclaw::process
