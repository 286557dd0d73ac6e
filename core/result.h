// Error, Result<T>: how every room of core says that something outside the program went wrong.
//
// The codes are the numbers of the C ABI (openclaw/abi.h), so one list runs from a plugin to the log.
// A broken invariant is an assertion, never an Error. No exception crosses a room.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <boost/json.hpp>
#include <boost/system/result.hpp>

namespace openclaw {

namespace json = boost::json;

// Values equal OC_OK ... OC_INTERNAL of openclaw/abi.h; checked by core/plugin/abi_codes_test.cc.
enum class Code : std::int32_t {
  kOk = 0,
  kCancelled = 1,
  kInvalidArgument = 2,
  kDeadlineExceeded = 3,
  kNotFound = 4,
  kAlreadyExists = 5,
  kPermissionDenied = 6,
  kUnauthenticated = 7,
  kResourceExhausted = 8,
  kFailedPrecondition = 9,
  kUnavailable = 10,
  kUnimplemented = 11,
  kProtocol = 12,
  kWouldBlock = 13,
  kInternal = 14,
};

// What was attempted, on what, and what to do about it. `message` is one sentence or two for an
// operator; `details` is for machines and may be empty.
struct Error {
  Code code = Code::kInternal;
  std::string message;
  std::optional<std::chrono::milliseconds> retry_after;
  json::object details;

  Error() = default;
  Error(Code c, std::string text) : code(c), message(std::move(text)) {}
  Error(Code c, std::string text, json::object more)
      : code(c), message(std::move(text)), details(std::move(more)) {}
};

// Needed by boost::system::result: value() on a failed Result is a programming error and throws.
[[noreturn]] inline void throw_exception_from_error(const Error& e, const boost::source_location&) {
  throw std::runtime_error(e.message);
}

template <class T>
using Result = boost::system::result<T, Error>;

inline Error make_error(Code code, std::string message) { return Error(code, std::move(message)); }

// "not_found" for Code::kNotFound, and so on: stable names for JSON output and logs.
std::string_view code_name(Code code) noexcept;

}  // namespace openclaw
