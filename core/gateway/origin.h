// The Origin rule of WebSocket connects (protocol, section 4.5). Pure. [any-thread]
#pragma once

#include <string>
#include <string_view>

#include "gateway/auth_settings.h"
#include "gateway/peer.h"

namespace openclaw::gateway {

// True when the rule applies: a browser (Origin header), the Control UI or a webchat client.
bool origin_rule_applies(const Peer& peer, std::string_view client_id,
                         std::string_view client_mode);
// Empty when allowed, else the reason: "origin not allowed" or "origin missing or invalid".
std::string origin_refusal(const Peer& peer, const AuthSettings& settings);

}  // namespace openclaw::gateway
