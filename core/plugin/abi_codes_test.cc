// core's codes are the numbers of the C ABI, and what the host takes for granted of the ground
// types.
#include <gtest/gtest.h>

#include <openclaw/plugin.h>

#include "plugin/plugin_host.h"
#include "result.h"

namespace openclaw {
namespace {

constexpr bool same(Code code, int number) {
  return static_cast<int>(code) == number;
}

static_assert(same(Code::kOk, OC_OK) && same(Code::kCancelled, OC_CANCELLED) &&
              same(Code::kInvalidArgument, OC_INVALID_ARGUMENT) &&
              same(Code::kDeadlineExceeded, OC_DEADLINE_EXCEEDED) &&
              same(Code::kNotFound, OC_NOT_FOUND) &&
              same(Code::kAlreadyExists, OC_ALREADY_EXISTS) &&
              same(Code::kPermissionDenied, OC_PERMISSION_DENIED) &&
              same(Code::kUnauthenticated, OC_UNAUTHENTICATED) &&
              same(Code::kResourceExhausted, OC_RESOURCE_EXHAUSTED) &&
              same(Code::kFailedPrecondition, OC_FAILED_PRECONDITION) &&
              same(Code::kUnavailable, OC_UNAVAILABLE) &&
              same(Code::kUnimplemented, OC_UNIMPLEMENTED) && same(Code::kProtocol, OC_PROTOCOL) &&
              same(Code::kWouldBlock, OC_WOULD_BLOCK) && same(Code::kInternal, OC_INTERNAL));

static_assert(static_cast<int>(plugin::Stream::kJson) == OC_STREAM_JSON &&
              static_cast<int>(plugin::Stream::kStdout) == OC_STREAM_STDOUT &&
              static_cast<int>(plugin::Stream::kStderr) == OC_STREAM_STDERR &&
              static_cast<int>(plugin::Stream::kBinary) == OC_STREAM_BINARY);

TEST(AbiCodes, EveryCodeHasAName) {
  for (int code = OC_OK; code <= OC_INTERNAL; ++code) {
    EXPECT_FALSE(code_name(static_cast<Code>(code)).empty()) << code;
  }
}

}  // namespace
}  // namespace openclaw
