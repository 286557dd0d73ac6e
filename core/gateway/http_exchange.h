// HttpExchange: one request and the way to answer it, without Beast in sight. Loop thread only; the
// session behind it stays alive as long as a handler holds the exchange.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "async/limits.h"
#include "gateway/peer.h"

namespace openclaw::gateway {

struct HttpResponse {
  unsigned status = 200;
  std::string content_type = "application/json; charset=utf-8";
  std::string body;
  std::vector<std::pair<std::string, std::string>> headers;
  bool close = false;
};

HttpResponse text_response(unsigned status, std::string_view text);
HttpResponse json_response(unsigned status, const json::value& body);
// {"error":{"message":..,"type":..}}
HttpResponse error_response(unsigned status, std::string_view message, std::string_view type);

enum class HttpMethod { kGet, kHead, kPost, kOther };

class HttpExchange {
 public:
  virtual ~HttpExchange() = default;
  virtual HttpMethod method() const = 0;
  virtual std::string_view target() const = 0;  // as sent
  virtual std::string_view header(std::string_view name) const = 0;
  virtual const std::string& body() const = 0;
  virtual const Peer& peer() const = 0;
  // Fires when the client goes away while a handler works.
  virtual AbortSignal gone() = 0;

  // Instead of a response: a stream. After begin_stream the handler's response is ignored.
  virtual void begin_stream(std::string content_type) = 0;
  // False: the client is gone or reads too slowly; stop.
  virtual bool stream(std::string_view piece) = 0;

  std::string_view path() const { return target().substr(0, target().find('?')); }
  std::string_view query() const {
    auto mark = target().find('?');
    return mark == std::string_view::npos ? std::string_view() : target().substr(mark + 1);
  }
};

}  // namespace openclaw::gateway
