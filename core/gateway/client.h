// Client: what the gateway knows of an accepted connection. Fixed at the handshake; made from the
// server's own records, never from what a later request says.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/peer.h"
#include "identity/device_store.h"

namespace openclaw::gateway {

struct Client {
  std::string conn_id;
  std::string id, mode, version, platform, device_family, model_identifier, display_name,
      instance_id;
  std::string role;
  std::vector<std::string> scopes;
  std::string device_id;    // empty: none
  std::string auth_method;  // "token", "password", "none", "trusted-proxy", "device-token"
  bool tool_events = false;
  Peer peer;

  bool holds(std::string_view scope) const {
    return identity::scopes_cover(role, scopes, {std::string(scope)});
  }
  bool is_admin() const { return role == "operator" && holds("operator.admin"); }
  bool is_webchat() const { return mode == "webchat" && id != "openclaw-control-ui"; }
};

}  // namespace openclaw::gateway
