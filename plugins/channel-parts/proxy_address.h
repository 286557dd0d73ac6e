// A look at a proxy's address before an account starts, so that a slip of the pen is answered with
// the key to mend. The host reads it in full. Pure.
#pragma once

#include <string>
#include <string_view>

namespace parts {

// Empty: it may be one. Else what to do about `key`, in words that do not repeat `proxy`, since it
// may hold a password.
std::string why_no_proxy(std::string_view proxy, const std::string& key);

}  // namespace parts
