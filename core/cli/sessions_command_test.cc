#include <chrono>

#include "cli/command_fixture_for_test.h"

namespace openclaw::cli {
namespace {

using ::testing::HasSubstr;

class SessionsCommand : public CommandTest {
 protected:
  static std::int64_t minutes_ago(int minutes) {
    auto now = std::chrono::system_clock::now().time_since_epoch();
    return std::chrono::duration_cast<std::chrono::milliseconds>(now).count() - minutes * 60000;
  }
  std::filesystem::path store(const std::string& agent) {
    return state / "agents" / agent / "sessions" / "sessions.json";
  }
  void fill(const std::string& agent) {
    json::object index;
    index["agent:" + agent + ":main"] = {{"sessionId", "s1"}, {"updatedAt", minutes_ago(90)},
                                         {"model", "mock-1"}, {"totalTokens", 50}, {"contextTokens", 200},
                                         {"systemPromptReport", "long"}, {"custom", 1}};
    index["agent:" + agent + ":telegram:group:-1"] = {{"sessionId", "s2"}, {"updatedAt", minutes_ago(5)}};
    write(store(agent), json::serialize(index));
  }
};

TEST_F(SessionsCommand, PrintsTheIndexNewestFirst) {
  fill("main");
  auto outcome = run({"sessions", "--json"});
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_EQ(text_at(outcome.json, "/path"), store("main").string());
  EXPECT_EQ(outcome.json.at("count"), 2);
  EXPECT_TRUE(outcome.json.at("activeMinutes").is_null());
  EXPECT_EQ(text_at(outcome.json, "/sessions/0/key"), "agent:main:telegram:group:-1");
  EXPECT_EQ(text_at(outcome.json, "/sessions/0/kind"), "group");
  EXPECT_EQ(outcome.json.at("sessions").at(1).at("custom"), 1);
  EXPECT_EQ(find_at(outcome.json, "/sessions/1/systemPromptReport"), nullptr);
  EXPECT_THAT(run({"sessions"}).out, HasSubstr("50/200 (25%)"));
}

TEST_F(SessionsCommand, ActiveLeavesOldOnesOut) {
  fill("main");
  auto outcome = run({"sessions", "--active", "60", "--json"});
  EXPECT_EQ(outcome.json.at("count"), 1);
  EXPECT_EQ(outcome.json.at("activeMinutes"), 60);
  EXPECT_EQ(run({"sessions", "--active", "0"}).code, 2);
}

TEST_F(SessionsCommand, AgentsAndFilesCanBeChosen) {
  fill("work");
  config("[[agents.list]]\nid = \"main\"\n[[agents.list]]\nid = \"work\"\n");
  EXPECT_EQ(run({"sessions", "--json"}).json.at("count"), 0);
  EXPECT_EQ(run({"sessions", "--agent", "work", "--json"}).json.at("count"), 2);
  EXPECT_EQ(run({"sessions", "--store", store("work").string(), "--json"}).json.at("count"), 2);
  auto all = run({"sessions", "--all-agents", "--json"});
  EXPECT_EQ(text_at(all.json, "/sessions/0/agentId"), "work");
  EXPECT_EQ(run({"sessions", "--agent", "nobody"}).code, 1);
  EXPECT_EQ(run({"sessions", "--store", "/nonexistent"}).code, 1);
}

TEST_F(SessionsCommand, ABrokenIndexIsReportedAndLeftAlone) {
  write(store("main"), "{\"agent:main:main\": ");
  auto outcome = run({"sessions"});
  EXPECT_EQ(outcome.code, 1);
  EXPECT_THAT(outcome.err, HasSubstr("is no session index"));
  EXPECT_TRUE(std::filesystem::exists(store("main")));
}

}  // namespace
}  // namespace openclaw::cli
