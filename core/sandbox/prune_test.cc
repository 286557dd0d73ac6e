#include "sandbox/prune.h"

#include <gtest/gtest.h>

#include "sandbox/backend_exec.h"
#include "sandbox/fixed_config_for_test.h"

namespace openclaw::sandbox {
namespace {

constexpr std::int64_t kHour = 3'600'000;
constexpr std::int64_t kDay = 24 * kHour;
constexpr std::int64_t kStart = 1'700'000'000'000;

TEST(Prune, R207IdleContainersGoAfterTheirHours) {
  PruneRule rule;
  EXPECT_TRUE(should_prune(rule, kStart + 25 * kHour, kStart, kStart));
  EXPECT_FALSE(should_prune(rule, kStart + 23 * kHour, kStart, kStart));
}

TEST(Prune, R208R211OldContainersGoHoweverBusy) {
  PruneRule rule;
  EXPECT_TRUE(should_prune(rule, kStart + 8 * kDay, kStart, kStart + 8 * kDay - kHour));
  EXPECT_FALSE(should_prune(rule, kStart + 6 * kDay, kStart, kStart + 6 * kDay - kHour));
}

TEST(Prune, R209R212ZeroNeverPrunes) {
  EXPECT_FALSE(should_prune({0, 0}, kStart + 1000 * kDay, kStart, kStart));
}

TEST(Prune, R210EitherRuleIsEnough) {
  EXPECT_TRUE(should_prune({0, 7}, kStart + 8 * kDay, kStart, kStart + 8 * kDay));
  EXPECT_TRUE(should_prune({24, 0}, kStart + 25 * kHour, kStart, kStart));
  EXPECT_FALSE(should_prune({0, 7}, kStart + 25 * kHour, kStart, kStart));
}

TEST(Prune, R204HotForFiveMinutes) {
  EXPECT_TRUE(is_hot(kStart + 299'999, kStart));
  EXPECT_FALSE(is_hot(kStart + 300'000, kStart));
}

TEST(Prune, R201RulesComeFromTheAgent) {
  FixedConfig config(R"({"agents":{"defaults":{"sandbox":{"prune":{"idleHours":2}}},
      "list":[{"id":"work","sandbox":{"prune":{"maxAgeDays":0}}}]}})");
  PruneRule rule = prune_rule(Settings::merge(config.root(), "work"));
  EXPECT_EQ(rule.idle_hours, 2);
  EXPECT_EQ(rule.max_age_days, 0);
}

TEST(ExecPayload, R256PathIsAVariableAndNeverPartOfTheCommandA19) {
  ExecRequest request;
  request.argv = {"sh", "-lc", "echo hi"};
  json::object payload = exec_payload(request, "/workspace", "/a:$(touch /x)\"'\n");
  EXPECT_EQ(payload.at("cwd"), "/workspace");
  EXPECT_EQ(payload.at("env").at("OPENCLAW_PREPEND_PATH"), "/a:$(touch /x)\"'\n");
  std::string command(payload.at("argv").at(2).as_string());
  EXPECT_EQ(command.find("touch"), std::string::npos);
  EXPECT_TRUE(command.ends_with("\necho hi"));
  request.argv = {"cat", "file"};
  EXPECT_EQ(exec_payload(request, "/workspace", "/a").at("argv"), (json::array{"cat", "file"}));
}

}  // namespace
}  // namespace openclaw::sandbox
