// WebSocketClient: outbound WebSockets (ws and wss) on the loop.
//
// Events come on the loop, `close` last and once. The egress guard decides on the resolved address,
// TLS is verified against the system's store, pings keep the connection alive and find dead peers.
// A request with a proxy goes through it and nowhere else.
// Owner: HostServices; stop() is awaited before it is destroyed.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "async/task_scope.h"
#include "net/flow_window.h"
#include "net/http_headers.h"
#include "net/proxy_address.h"
#include "net/url.h"

namespace openclaw::net {

struct WebSocketRequest {
  Url url;  // "ws://" or "wss://"
  HttpHeaders headers;
  bool allow_private = false;
  // The operator's choice, so it may be anywhere; the name of `url` is left to it.
  std::optional<ProxyAddress> proxy = {};
  // Resolve, connect, proxy, TLS and upgrade together.
  std::chrono::milliseconds connect_timeout{15'000};
  std::chrono::milliseconds idle_timeout{60'000};  // a ping at half of it
  std::size_t max_message_bytes = 16u << 20;
  std::size_t send_queue_bytes = 1u << 20;
  std::size_t window_bytes = 1u << 20;  // received and not yet consumed
};

struct WebSocketEvents {
  std::function<void(std::string subprotocol)> open;
  std::function<void(std::string data, bool is_text, Credit credit)> message;
  std::function<void()> writable;
  // kOk after a closing handshake, with the peer's code and reason; else 1006 and what went wrong.
  std::function<void(Code code, std::uint16_t close_code, std::string reason)> close;
};

// Calls on a connection that has ended do nothing. [any-thread]
class WebSocketConnection {
 public:
  virtual ~WebSocketConnection() = default;
  // kOk, kWouldBlock (nothing taken; `writable` follows) or kNotFound when it has ended.
  virtual Code send(std::string data, bool is_text) = 0;
  // What waits is written first.
  virtual void close(std::uint16_t close_code, std::string reason) = 0;
  // At once, without a handshake; `close` comes with kCancelled.
  virtual void abort() = 0;
};

class WebSocketClient {
 public:
  // `ca_file`: trusted besides the system's store, for tests and private authorities.
  explicit WebSocketClient(Runtime& runtime, std::string ca_file = {});
  ~WebSocketClient();
  // [any-thread]; after stop() `close` comes at once.
  std::shared_ptr<WebSocketConnection> connect(WebSocketRequest request, WebSocketEvents events);
  Awaitable<> stop(Deadline deadline);

 private:
  struct State;
  Runtime& runtime_;
  std::shared_ptr<State> state_;
};

}  // namespace openclaw::net
