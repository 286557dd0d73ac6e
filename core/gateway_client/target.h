// Target: which gateway a client talks to and with which credentials, and where each came from.
#pragma once

#include <string>

#include "config/config.h"
#include "result.h"

namespace openclaw::gateway_client {

// From the command line; empty = not given.
struct Overrides {
  std::string url, token, password;
};

struct Target {
  std::string url;         // "ws://127.0.0.1:18789"
  std::string url_source;  // "default", "--url", "OPENCLAW_GATEWAY_URL", "gateway.remote.url", "gateway.port"
  std::string token, password;
  bool loopback = true;
};

// Order of credentials: flags, OPENCLAW_GATEWAY_TOKEN / _PASSWORD, the config (local or remote). A url
// given by flag or OPENCLAW_GATEWAY_URL demands credentials given the same way. Plain ws:// is for loopback;
// OPENCLAW_ALLOW_INSECURE_PRIVATE_WS=1 opens private addresses. Refusals happen here, before any connection.
Result<Target> resolve_target(const config::Config& config, const Overrides& overrides);

}  // namespace openclaw::gateway_client
