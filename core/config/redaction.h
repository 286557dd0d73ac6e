// Which keys hold secrets, by name: what config.get, error messages and logs must not show. Pure.
#pragma once

#include <string_view>

#include "result.h"

namespace openclaw::config {

inline constexpr std::string_view kRedacted = "__OPENCLAW_REDACTED__";

// "token", "botToken", "apiKey", "client_secret"; not "maxTokens", not "tokenFile".
bool is_secret_key(std::string_view key);
// The last key of a dotted path names a secret, or the path is one that holds secrets under free
// names (models.providers.*.headers.*).
bool is_secret_path(std::string_view dotted_path);

}  // namespace openclaw::config
