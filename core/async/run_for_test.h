// Runs one coroutine on a Runtime's loop to its end, for tests.
#pragma once

#include <exception>
#include <optional>
#include <type_traits>
#include <utility>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/steady_timer.hpp>

#include "async/runtime.h"

namespace openclaw {

template <class T>
T run_to_end(Runtime& runtime, Awaitable<T> task) {
  std::optional<T> out;
  asio::co_spawn(runtime.loop(), std::move(task), [&](const std::exception_ptr& failure, T value) {
    if (failure) std::rethrow_exception(failure);
    out.emplace(std::move(value));
    runtime.loop().stop();
  });
  runtime.loop().restart();
  runtime.loop().run();
  return std::move(*out);
}

inline void run_to_end(Runtime& runtime, Awaitable<> task) {
  asio::co_spawn(runtime.loop(), std::move(task), [&](const std::exception_ptr& failure) {
    if (failure) std::rethrow_exception(failure);
    runtime.loop().stop();
  });
  runtime.loop().restart();
  runtime.loop().run();
}

// Ends `timer` for good. One that has expired may have its handler queued, and cancel() leaves
// that: it would run when what it refers to is gone.
inline void settle(Runtime& runtime, asio::steady_timer& timer) {
  timer.cancel();
  runtime.loop().restart();
  runtime.loop().poll();
}

}  // namespace openclaw
