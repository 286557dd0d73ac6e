#include "program/state_lock.h"

#include <unistd.h>

#include <chrono>
#include <memory>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "storage/temp_dir_for_test.h"

namespace openclaw::gateway {
namespace {

using testing::HasSubstr;

TEST(StateLock, OneGatewayForAStateDirectoryAndTheOtherIsToldWhich) {
  storage::TempDir dir;
  StateLock first, second;
  ASSERT_TRUE(first.take(dir.path()).has_value());
  EXPECT_EQ(running_gateway(dir.path()), std::to_string(getpid()));
  auto refused = second.take(dir.path());
  ASSERT_TRUE(refused.has_error());
  EXPECT_EQ(refused.error().code, Code::kAlreadyExists);
  EXPECT_THAT(refused.error().message, HasSubstr("pid " + std::to_string(getpid())));
}

TEST(StateLock, WhatADyingPredecessorStillHoldsIsWaitedFor) {
  storage::TempDir dir;
  auto first = std::make_unique<StateLock>();
  ASSERT_TRUE(first->take(dir.path()).has_value());
  std::thread dying([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    first.reset();
  });
  StateLock second;
  auto taken = second.take(dir.path());
  dying.join();
  EXPECT_TRUE(taken.has_value()) << taken.error().message;
}

}  // namespace
}  // namespace openclaw::gateway
