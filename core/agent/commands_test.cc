#include "agent/agent_fixture_for_test.h"
#include "agent/slash_commands.h"

namespace openclaw::agent {
namespace {

using testing::HasSubstr;
using testing::Not;

// No provider, no key, no local server.
class NoModel : public AgentTest {
 protected:
  NoModel() : AgentTest("{}") {
    FunctionTool::Body body = [](tool::ToolCall call,
                                 Limits) -> Awaitable<Result<tool::ToolResult>> {
      EXPECT_EQ(call.entry, tool::Entry::kCommand);
      co_return tool::ToolResult::text("pong " + json::serialize(call.args));
    };
    add_tool("ping", body);
  }
};

TEST(ParseCommand, KnowsItsOwnOnly) {
  EXPECT_EQ(parse_command(" /Status ")->name, "status");
  EXPECT_EQ(parse_command("/tool exec {\"a\":1}")->rest, "exec {\"a\":1}");
  EXPECT_EQ(parse_command("/status@my_bot")->name, "status");
  EXPECT_EQ(parse_command("/model: x/y")->rest, "x/y");
  EXPECT_FALSE(parse_command("/etc/passwd is a file"));
  EXPECT_FALSE(parse_command("status"));
  EXPECT_FALSE(parse_command("/"));
  EXPECT_TRUE(is_stop_word("Stop!"));
  EXPECT_FALSE(is_stop_word("stop the music"));
}

TEST_F(NoModel, PlainTextIsAnsweredWithHowToSetAModelUp) {
  auto result = turn("hello");
  EXPECT_EQ(result.status, "ok");
  EXPECT_THAT(result.text, HasSubstr("openclaw onboard"));
  EXPECT_THAT(result.text, HasSubstr("ANTHROPIC_API_KEY"));
  EXPECT_THAT(result.text, HasSubstr("Ollama"));
  EXPECT_EQ(stream("assistant").size(), 1U);
}

TEST_F(NoModel, EveryCommandWorks) {
  auto help = turn("/help");
  EXPECT_TRUE(help.was_command);
  for (auto name :
       {"/help", "/status", "/new", "/reset", "/stop", "/model", "/tools", "/tool NAME {json}"}) {
    EXPECT_THAT(help.text, HasSubstr(name));
  }
  EXPECT_THAT(turn("/status").text, HasSubstr("Model: none"));
  EXPECT_THAT(turn("/model").text, HasSubstr("openclaw onboard"));
  EXPECT_THAT(turn("/tools").text, HasSubstr("- ping"));
  EXPECT_EQ(turn("/tool ping {\"x\":1}").text, "pong {\"x\":1}");
  EXPECT_EQ(turn("/tool ping").text, "pong {}");
  EXPECT_EQ(turn("/tool ping{\"y\":2}").text, "pong {\"y\":2}");
  EXPECT_THAT(turn("/tool ping {broken").text, HasSubstr("not a JSON object"));
  EXPECT_THAT(turn("/tool").text, HasSubstr("Usage"));
  EXPECT_THAT(turn("/tool nothere {}").text, HasSubstr("nothere"));
  EXPECT_EQ(turn("/stop").text, "Nothing is running.");
  EXPECT_THAT(turn("/new").text, HasSubstr("New session"));
  EXPECT_THAT(turn("/reset").text, HasSubstr("New session"));
  EXPECT_TRUE(stream("lifecycle").empty());
}

TEST_F(NoModel, ADeniedToolIsRefusedWithTheReason) {
  root_["tools"] = json::object{{"deny", json::array{"ping"}}};
  auto result = turn("/tool ping {}");
  EXPECT_THAT(result.text, HasSubstr("tools.deny"));
  EXPECT_TRUE(result.was_command);
}

TEST_F(NoModel, SendersWithoutTheRightDoNotCommand) {
  agents();
  auto what = request("/tool ping {}");
  what.origin.may_command = false;
  auto result = wait(agents().run(what));
  EXPECT_FALSE(result.was_command);
  EXPECT_THAT(result.text, Not(HasSubstr("pong")));
}

TEST_F(AgentTest, StopEndsTheRunningTurn) {
  agents();
  for (auto* word : {"/stop", "stop"}) {
    auto step = says({"going on"});
    step.hold = true;
    script({step});
    events_.clear();
    auto later = start(request("x"));
    until([&] { return !stream("assistant").empty(); });
    auto stopped = turn(word);
    EXPECT_TRUE(stopped.was_command);
    EXPECT_EQ(stopped.text, "Stopped.");
    auto result = finish(later);
    EXPECT_EQ(result.status, "aborted");
    EXPECT_EQ(result.stop_reason, "stop");
  }
  EXPECT_FALSE(turn("stop").was_command);  // nothing runs: it is a word like any other
}

TEST_F(AgentTest, NewStartsAFreshSessionAndGoesOnWithItsText) {
  agents();
  turn("old talk");
  auto old_id = entry()["sessionId"];
  script({says({"fresh"})});
  auto result = turn("/new hello again");
  EXPECT_EQ(result.text, "fresh");
  EXPECT_NE(entry()["sessionId"], old_id);
  EXPECT_EQ(context().size(), 2U);
  EXPECT_THAT(json::serialize(model().requests.back()), Not(HasSubstr("old talk")));
  turn("/new");
  EXPECT_TRUE(context().empty());
}

TEST_F(AgentTest, NewEndsTheRunningTurnFirst) {
  agents();
  auto step = says({"long"});
  step.hold = true;
  script({step});
  auto later = start(request("x"));
  until([&] { return !stream("assistant").empty(); });
  EXPECT_THAT(turn("/new").text, HasSubstr("New session"));
  EXPECT_EQ(finish(later).status, "aborted");
  EXPECT_TRUE(context().empty());
}

TEST_F(AgentTest, ModelIsChosenPerSession) {
  agents();
  EXPECT_THAT(turn("/model").text, HasSubstr("mock/m2"));
  EXPECT_THAT(turn("/model mock/m2").text, HasSubstr("mock/m2"));
  EXPECT_EQ(turn("x").model, "m2");
  EXPECT_EQ(turn("x", "agent:main:other").model, "m1");
  EXPECT_THAT(turn("/model nope/x").text, HasSubstr("not configured"));
  EXPECT_EQ(turn("x").model, "m2");
  turn("/model default");
  EXPECT_EQ(turn("x").model, "m1");
  EXPECT_THAT(turn("/status").text, HasSubstr("Model: mock/m1"));
}

TEST_F(AgentTest, CompactOnDemand) {
  agents();
  EXPECT_THAT(turn("/compact").text, HasSubstr("too short"));
  turn("first " + std::string(100000, 'x'));
  turn("second");
  script({says({"SHORT"})});
  EXPECT_THAT(turn("/compact").text, HasSubstr("summary"));
  EXPECT_THAT(text_in(context().front()), HasSubstr("SHORT"));
}

TEST_F(AgentTest, ModelsAreListed) {
  agents();
  auto models = wait(agents().models(Limits::within(std::chrono::seconds(5)))).value();
  ASSERT_EQ(models.size(), 2U);
  EXPECT_EQ(models[0].at("provider"), "mock");
  EXPECT_EQ(models[0].at("contextWindow"), 100000);
}

}  // namespace
}  // namespace openclaw::agent
