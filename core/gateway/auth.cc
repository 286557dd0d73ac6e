#include "gateway/auth.h"

#include <algorithm>

#include <spdlog/spdlog.h>

#include "identity/device_identity.h"

namespace openclaw::gateway {
namespace {

using Mode = AuthSettings::Mode;

// Behind an operator's own typing mistakes, in front of a program that guesses.
constexpr RateLimits kLoopbackLimits{30, std::chrono::seconds(60), std::chrono::seconds(60)};
// All addresses together against one credential.
constexpr RateLimits kCredentialLimits{200, std::chrono::seconds(60), std::chrono::seconds(30)};
constexpr std::size_t kMaxKnown = 1024;
constexpr std::string_view kLoopbackBrowsers = "198.18.0.1";

AuthResult refused(std::string reason) {
  AuthResult out;
  out.reason = std::move(reason);
  return out;
}

AuthResult accepted(std::string_view method) {
  AuthResult out;
  out.ok = true;
  out.method = method;
  return out;
}

AuthResult compare(std::string_view kind, const std::string& configured,
                   const std::optional<std::string>& given) {
  if (configured.empty()) return refused(std::string(kind) + "_missing_config");
  if (!given || given->empty()) return refused(std::string(kind) + "_missing");
  if (!identity::constant_time_equal(configured, *given))
    return refused(std::string(kind) + "_mismatch");
  return accepted(kind);
}

AuthResult by_proxy(const AuthSettings& settings, const Peer& peer, const HeaderLookup& header) {
  const auto& proxy = settings.trusted_proxy;
  if (!proxy.configured || proxy.user_header.empty())
    return refused("trusted_proxy_config_missing");
  if (settings.trusted_proxies.empty()) return refused("trusted_proxy_no_proxies_configured");
  if (!peer.trusted_proxy) return refused("trusted_proxy_untrusted_source");
  for (const auto& name : proxy.required_headers) {
    if (header(name).empty()) return refused("trusted_proxy_missing_header_" + name);
  }
  auto user = header(proxy.user_header);
  if (user.empty()) return refused("trusted_proxy_user_missing");
  const auto& allowed = proxy.allow_users;
  if (!allowed.empty() && std::find(allowed.begin(), allowed.end(), user) == allowed.end()) {
    return refused("trusted_proxy_user_not_allowed");
  }
  auto out = accepted("trusted-proxy");
  out.user = user;
  return out;
}

std::string address_key(const Peer& peer) {
  bool browser = !peer.origin.empty();
  if (browser && is_loopback_address(peer.client))
    return "address:" + std::string(kLoopbackBrowsers);
  return "address:" + limiter_address(peer.client);
}

std::string credential_key(std::string_view credential) {
  return "credential:" + std::string(credential.substr(0, 128));
}

bool ends_with(std::string_view text, std::string_view end) {
  return text.size() >= end.size() && text.substr(text.size() - end.size()) == end;
}

struct Hints {
  std::string_view token, password;
};
Hints hints_for(std::string_view client_id) {
  if (client_id == "cli") {
    return {"set gateway.remote.token to match gateway.auth.token",
            "set gateway.remote.password to match gateway.auth.password"};
  }
  if (client_id == "openclaw-control-ui" || client_id == "webchat-ui" || client_id == "webchat") {
    return {"open the dashboard URL and paste the token in Control UI settings",
            "enter the password in Control UI settings"};
  }
  return {"provide gateway auth token", "provide gateway auth password"};
}

struct Words {
  std::string code, message;
};

Words shared_secret_words(const std::string& reason, std::string_view client_id) {
  bool token = reason.rfind("token_", 0) == 0;
  std::string kind = token ? "token" : "password";
  std::string upper = token ? "TOKEN" : "PASSWORD";
  auto hints = hints_for(client_id);
  auto hint = std::string(token ? hints.token : hints.password);
  if (ends_with(reason, "_missing_config")) {
    return {"AUTH_" + upper + "_NOT_CONFIGURED",
            "unauthorized: gateway " + kind + " not configured on gateway (set gateway.auth." +
                kind + ")"};
  }
  if (ends_with(reason, "_missing")) {
    return {"AUTH_" + upper + "_MISSING",
            "unauthorized: gateway " + kind + " missing (" + hint + ")"};
  }
  return {"AUTH_" + upper + "_MISMATCH",
          "unauthorized: gateway " + kind + " mismatch (" + hint + ")"};
}

Words words_for(const std::string& reason, std::string_view client_id) {
  if (reason.empty()) return {"AUTH_REQUIRED", "unauthorized"};
  if (reason == "bootstrap_token_invalid") {
    return {"AUTH_BOOTSTRAP_TOKEN_INVALID",
            "unauthorized: bootstrap token invalid or expired (scan a fresh setup code)"};
  }
  if (reason == "device_token_mismatch") {
    return {"AUTH_DEVICE_TOKEN_MISMATCH",
            "unauthorized: device token mismatch (rotate/reissue device token)"};
  }
  if (reason == "rate_limited") {
    return {"AUTH_RATE_LIMITED",
            "unauthorized: too many failed authentication attempts (retry later)"};
  }
  if (reason.rfind("token_", 0) == 0 || reason.rfind("password_", 0) == 0) {
    return shared_secret_words(reason, client_id);
  }
  return {"AUTH_UNAUTHORIZED", "unauthorized"};
}

}  // namespace

AuthResult check_secret(const AuthSettings& settings, const Presented& presented, const Peer& peer,
                        const HeaderLookup& header) {
  switch (settings.mode) {
    case Mode::kNone:
      return accepted("none");
    case Mode::kTrustedProxy:
      return by_proxy(settings, peer, header);
    case Mode::kPassword:
      return compare("password", settings.password, presented.password);
    case Mode::kToken:
      break;
  }
  return compare("token", settings.token, presented.token);
}

std::chrono::milliseconds AuthGuard::locked_for(const Peer& peer, std::string_view credential) {
  auto address = address_key(peer);
  auto wait = limiter_.locked_for(address);
  if (known_.count(address) > 0) return wait;
  return std::max(wait, limiter_.locked_for(credential_key(credential)));
}

void AuthGuard::failed(const AuthSettings& settings, const Peer& peer,
                       std::string_view credential) {
  bool loopback = is_loopback_address(peer.client);
  bool lenient =
      loopback && peer.origin.empty() && (!settings.limits_configured || settings.exempt_loopback);
  if (limiter_.failed(address_key(peer), lenient ? kLoopbackLimits : settings.limits)) {
    spdlog::warn("too many wrong secrets from {}: locked out for {} s", peer.client,
                 (lenient ? kLoopbackLimits : settings.limits).lockout.count() / 1000);
  }
  if (limiter_.failed(credential_key(credential), kCredentialLimits)) {
    spdlog::warn("too many wrong secrets for {}: locked for {} s", credential,
                 kCredentialLimits.lockout.count() / 1000);
  }
}

void AuthGuard::succeeded(const Peer& peer, std::string_view credential) {
  auto address = address_key(peer);
  limiter_.succeeded(address);
  if (known_.size() >= kMaxKnown) known_.clear();
  known_.insert(std::move(address));
  // The shared secret's own count runs over all addresses: one good login must not clear a
  // stranger's guesses.
  if (credential != kSharedSecret) limiter_.succeeded(credential_key(credential));
}

AuthResult check_bearer(const AuthSettings& settings, AuthGuard& guard, const Peer& peer,
                        std::string_view authorization, const HeaderLookup& header) {
  Presented presented;
  constexpr std::string_view kScheme = "bearer ";
  if (authorization.size() > kScheme.size()) {
    bool bearer =
        std::equal(kScheme.begin(), kScheme.end(), authorization.begin(), [](char want, char c) {
          return want == (c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c);
        });
    if (bearer)
      presented.token = presented.password = std::string(authorization.substr(kScheme.size()));
  }
  if (presented.token) {
    if (auto wait = guard.locked_for(peer, kSharedSecret); wait.count() > 0) {
      auto out = refused("rate_limited");
      out.retry_after = wait;
      return out;
    }
  }
  auto result = check_secret(settings, presented, peer, header);
  if (ends_with(result.reason, "_mismatch")) guard.failed(settings, peer, kSharedSecret);
  if (result.ok && presented.token) guard.succeeded(peer, kSharedSecret);
  return result;
}

WireError refusal(const std::string& reason, const ConnectTraits& client) {
  auto words = words_for(reason, client.client_id);
  bool retry = reason == "token_mismatch" && client.has_device && client.has_token &&
               !client.has_device_token;
  std::string next = "review_auth_configuration";
  if (retry) {
    next = "retry_with_device_token";
  } else if (reason == "rate_limited") {
    next = "wait_then_retry";
  } else if (ends_with(reason, "_missing") || ends_with(reason, "_missing_config")) {
    next = "update_auth_configuration";
  } else if (ends_with(reason, "_mismatch")) {
    next = "update_auth_credentials";
  }
  json::object details{{"code", words.code}};
  if (!reason.empty()) details["authReason"] = reason;
  details["canRetryWithDeviceToken"] = retry;
  details["recommendedNextStep"] = next;
  WireError error;
  error.code = kInvalidRequest;
  error.message = words.message;
  error.details = std::move(details);
  return error;
}

}  // namespace openclaw::gateway
