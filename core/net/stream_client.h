// StreamClient: raw duplex byte streams over tcp and unix sockets, for protocols that are not HTTP
// all the way (the Docker Engine's hijacked connections).
//
// Events come on the loop, `close` last and once. The egress guard decides on the resolved address.
// Owner: HostServices; stop() is awaited before it is destroyed.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "async/task_scope.h"
#include "net/flow_window.h"
#include "net/url.h"

namespace openclaw::net {

struct StreamRequest {
  Url url;  // "tcp:host:port" or "unix:/path"
  bool allow_private = false;
  std::chrono::milliseconds connect_timeout{10'000};
  std::size_t send_queue_bytes = 1u << 20;
  std::size_t window_bytes = 256 * 1024;  // received and not yet consumed
};

struct StreamEvents {
  std::function<void()> open;
  std::function<void(std::string data, Credit credit)> data;
  std::function<void()> writable;
  std::function<void(Code code, std::string reason)> close;  // kOk: the peer ended it
};

// Calls on a connection that has ended do nothing. [any-thread]
class StreamConnection {
 public:
  virtual ~StreamConnection() = default;
  // kOk, kWouldBlock (nothing taken; `writable` follows) or kNotFound when it has ended.
  virtual Code send(std::string data) = 0;
  // No more data from this side, once what waits is written.
  virtual void shut_write() = 0;
  virtual void pause(bool paused) = 0;
  // Drops what waits; `close` comes with kCancelled.
  virtual void close() = 0;
};

class StreamClient {
 public:
  explicit StreamClient(Runtime& runtime)
      : runtime_(runtime), scope_(std::make_shared<TaskScope>(runtime)) {}
  // [any-thread]; after stop() `close` comes at once.
  std::shared_ptr<StreamConnection> connect(StreamRequest request, StreamEvents events);
  Awaitable<> stop(Deadline deadline);

 private:
  Runtime& runtime_;
  std::shared_ptr<TaskScope> scope_;  // shared with what connect() has posted
};

}  // namespace openclaw::net
