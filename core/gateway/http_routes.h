// The table of HTTP routes: every way into the gateway by HTTP, so that a test can walk all of
// them.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "async/awaitable.h"
#include "gateway/http_exchange.h"

namespace openclaw::gateway {

struct ServerState;

enum class Access {
  kOpen,    // nothing is asked for
  kPage,    // open, but only under a Host name that no stranger's DNS can own
  kBearer,  // the shared secret in the Authorization header, before the body is read
};

using SyncHandler = HttpResponse (*)(ServerState& state, const HttpExchange& exchange);
using AsyncHandler = Awaitable<HttpResponse> (*)(ServerState& state,
                                                 std::shared_ptr<HttpExchange> exchange);

struct Route {
  std::string_view path;
  bool prefix = false;  // also everything below `path`
  bool get = false;     // GET and HEAD
  bool post = false;
  Access access = Access::kBearer;
  std::variant<SyncHandler, AsyncHandler> handler;
  std::size_t max_body = 0;
  std::chrono::milliseconds body_time{30000};
  // Null: always there. False: the path is as if unknown.
  bool (*enabled)(ServerState& state) = nullptr;
  // A wrong method is 405; false: it falls through to later routes.
  bool claims_all_methods = true;
  bool watch_client = false;  // HttpExchange::gone() fires when the client leaves
};

// In the order they are tried.
const std::vector<Route>& http_routes();

// What to do with a request whose header is complete. `response` set: answer it, do not read a
// body.
struct Admission {
  const Route* route = nullptr;
  std::optional<HttpResponse> response;
  std::string_view prepared;  // a complete keep-alive response, if not empty
};
Admission admit(ServerState& state, const HttpExchange& exchange);

// Headers every response carries, "Name: value\r\n" each.
const std::string& fixed_headers();

}  // namespace openclaw::gateway
