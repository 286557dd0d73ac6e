// HttpServer: listens, speaks HTTP/1.1 and hands WebSocket upgrades on. The Beast parser lives in
// the .cc; what requests mean is the application's business. Loop thread only.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "async/task_scope.h"
#include "gateway/frame_channel.h"
#include "gateway/http_routes.h"
#include "gateway/socket_budget.h"

namespace openclaw::gateway {

class HttpServer {
 public:
  static std::unique_ptr<HttpServer> create(ServerState& state);
  virtual ~HttpServer() = default;
  // One listener per address; port 0 takes a free one, the same for all.
  virtual Result<void> listen(const std::vector<std::string>& addresses, std::uint16_t port) = 0;
  virtual std::uint16_t port() const = 0;
  virtual std::vector<std::string> addresses() const = 0;
  virtual void stop_accepting() = 0;
  // Ends every HTTP connection that is idle; WebSockets are closed by their receivers.
  virtual void close_idle() = 0;
  // Drops every connection now.
  virtual void close_all() = 0;
  virtual std::size_t connections() const = 0;
  // Ends when there is no connection any more, or at the deadline.
  virtual Awaitable<> drained(Deadline deadline) = 0;
};

// Time and size limits of what happens before anybody is known.
inline constexpr std::size_t kMaxHeaderBytes = 16 * 1024;
inline constexpr std::chrono::seconds kHeaderTime{10};
inline constexpr std::chrono::seconds kIdleTime{75};
inline constexpr std::size_t kMaxStrangers = 512;
inline constexpr std::size_t kMaxSockets = 4096;
inline constexpr std::size_t kPreAuthFrame = 65536;
inline constexpr std::size_t kMaxFrame = 26214400;
inline constexpr std::size_t kMaxBuffered = 52428800;
inline constexpr std::chrono::milliseconds kHandshakeTime{3000};

}  // namespace openclaw::gateway
