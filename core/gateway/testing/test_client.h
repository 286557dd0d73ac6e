// Blocking clients for tests: HTTP by hand, so that a test can send anything, and protocol v3 over
// WebSocket. One thread each; every wait has a deadline.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "identity/device_identity.h"
#include "result.h"

namespace openclaw::gateway::testing {

struct HttpAnswer {
  int status = 0;
  std::string head;  // status line and headers
  std::string body;
  std::string header(std::string_view name) const;  // first of that name, "" when absent
};

// One connection to 127.0.0.1:port.
class RawConnection {
 public:
  explicit RawConnection(std::uint16_t port, std::string_view address = "127.0.0.1");
  ~RawConnection();
  RawConnection(const RawConnection&) = delete;
  RawConnection& operator=(const RawConnection&) = delete;
  bool connected() const { return fd_ >= 0; }
  bool send(std::string_view bytes);
  // One whole response; nullopt at the end of the connection or after `wait`.
  std::optional<HttpAnswer> read(std::chrono::milliseconds wait = std::chrono::seconds(10),
                                 bool head_only = false);
  // True when the other side has closed within the time.
  bool closed(std::chrono::milliseconds wait = std::chrono::seconds(10));

 private:
  bool fill(std::chrono::steady_clock::time_point until);
  int fd_ = -1;
  std::string input_;
  bool end_ = false;
};

// A whole exchange on a connection of its own. `headers` are complete lines ("A: b\r\n"); Host is
// 127.0.0.1 unless given.
HttpAnswer http(std::uint16_t port, std::string_view method, std::string_view target,
                std::string_view headers = {}, std::string_view body = {});

struct ConnectOptions {
  std::string client_id = "cli", client_mode = "cli", role = "operator", platform = "linux",
              version = "test";
  std::vector<std::string> scopes = {"operator.admin"};
  std::vector<std::string> caps;
  std::optional<std::string> token, password, device_token;
  const identity::DeviceIdentity* device = nullptr;  // null: without a device
  bool sign_v2 = false;
  std::optional<std::string> nonce;  // instead of the challenge's
  std::int64_t signed_at_offset_ms = 0;
  std::string signature;  // instead of the right one
};

struct CloseInfo {
  unsigned code = 0;
  std::string reason;
};

class WsClient {
 public:
  // `headers`: {"Origin", "http://..."} and so on.
  WsClient(std::uint16_t port,
           const std::vector<std::pair<std::string, std::string>>& headers = {});
  ~WsClient();
  WsClient(const WsClient&) = delete;
  WsClient& operator=(const WsClient&) = delete;

  bool open() const;  // the upgrade was accepted
  bool send(std::string_view text);
  // Next frame; nullopt when closed or nothing came in time.
  std::optional<json::object> next(std::chrono::milliseconds wait = std::chrono::seconds(10));
  // Skips frames until the event or the response comes.
  std::optional<json::object> event(std::string_view name,
                                    std::chrono::milliseconds wait = std::chrono::seconds(10));
  std::optional<json::object> response(std::string_view id,
                                       std::chrono::milliseconds wait = std::chrono::seconds(10));
  // Reads until the connection has ended.
  CloseInfo wait_closed(std::chrono::milliseconds wait = std::chrono::seconds(10));

  const std::string& nonce();  // waits for the challenge
  json::object connect_params(const ConnectOptions& options);
  // The response to connect.
  json::object connect(const ConnectOptions& options);
  // The response to a call; fails the test process when none comes.
  json::object call(std::string_view method, json::value params = json::object{});
  std::string send_request(std::string_view method, json::value params);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace openclaw::gateway::testing
