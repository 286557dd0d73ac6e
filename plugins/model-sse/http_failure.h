// What an HTTP answer of a model vendor that is not 2xx means, in codes of the ABI.
#pragma once

#include <cstdint>
#include <string_view>

#include "reply.h"

namespace openclaw::model {

// `body` is what the vendor sent, JSON or not. `where` names the address for people.
Failure http_failure(int status, std::string_view headers_json, std::string_view body,
                     std::string_view where);
// For an error object inside a stream that began with 200.
Failure stream_failure(std::string_view type, std::string_view message);
// Milliseconds of retry-after-ms or Retry-After (seconds); 0 when there is neither.
std::uint64_t retry_after_ms(std::string_view headers_json);
// True for the many ways in which vendors say that the prompt does not fit.
bool is_context_overflow(std::string_view code, std::string_view message);

}  // namespace openclaw::model
