// Names to addresses that the egress guard lets pass. [loop thread]
#pragma once

#include <vector>

#include <boost/asio/ip/tcp.hpp>

#include "async/runtime.h"
#include "net/url.h"

namespace openclaw::net {

// kPermissionDenied when the name leads only to addresses that are refused. What is answered is
// what to connect to: nothing is resolved a second time.
Awaitable<Result<std::vector<asio::ip::tcp::endpoint>>> resolve_checked(Runtime& runtime, Url url,
                                                                        bool allow_private);

}  // namespace openclaw::net
