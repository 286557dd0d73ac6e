// Outcome<T>: a value, or why there is none, in the words that the operator will read.
#pragma once

#include <stdexcept>
#include <string>
#include <utility>

#include <boost/json.hpp>
#include <boost/system/result.hpp>

#include <openclaw/abi.h>

namespace openclaw::sandbox_rules {

namespace json = boost::json;

struct Failure {
  Failure() = default;
  Failure(oc_status c, std::string text) : code(c), message(std::move(text)) {}
  oc_status code = OC_INTERNAL;
  std::string message;
};

// Needed by boost::system::result: value() on a failed Outcome is a programming error.
[[noreturn]] inline void throw_exception_from_error(const Failure& f,
                                                    const boost::source_location&) {
  throw std::runtime_error(f.message);
}

template <class T>
using Outcome = boost::system::result<T, Failure>;

inline Failure failure(oc_status code, std::string message) {
  return Failure(code, std::move(message));
}

}  // namespace openclaw::sandbox_rules
