// Listeners: the doors through which platforms bring their events by HTTP. Each address and port is
// one door; who opened a route behind it is called with requests that showed the route's secret.
//
// Nothing is done for a stranger: path, method and secret are judged on the header alone, and a
// body is read only after that. Knows no platform. Loop thread only.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "async/task_scope.h"

namespace openclaw::webhook {

struct Request {
  std::string path, query, content_type, body;
};

// 200 says that the event is safe here; after anything else the platform brings it again.
struct Answer {
  unsigned status = 200;
  std::chrono::seconds retry_after{0};  // not said when zero
};

using Receiver = std::function<Awaitable<Answer>(Request request, Limits limits)>;

struct Route {
  std::string host;  // an IP address
  std::uint16_t port = 0;
  std::string path;
  std::string secret_header, secret;
  Receiver receiver;
};

// What happens before anybody is known, and how much of it at a time.
inline constexpr std::size_t kMaxHeaderBytes = 16 * 1024;
inline constexpr std::size_t kMaxBodyBytes = 1024 * 1024;
inline constexpr std::size_t kMaxConnections = 128;  // of one door
inline constexpr std::chrono::seconds kHeaderTime{10};
inline constexpr std::chrono::seconds kBodyTime{20};
inline constexpr std::chrono::seconds kHandleTime{25};
inline constexpr std::chrono::seconds kIdleTime{75};
inline constexpr std::chrono::seconds kWriteTime{20};

class Listener;

// A route that is open; its end closes the route, and the door with the last one. Requests that are
// under way get their answer.
class Lease {
 public:
  Lease(std::shared_ptr<Listener> door, std::string path)
      : door_(std::move(door)), path_(std::move(path)) {}
  ~Lease();
  Lease(const Lease&) = delete;
  Lease& operator=(const Lease&) = delete;
  std::uint16_t port() const;

 private:
  std::shared_ptr<Listener> door_;
  std::string path_;
};

class Listeners {
 public:
  explicit Listeners(Runtime& runtime) : runtime_(runtime), tasks_(runtime) {}
  // kAlreadyExists: the port or the path is taken. kInvalidArgument: no secret, or no IP address.
  Result<std::unique_ptr<Lease>> open(Route route);
  // Waits for requests under way, at most until the deadline. Leases are given up before.
  Awaitable<> stop(Deadline deadline);

 private:
  Runtime& runtime_;
  TaskScope tasks_;
  std::map<std::string, std::weak_ptr<Listener>> doors_;  // by "host port"
};

}  // namespace openclaw::webhook
