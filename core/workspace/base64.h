// Base64 with padding, as MIME and the model APIs have it. [any-thread]
#pragma once

#include <string>
#include <string_view>

#include "result.h"

namespace openclaw::workspace {

std::string to_base64(std::string_view bytes);
// kInvalidArgument for anything but the alphabet; padding may be missing.
Result<std::string> from_base64(std::string_view text);

}  // namespace openclaw::workspace
