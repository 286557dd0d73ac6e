// The decision on a `connect` request: sections 2 to 5 of the protocol, in that order, first
// failure wins. Touches memory only; what it changed in the device store is saved by the caller.
// Loop thread only.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "gateway/client.h"
#include "gateway/connect_params.h"
#include "gateway/frame.h"
#include "gateway/params.h"

namespace openclaw::gateway {

struct ServerState;

struct HandshakeOutcome {
  std::shared_ptr<const Client> client;  // set: accepted
  json::object auth;                     // of hello-ok; empty when no device token exists
  bool save_first = false;               // a token was made: durable before it is handed out
  // A silent approval to announce, or a new request.
  std::optional<json::object> pair_resolved, pair_requested;

  WireError error;  // when refused
  unsigned close_code = 1008;
};

HandshakeOutcome evaluate_connect(ServerState& state, const json::value& params, const Peer& peer,
                                  std::string_view nonce);
// What hello-ok carries beside "auth".
json::object hello_payload(ServerState& state, const Client& client);

}  // namespace openclaw::gateway
