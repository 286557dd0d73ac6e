#include "gateway/auth_settings.h"

#include <algorithm>
#include <array>
#include <cstdlib>

#include "gateway/peer.h"

namespace openclaw::gateway {
namespace {

// What people and scripts leave behind when a variable was not set.
constexpr std::array<std::string_view, 12> kPlaceholders = {
    "undefined", "null",     "none",   "nil",        "changeme",   "change-me",
    "token",     "password", "secret", "your-token", "your_token", "<token>"};
constexpr std::size_t kMinSecret = 8;

std::string environment(const char* name) {
  const char* value = std::getenv(name);  // NOLINT(concurrency-mt-unsafe)
  return value ? value : "";
}

std::vector<std::string> all_lowered(std::vector<std::string> texts) {
  for (auto& text : texts) text = lowered(text);
  return texts;
}

bool placeholder(const std::string& secret) {
  auto low = lowered(secret);
  return std::find(kPlaceholders.begin(), kPlaceholders.end(), low) != kPlaceholders.end();
}

}  // namespace

AuthSettings read_auth_settings(const config::Config& config) {
  AuthSettings out;
  out.token = config.get_string("gateway.auth.token");
  if (out.token.empty()) out.token = environment("OPENCLAW_GATEWAY_TOKEN");
  out.password = config.get_string("gateway.auth.password");
  if (out.password.empty()) out.password = environment("OPENCLAW_GATEWAY_PASSWORD");
  auto mode = config.get_string("gateway.auth.mode");
  using AuthMode = AuthSettings::Mode;
  out.mode = mode == "none"            ? AuthMode::kNone
             : mode == "password"      ? AuthMode::kPassword
             : mode == "trusted-proxy" ? AuthMode::kTrustedProxy
             : mode == "token"         ? AuthMode::kToken
             : out.password.empty()    ? AuthMode::kToken
                                       : AuthMode::kPassword;
  out.trusted_proxies = config.get_strings("gateway.trustedProxies");
  out.trusted_proxy.configured = config.find("gateway.auth.trustedProxy") != nullptr;
  out.trusted_proxy.user_header = config.get_string("gateway.auth.trustedProxy.userHeader");
  out.trusted_proxy.required_headers =
      config.get_strings("gateway.auth.trustedProxy.requiredHeaders");
  out.trusted_proxy.allow_users = config.get_strings("gateway.auth.trustedProxy.allowUsers");
  out.limits_configured = config.find("gateway.auth.rateLimit") != nullptr;
  out.limits.max_attempts = static_cast<int>(
      std::clamp<std::int64_t>(config.get_int("gateway.auth.rateLimit.maxAttempts", 10), 1, 1000));
  out.limits.window = std::chrono::milliseconds(
      std::max<std::int64_t>(config.get_int("gateway.auth.rateLimit.windowMs", 60000), 1000));
  out.limits.lockout = std::chrono::milliseconds(
      std::max<std::int64_t>(config.get_int("gateway.auth.rateLimit.lockoutMs", 300000), 1000));
  out.exempt_loopback = config.get_bool("gateway.auth.rateLimit.exemptLoopback", true);
  out.allowed_origins = all_lowered(config.get_strings("gateway.controlUi.allowedOrigins"));
  out.host_header_origin_fallback =
      config.get_bool("gateway.controlUi.dangerouslyAllowHostHeaderOriginFallback", false);
  out.allow_insecure_auth = config.get_bool("gateway.controlUi.allowInsecureAuth", false);
  out.disable_device_auth =
      config.get_bool("gateway.controlUi.dangerouslyDisableDeviceAuth", false);
  out.control_ui_enabled = config.get_bool("gateway.controlUi.enabled", true);
  out.base_path = config.get_string("gateway.controlUi.basePath");
  while (!out.base_path.empty() && out.base_path.back() == '/') out.base_path.pop_back();
  if (!out.base_path.empty() && out.base_path.front() != '/') out.base_path.insert(0, 1, '/');
  out.hsts = config.get_string("gateway.http.securityHeaders.strictTransportSecurity");
  return out;
}

std::string_view mode_name(AuthSettings::Mode mode) noexcept {
  switch (mode) {
    case AuthSettings::Mode::kToken:
      return "token";
    case AuthSettings::Mode::kPassword:
      return "password";
    case AuthSettings::Mode::kNone:
      return "none";
    case AuthSettings::Mode::kTrustedProxy:
      return "trusted-proxy";
  }
  return "token";
}

std::string refuse_to_start(const AuthSettings& settings, bool beyond_loopback) {
  using AuthMode = AuthSettings::Mode;
  if (settings.mode == AuthMode::kNone) {
    return beyond_loopback
               ? "gateway.auth.mode is none, but gateway.bind reaches beyond this machine; "
                 "type: openclaw config set gateway.auth.mode token"
               : "";
  }
  if (settings.mode == AuthMode::kTrustedProxy) {
    if (settings.trusted_proxy.user_header.empty() || settings.trusted_proxies.empty()) {
      return "gateway.auth.mode is trusted-proxy; it needs gateway.trustedProxies and "
             "gateway.auth.trustedProxy.userHeader";
    }
    return "";
  }
  bool is_token = settings.mode == AuthMode::kToken;
  const auto& secret = is_token ? settings.token : settings.password;
  std::string key = is_token ? "gateway.auth.token" : "gateway.auth.password";
  if (secret.empty()) {
    return key + " is not set; type: openclaw onboard, or set " +
           (is_token ? "OPENCLAW_GATEWAY_TOKEN" : "OPENCLAW_GATEWAY_PASSWORD");
  }
  if (placeholder(secret)) {
    return key + " holds a placeholder, not a secret; type: openclaw config set " + key +
           " \"$(openssl rand -hex 32)\"";
  }
  if (secret.size() < kMinSecret) {
    return key + " has fewer than " + std::to_string(kMinSecret) +
           " characters; type: openclaw config set " + key + " \"$(openssl rand -hex 32)\"";
  }
  return "";
}

}  // namespace openclaw::gateway
