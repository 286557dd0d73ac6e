// Header lists and what is acceptable in them. Pure; any thread.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "result.h"

namespace openclaw::net {

using HttpHeaders = std::vector<std::pair<std::string, std::string>>;

bool is_http_token(std::string_view text);
std::string lower_case(std::string text);
// kInvalidArgument for a name that is no token or a value that would begin a new line. Never shows
// values.
Result<void> check_headers(const HttpHeaders& headers);

}  // namespace openclaw::net
