#include "rate_limits.h"

#include <gtest/gtest.h>

namespace discord {
namespace {

const Route kSendOne{"POST /channels/:id/messages", "1"};
const Route kSendTwo{"POST /channels/:id/messages", "2"};
const Route kEditOne{"PATCH /channels/:id/messages/:id", "1"};

RateHeaders headers(std::string bucket, std::int64_t remaining, std::uint64_t after_ms) {
  return {std::move(bucket), remaining, after_ms};
}

TEST(RateLimits, WhatIsNotKnownIsNotWaitedFor) {
  RateLimits limits;
  EXPECT_EQ(limits.wait_ms(kSendOne, 1000), 0u);
  limits.take(kSendOne, 1000);
  EXPECT_EQ(limits.wait_ms(kSendOne, 1000), 0u);
}

TEST(RateLimits, AnEmptyBucketWaitsForItsResetAndNoOtherDoes) {
  RateLimits limits;
  limits.learn(kSendOne, headers("b", 0, 4000), 1000);
  EXPECT_EQ(limits.wait_ms(kSendOne, 1500), 3500u);
  EXPECT_EQ(limits.wait_ms(kSendTwo, 1500), 0u);
  EXPECT_EQ(limits.wait_ms(kEditOne, 1500), 0u);
  EXPECT_EQ(limits.wait_ms(kSendOne, 5000), 0u);
}

TEST(RateLimits, RoutesOfOneBucketShareItWithinAChannel) {
  RateLimits limits;
  limits.learn(kEditOne, headers("b", 3, 4000), 1000);
  limits.learn(kSendOne, headers("b", 0, 4000), 1000);
  EXPECT_GT(limits.wait_ms(kEditOne, 1500), 0u);
}

TEST(RateLimits, WhatIsUnderWayIsCounted) {
  RateLimits limits;
  limits.learn(kSendOne, headers("b", 2, 4000), 1000);
  limits.take(kSendOne, 1100);
  limits.take(kSendOne, 1100);
  EXPECT_GT(limits.wait_ms(kSendOne, 1100), 0u);
  // The answer to the first, late: it does not know of the second.
  limits.learn(kSendOne, headers("b", 1, 3800), 1200);
  EXPECT_GT(limits.wait_ms(kSendOne, 1200), 0u);
}

TEST(RateLimits, ARefusalHoldsItsBucketOrAll) {
  RateLimits limits;
  limits.hold(kSendOne, 500, false, 1000);
  EXPECT_EQ(limits.wait_ms(kSendOne, 1000), 500u);
  EXPECT_EQ(limits.wait_ms(kSendTwo, 1000), 0u);
  limits.hold(kSendOne, 700, true, 1000);
  EXPECT_EQ(limits.wait_ms(kSendTwo, 1000), 700u);
}

TEST(RateLimits, HeadersAreReadInAnyCaseAndOddOnesSayNothing) {
  const RateHeaders read = read_rate_headers(
      R"({"X-RateLimit-Bucket":"abc","x-ratelimit-remaining":"4","x-RateLimit-Reset-After":"1.250"})");
  EXPECT_EQ(read.bucket, "abc");
  EXPECT_EQ(read.remaining, 4);
  EXPECT_EQ(read.reset_after_ms, 1250u);
  const RateHeaders odd = read_rate_headers(
      R"({"x-ratelimit-bucket":"abc","x-ratelimit-remaining":"nan","x-ratelimit-reset-after":"-7"})");
  EXPECT_EQ(odd.remaining, -1);
  EXPECT_EQ(odd.reset_after_ms, 0u);
  EXPECT_EQ(read_rate_headers("no json").bucket, "");
}

TEST(RateLimits, TheTableIsBounded) {
  RateLimits limits;
  for (int i = 0; i < 10'000; ++i)
    limits.learn({"POST /channels/:id/messages", std::to_string(i)}, headers("b", 0, 60'000), 1);
  EXPECT_LE(limits.buckets(), 4096u);
}

}  // namespace
}  // namespace discord
