#include "net/resolve.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "net/egress_guard.h"

namespace openclaw::net {

using asio::ip::tcp;

Awaitable<Result<std::vector<tcp::endpoint>>> resolve_checked(Runtime& runtime, Url url,
                                                              bool allow_private) {
  std::vector<tcp::endpoint> found;
  boost::system::error_code literal_failure;
  auto literal = asio::ip::make_address(url.host, literal_failure);
  if (!literal_failure) {
    found.emplace_back(literal, url.port);
  } else {
    tcp::resolver resolver(runtime.loop());
    auto port = std::to_string(url.port);
    auto [failure, results] = co_await resolver.async_resolve(
        url.host, port, tcp::resolver::numeric_service, asio::as_tuple(asio::use_awaitable));
    if (failure) {
      co_return Error(Code::kUnavailable, "the name of " + url.authority() +
                                              " could not be resolved: " + failure.message());
    }
    for (const auto& entry : results) found.push_back(entry.endpoint());
  }
  std::vector<tcp::endpoint> allowed;
  Error refusal(Code::kUnavailable, "the name of " + url.authority() + " has no address");
  for (const auto& endpoint : found) {
    auto verdict = check_address(endpoint.data(), allow_private);
    if (verdict.has_value()) {
      allowed.push_back(endpoint);
    } else {
      refusal = verdict.error();
    }
  }
  if (allowed.empty()) co_return refusal;
  co_return allowed;
}

}  // namespace openclaw::net
