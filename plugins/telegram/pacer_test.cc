#include "pacer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace telegram {
namespace {

TEST(Pacer, AChatHasABurstAndThenOneASecond) {
  Pacer pacer;
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(pacer.wait_ms("1", 1000), 0u);
    pacer.take("1", 1000);
  }
  EXPECT_EQ(pacer.wait_ms("1", 1000), 1000u);
  EXPECT_EQ(pacer.wait_ms("1", 1400), 600u);
  EXPECT_EQ(pacer.wait_ms("1", 2000), 0u);
  EXPECT_EQ(pacer.wait_ms("2", 1000), 0u);
}

TEST(Pacer, TheTimeOfACallIsNotCounted) {
  Pacer pacer;
  for (int i = 0; i < 3; ++i) pacer.take("1", 1000);
  pacer.answered("1", 1300);
  EXPECT_EQ(pacer.wait_ms("1", 1300), 1000u);
}

TEST(Pacer, AGroupStaysBelowTwentyAMinute) {
  Pacer pacer;
  std::uint64_t now = 1;
  int sent = 0;
  while (now < 60'000) {
    now += pacer.wait_ms("-100", now);
    if (now >= 60'000) break;
    pacer.take("-100", now);
    ++sent;
  }
  // The burst of the first second, and what grew since.
  EXPECT_LE(sent, 36);
  now = 60'000;
  const int before = sent;
  while (now < 120'000) {
    now += pacer.wait_ms("-100", now);
    if (now >= 120'000) break;
    pacer.take("-100", now);
    ++sent;
  }
  EXPECT_LE(sent - before, 19);
}

TEST(Pacer, ARefusalHoldsItsChatOnly) {
  Pacer pacer;
  pacer.hold("1", 5000, 100);
  EXPECT_TRUE(pacer.held("1", 4000));
  EXPECT_EQ(pacer.wait_ms("1", 100), 5000u);
  EXPECT_EQ(pacer.wait_ms("2", 100), 0u);
  EXPECT_FALSE(pacer.held("1", 5200));
}

TEST(Pacer, RefusalsOfSeveralChatsHoldAll) {
  Pacer pacer;
  pacer.hold("1", 5000, 100);
  pacer.hold("2", 5000, 200);
  EXPECT_TRUE(pacer.held("3", 300));
  EXPECT_EQ(pacer.wait_ms("3", 200), 5000u);
}

TEST(Pacer, RemembersABoundedNumberOfChats) {
  Pacer pacer;
  for (int i = 1; i < 10'000; ++i) pacer.take(std::to_string(i), 1);
  EXPECT_LE(pacer.chats(), 4096u);
}

}  // namespace
}  // namespace telegram
