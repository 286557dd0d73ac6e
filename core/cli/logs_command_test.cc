#include "cli/command_fixture_for_test.h"

namespace openclaw::cli {
namespace {

using ::testing::HasSubstr;

class LogsCommand : public CommandTest {
 protected:
  static std::string entry(const std::string& text) {
    return R"({"0":"{\"subsystem\":\"gateway\"}","1":")" + text +
           R"(","_meta":{"logLevelName":"WARN"},"time":"2026-11-24T08:00:00.000Z"})" + "\n";
  }
};

TEST_F(LogsCommand, WithoutAGatewayTheNewestFileIsRead) {
  write(state / "logs" / "openclaw-2026-11-23.log", entry("old"));
  write(state / "logs" / "openclaw-2026-11-24.log", entry("one") + entry("two") + entry("three"));
  auto outcome = run({"logs", "--limit", "2"});
  EXPECT_EQ(outcome.code, 0);
  EXPECT_EQ(outcome.out,
            "2026-11-24T08:00:00.000Z WARN [gateway] two\n"
            "2026-11-24T08:00:00.000Z WARN [gateway] three\n");
  EXPECT_THAT(outcome.err, HasSubstr("No gateway runs"));
  auto lines = run({"logs", "--limit", "1", "--json"});
  EXPECT_EQ(text_at(lines.json, "/1"), "three");
}

TEST_F(LogsCommand, WithoutALogItSaysHowToStart) {
  auto outcome = run({"logs"});
  EXPECT_EQ(outcome.code, 1);
  EXPECT_THAT(outcome.err, HasSubstr("openclaw gateway run"));
  EXPECT_EQ(run({"logs", "--limit", "0"}).code, 2);
}

}  // namespace
}  // namespace openclaw::cli
