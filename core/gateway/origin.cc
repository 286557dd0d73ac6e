#include "gateway/origin.h"

#include <algorithm>

#include "gateway/peer.h"

namespace openclaw::gateway {
namespace {

}  // namespace

bool origin_rule_applies(const Peer& peer, std::string_view client_id,
                         std::string_view client_mode) {
  return !peer.origin.empty() || client_id == "openclaw-control-ui" || client_id == "webchat-ui" ||
         client_mode == "webchat";
}

std::string origin_refusal(const Peer& peer, const AuthSettings& settings) {
  auto origin = lowered(peer.origin);
  auto scheme_end = origin.find("://");
  if (scheme_end == std::string::npos || scheme_end == 0) return "origin missing or invalid";
  auto authority = origin.substr(scheme_end + 3);
  // A path, a user or a query is no origin; browsers never send one.
  if (authority.empty() || authority.find_first_of("/@?# \\") != std::string::npos) {
    return "origin missing or invalid";
  }
  auto name = host_name(authority);
  if (name.empty()) return "origin missing or invalid";
  const auto& allowed = settings.allowed_origins;
  for (const auto& entry : allowed) {
    if (entry == "*" || entry == origin) return {};
  }
  if (settings.host_header_origin_fallback && authority == lowered(peer.host)) return {};
  if (peer.local && is_loopback_name(name)) return {};
  return "origin not allowed";
}

}  // namespace openclaw::gateway
