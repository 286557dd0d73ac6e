// GatewayClient: one WebSocket connection to a gateway, protocol v3, as the CLI uses it.
// Loop thread only.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "async/runtime.h"
#include "gateway_client/target.h"
#include "result.h"

namespace openclaw::gateway_client {

// How the client introduces itself (gateway protocol, section 12).
enum class ConnectAs {
  kFull,   // cli/cli, all operator scopes, signed by the device
  kLeast,  // gateway-client/backend with the scopes named
  kProbe,  // cli in mode probe, operator.read; on loopback without a device
};

class GatewayClient {
 public:
  GatewayClient(Runtime& runtime, Target target, std::filesystem::path state_dir);
  ~GatewayClient();
  GatewayClient(const GatewayClient&) = delete;
  GatewayClient& operator=(const GatewayClient&) = delete;

  // Answers the hello-ok payload. kUnavailable: nobody listens there; kUnauthenticated: refused, message is the
  // gateway's with the target and its source.
  Awaitable<Result<json::object>> connect(ConnectAs as, std::vector<std::string> scopes, Limits limits);
  // One request. With `final_answer` a first answer whose status is "accepted" is skipped.
  Awaitable<Result<json::value>> call(std::string method, json::value params, Limits limits,
                                      bool final_answer = false);
  using EventHandler = std::function<void(std::string_view event, const json::object& payload)>;
  void on_event(EventHandler handler);
  Awaitable<> close();

 private:
  struct Connection;
  std::shared_ptr<Connection> connection_;
};

}  // namespace openclaw::gateway_client
