// Which secrets an instance may have, and {{secret:NAME}} put in where it may go. [any-thread]
#pragma once

#include <string>
#include <string_view>

#include "net/url.h"
#include "plugin/service_state.h"

namespace openclaw::plugin {

// How the value is written where it stands.
enum class SecretPlace { kUrl, kHeader, kJsonBody, kFormBody };

// '*' stands for any characters.
bool matches_pattern(std::string_view pattern, std::string_view name);

// True for a text that expand_secrets would change.
bool has_placeholder(std::string_view text);

// kPermissionDenied when the name is not granted, or not toward this destination; kUnauthenticated
// when there is no such secret. Messages hold names and hosts, never values.
Result<std::string> expand_secrets(InstanceServices& services, std::string_view text,
                                   const net::Url& destination, SecretPlace place);

// All values of a header list; the names of those that changed go to `expanded`.
Result<void> expand_headers(InstanceServices& services, net::HttpHeaders& headers,
                            const net::Url& destination, std::vector<std::string>* expanded);

}  // namespace openclaw::plugin
