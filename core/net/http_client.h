// HttpClient: outbound HTTP/1.1 with libcurl, on a thread of its own that starts with the first
// request.
//
// One connection pool for all callers. Every socket is opened for an address that egress_guard.h
// let pass, and a pooled connection is checked again before each request. Nothing here logs; errors
// name host and port, never path, query or headers. Owner: HostServices, or a test.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "async/runtime.h"
#include "net/egress_guard.h"
#include "net/flow_window.h"
#include "net/http_headers.h"
#include "net/url.h"
#include "result.h"

namespace openclaw::net {

struct HttpRequest {
  std::string method = "GET";
  Url url;
  HttpHeaders headers;
  // Names of headers that must not follow a redirect to another origin, besides Authorization and
  // Cookie.
  std::vector<std::string> sensitive_headers;
  std::string body;
  // When set, the body is read from here instead: fills the buffer, answers the count, 0 at the
  // end, or a negative number on failure. Called on the client's thread. No redirects then.
  std::function<std::int64_t(char* buffer, std::size_t size)> body_source;
  std::uint64_t body_source_bytes = 0;

  std::chrono::milliseconds connect_timeout{10'000};
  std::chrono::milliseconds total_timeout{0};  // 0 = none
  std::chrono::milliseconds idle_timeout{0};   // without a byte either way; 0 = none
  std::uint64_t max_response_bytes = 16u << 20;
  bool allow_private = false;  // from EgressGuard::check
  int max_redirects = 0;
  // Decides on each further hop; without it there are none. Called on the client's thread.
  std::function<Result<EgressGuard::Verdict>(const Url&)> redirect_guard;
  // http_proxy and friends from the environment. The proxy is the operator's choice and not
  // checked.
  bool use_environment_proxy = false;
  // "http://[user:pass@]host:port", https, socks5 or socks5h: the way for everything, by a tunnel;
  // also the operator's choice. Names are left to the proxy, except by socks5.
  std::string proxy;
  bool proxied() const { return use_environment_proxy || !proxy.empty(); }
  // Never put on a second connection: for requests that must not be acted on twice. Without
  // redirects.
  bool once = false;
};

struct HttpResponse {
  int status = 0;
  HttpHeaders headers;  // names in lower case
  std::string body;     // empty when it was streamed
};

// Called on the client's thread; they must not block. `done` comes exactly once and last. An
// error's details hold "unsent":true when nothing of the request was written, so that repeating it
// is safe.
struct HttpEvents {
  std::function<void(const HttpResponse& head)> head;           // optional; before the first chunk
  std::function<void(std::string chunk, Credit credit)> chunk;  // optional; absent = body collected
  std::function<void(Result<HttpResponse>)> done;
};

struct HttpClientOptions {
  std::string ca_file;  // besides none: the system's store
  std::size_t window_bytes = 256 * 1024;
};

class HttpClient {
 public:
  using ChunkSink = std::function<void(std::string chunk, Credit credit)>;

  explicit HttpClient(Runtime& runtime, HttpClientOptions options = {});
  ~HttpClient();
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;

  // The sink runs on the loop; it pauses the transfer by keeping credits. [loop thread]
  Awaitable<Result<HttpResponse>> request(HttpRequest request, Limits limits, ChunkSink sink = {});

  // The number for cancel(). [any-thread]
  std::uint64_t start(HttpRequest request, HttpEvents events);
  // `done` follows with kCancelled unless it was under way. Unknown numbers are ignored.
  // [any-thread]
  void cancel(std::uint64_t id);
  // Ends every transfer and the thread; later requests fail at once. [any thread but the client's]
  void stop();
  bool started() const;

 private:
  class Impl;
  Runtime& runtime_;
  std::shared_ptr<Impl> impl_;
};

}  // namespace openclaw::net
