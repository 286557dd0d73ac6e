// Checks the shared secret of a connection or request, in front of it the limiter. Loop thread
// only.
#pragma once

#include <chrono>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "gateway/auth_settings.h"
#include "gateway/frame.h"
#include "gateway/peer.h"
#include "gateway/rate_limiter.h"

namespace openclaw::gateway {

struct Presented {
  std::optional<std::string> token, password;
};

struct AuthResult {
  bool ok = false;
  std::string method;  // "token", "password", "none", "trusted-proxy"
  std::string user;    // of trusted-proxy
  std::string reason;  // "token_mismatch", ...; empty when ok
  std::chrono::milliseconds retry_after{0};
};

// Compares and nothing else; no limiter.
AuthResult check_secret(const AuthSettings& settings, const Presented& presented, const Peer& peer,
                        const HeaderLookup& header);

// Limiter keys and limits of one peer. Browsers on this machine share one pseudo address, so that a
// page that guesses is locked out without locking the CLI.
class AuthGuard {
 public:
  explicit AuthGuard(RateLimiter& limiter) : limiter_(limiter) {}
  std::chrono::milliseconds locked_for(const Peer& peer, std::string_view credential);
  void failed(const AuthSettings& settings, const Peer& peer, std::string_view credential);
  void succeeded(const Peer& peer, std::string_view credential);

 private:
  RateLimiter& limiter_;
  // Addresses that once knew a secret: guesses of strangers at the same credential do not lock them
  // out.
  std::set<std::string, std::less<>> known_;
};
inline constexpr std::string_view kSharedSecret = "shared-secret";

// limiter + compare + count: the whole check of an HTTP API request. `authorization` is the
// header's value.
AuthResult check_bearer(const AuthSettings& settings, AuthGuard& guard, const Peer& peer,
                        std::string_view authorization, const HeaderLookup& header);

// The refusal of section 4.3 for a connect.
struct ConnectTraits {
  std::string client_id;
  bool has_device = false, has_token = false, has_device_token = false;
};
WireError refusal(const std::string& reason, const ConnectTraits& client);

}  // namespace openclaw::gateway
