#include "gateway_client/target.h"

#include <cstdlib>
#include <string_view>

#include <boost/asio/ip/address.hpp>
#include <boost/system/error_code.hpp>
#include <boost/url/parse.hpp>
#include <boost/url/url_view.hpp>

namespace openclaw::gateway_client {
namespace {

std::string environment(const char* name) {
  const char* value = std::getenv(name);  // NOLINT(concurrency-mt-unsafe): before threads start
  return value ? value : "";
}

bool is_private_v4(const boost::asio::ip::address_v4& address) {
  auto bits = address.to_uint();
  return (bits >> 24) == 10 || (bits >> 20) == (172U << 4 | 1) || (bits >> 16) == (192U << 8 | 168);
}

struct Host {
  bool loopback = false, trusted_private = false;
};

Host classify(std::string_view host) {
  if (host == "localhost") return {true, false};
  boost::system::error_code failed;
  auto address = boost::asio::ip::make_address(std::string(host), failed);
  if (failed) return {};
  if (address.is_loopback()) return {true, false};
  if (address.is_v4()) return {false, is_private_v4(address.to_v4())};
  auto first = address.to_v6().to_bytes()[0];
  return {false, (first & 0xfeU) == 0xfcU};
}

}  // namespace

Result<Target> resolve_target(const config::Config& config, const Overrides& overrides) {
  Target target;
  bool remote = config.get_string("gateway.mode", "local") == "remote";
  std::string env_url = environment("OPENCLAW_GATEWAY_URL");
  bool explicit_url = true;
  if (!overrides.url.empty()) {
    target.url = overrides.url;
    target.url_source = "--url";
  } else if (!env_url.empty()) {
    target.url = env_url;
    target.url_source = "OPENCLAW_GATEWAY_URL";
  } else if (remote && config.find("gateway.remote.url")) {
    target.url = config.get_string("gateway.remote.url");
    target.url_source = "gateway.remote.url (" + config.origin("gateway.remote.url").text() + ")";
    explicit_url = false;
  } else {
    target.url = "ws://127.0.0.1:" + std::to_string(config.get_int("gateway.port", 18789));
    target.url_source = "gateway.port (" + config.origin("gateway.port").text() + ")";
    explicit_url = false;
  }

  auto parsed = boost::urls::parse_uri(target.url);
  if (parsed.has_error() || (parsed->scheme() != "ws" && parsed->scheme() != "wss")) {
    return Error(Code::kInvalidArgument, "Gateway target " + target.url + " (from " + target.url_source +
                                             ") is not a ws:// or wss:// address.");
  }
  std::string host = parsed->host_address();
  Host kind = classify(host);
  target.loopback = kind.loopback;
  if (parsed->scheme() == "ws" && !kind.loopback) {
    bool allowed = kind.trusted_private && environment("OPENCLAW_ALLOW_INSECURE_PRIVATE_WS") == "1";
    if (!allowed) {
      return Error(Code::kPermissionDenied,
                   "Refusing to send credentials unencrypted to " + target.url + " (from " +
                       target.url_source + "). Use wss://, or an SSH tunnel to ws://127.0.0.1:18789" +
                       (kind.trusted_private
                            ? "; on a network you trust set OPENCLAW_ALLOW_INSECURE_PRIVATE_WS=1."
                            : "."));
    }
  }

  target.token = overrides.token.empty() ? environment("OPENCLAW_GATEWAY_TOKEN") : overrides.token;
  target.password =
      overrides.password.empty() ? environment("OPENCLAW_GATEWAY_PASSWORD") : overrides.password;
  if (!explicit_url) {
    std::string section = remote ? "gateway.remote." : "gateway.auth.";
    if (target.token.empty()) target.token = config.get_string(section + "token");
    if (target.password.empty()) target.password = config.get_string(section + "password");
  } else if (target.token.empty() && target.password.empty()) {
    return Error(Code::kUnauthenticated, "A gateway address given by " + target.url_source +
                                             " needs credentials given the same way: add --token or "
                                             "--password (or set OPENCLAW_GATEWAY_TOKEN).");
  }
  return target;
}

}  // namespace openclaw::gateway_client
