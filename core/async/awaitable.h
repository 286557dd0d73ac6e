// Awaitable<T>: the only asynchronous return type in core.
#pragma once

#include <boost/asio/awaitable.hpp>

namespace openclaw {

namespace asio = boost::asio;

template <class T = void>
using Awaitable = asio::awaitable<T>;

}  // namespace openclaw
