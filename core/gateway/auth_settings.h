// AuthSettings: what gateway.auth, gateway.controlUi and gateway.trustedProxies say, read once per
// configuration snapshot. Pure. [any-thread]
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "config/config.h"
#include "gateway/rate_limiter.h"

namespace openclaw::gateway {

struct AuthSettings {
  enum class Mode { kToken, kPassword, kNone, kTrustedProxy };
  Mode mode = Mode::kToken;
  std::string token, password;
  std::vector<std::string> trusted_proxies;
  struct TrustedProxy {
    bool configured = false;
    std::string user_header;
    std::vector<std::string> required_headers, allow_users;
  } trusted_proxy;
  RateLimits limits;
  bool limits_configured = false;
  bool exempt_loopback = true;

  std::vector<std::string> allowed_origins;  // lower case
  bool host_header_origin_fallback = false;
  bool allow_insecure_auth = false;
  bool disable_device_auth = false;
  bool control_ui_enabled = true;
  std::string base_path;
  std::string hsts;
};

AuthSettings read_auth_settings(const config::Config& config);
std::string_view mode_name(AuthSettings::Mode mode) noexcept;

// Why these settings must not be served, with what to type: a placeholder or short secret, no
// secret at all, mode none beyond loopback. Empty when they are fine.
std::string refuse_to_start(const AuthSettings& settings, bool beyond_loopback);

}  // namespace openclaw::gateway
