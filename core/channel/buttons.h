// Buttons under a message, and who may have them: pure functions of what was asked for and of the
// account's config. A press comes back as an event of kind "callback" whose text is the button's
// data; it is read as a message of the one who pressed.
#pragma once

#include <string>
#include <string_view>

#include "channel/access.h"
#include "result.h"

namespace openclaw::channel {

// channels.<id>.capabilities.inlineButtons
enum class ButtonScope {
  kOff,
  kDirect,     // "dm"
  kGroup,      // "group"
  kAll,        // "all"
  kAllowlist,  // "allowlist", the default: shown anywhere, pressed by those who are listed
};
// `capabilities` may also be a list of names; with "inlineButtons" in it: everywhere, for everyone.
ButtonScope button_scope(const json::object& account_config);

// Rows of {"text","callback_data","style"?}, as the tool `message` and the command line take them,
// to the rows of PAYLOADS.md ("callbackData"). What a platform takes is its plugin's to check.
Result<json::array> buttons_from(const json::value& rows);

// Why a press is not read; empty: it is. `access` let the sender in.
std::string refused_press(ButtonScope scope, std::string_view chat_type, const Access& access);

}  // namespace openclaw::channel
