#include "agent/turn_recovery.h"

#include "agent/agent_fixture_for_test.h"

namespace openclaw::agent {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using Stage = Recovery::Stage;

class RecoveryTest : public testing::Test {
 protected:
  void user(std::string run_id, std::string_view text = "do it") {
    add({{"role", "user"}, {"runId", run_id}, {"content", json::array{text_block(text)}}});
  }
  void steered(std::string run_id, std::string into) {
    add({{"role", "user"},
         {"runId", run_id},
         {kSteeredInto, into},
         {"content", json::array{text_block("and this")}}});
  }
  void says(std::string_view text, std::string_view reason = "stop") {
    add({{"role", "assistant"},
         {"stopReason", reason},
         {"content", json::array{text_block(text)}}});
  }
  void asks_for(std::vector<std::string> ids, std::string_view text = "") {
    json::array content;
    if (!text.empty()) content.push_back(text_block(text));
    for (const auto& id : ids)
      content.push_back(json::object{{"type", "toolCall"}, {"id", id}, {"name", "exec"}});
    add({{"role", "assistant"}, {"stopReason", "toolUse"}, {"content", std::move(content)}});
  }
  void result(std::string id) {
    add({{"role", "toolResult"}, {"toolCallId", id}, {"content", json::array()}});
  }
  Stage stage(bool tools_ran) { return recover(context_, "r1", tools_ran).stage; }

  Context context_;

 private:
  void add(json::object message) {
    context_.push_back({"l" + std::to_string(context_.size()),
                        std::make_shared<const session::Message>(std::move(message))});
  }
};

TEST_F(RecoveryTest, P2AMessageThatIsNotWrittenDownBegins) {
  user("r0");
  says("earlier");
  EXPECT_EQ(stage(false), Stage::kNotBegun);
  EXPECT_EQ(stage(true), Stage::kUnknown);
}

TEST_F(RecoveryTest, P2AMessageWithoutAnAnswerIsAskedAbout) {
  user("r1");
  EXPECT_EQ(stage(false), Stage::kAskModel);
  says("half a sent", "aborted");
  EXPECT_EQ(stage(false), Stage::kAskModel);
}

TEST_F(RecoveryTest, P2AnAnswerOnDiskIsTheAnswer) {
  user("r1");
  asks_for({"a"}, "I will look.");
  result("a");
  says("Done.");
  const auto found = recover(context_, "r1", true);
  EXPECT_EQ(found.stage, Stage::kAnswered);
  EXPECT_THAT(found.answers, ElementsAre("I will look.", "Done."));
  user("r2", "and then?");
  EXPECT_EQ(stage(true), Stage::kAnswered);
}

TEST_F(RecoveryTest, P2AMessageThatWasTakenInIsPartOfTheTurn) {
  user("r1");
  asks_for({"a"});
  result("a");
  steered("r2", "r1");
  EXPECT_EQ(stage(true), Stage::kAskModel);
  EXPECT_EQ(recover(context_, "r2", false).stage, Stage::kSteered);
  says("To both.");
  EXPECT_EQ(stage(true), Stage::kAnswered);
  EXPECT_EQ(recover(context_, "r2", false).stage, Stage::kSteered);
}

TEST_F(RecoveryTest, P2CallsWhoseToolsHadNotStartedAreMadeNow) {
  user("r1");
  asks_for({"a", "b"});
  const auto found = recover(context_, "r1", false);
  EXPECT_EQ(found.stage, Stage::kUseTools);
  EXPECT_EQ(found.calls.size(), 2U);
}

TEST_F(RecoveryTest, P2ACallWithoutAResultMayHaveRun) {
  user("r1");
  asks_for({"a", "b"});
  EXPECT_EQ(stage(true), Stage::kUnknown);
  result("a");
  EXPECT_EQ(stage(true), Stage::kUnknown);
  result("b");
  EXPECT_EQ(stage(true), Stage::kAskModel);
  asks_for({"c"});
  EXPECT_EQ(stage(true), Stage::kUnknown);
}

TEST_F(RecoveryTest, P2AConversationThatHasMovedOnIsNotAnsweredLate) {
  user("r1");
  user("r2", "something else");
  EXPECT_EQ(stage(false), Stage::kNotBegun);
  EXPECT_EQ(stage(true), Stage::kUnknown);
}

// Two lives of the program over one state folder.
class ResumedTurnTest : public AgentTest {
 protected:
  TurnRequest durable(bool resume, bool tools_ran = false) {
    auto out = request("deploy it");
    out.run_id = "r1";
    out.resume = resume;
    out.tools_ran = tools_ran;
    out.before_tools = [this]() -> Awaitable<Result<void>> {
      noted_.push_back(tool_runs_);
      co_return refusal_;
    };
    return out;
  }
  void add_counting_tool() {
    add_tool("work", [this](tool::ToolCall, Limits) -> Awaitable<Result<tool::ToolResult>> {
      ++tool_runs_;
      co_return tool::ToolResult::text("worked");
    });
  }
  // The next life sees what is on disk.
  void restart() {
    wait(agents_->stop(Deadline::after(std::chrono::seconds(5))));
    wait(sessions_->flush());
    agents_.reset();
    sessions_.reset();
    tools_ = std::make_unique<tool::ToolRouter>(runtime_);
    add_counting_tool();
    agents();
  }
  std::size_t requests_made() {  // over all lives
    std::size_t count = 0;
    for (auto* instance : host_.instances())
      count += static_cast<FakeInstance*>(instance)->requests.size();
    return count;
  }
  std::size_t copies_of_the_message() {
    std::size_t count = 0;
    for (const auto& message : context()) {
      const auto* run = message.if_contains("runId");
      if (run != nullptr && *run == "r1") ++count;
    }
    return count;
  }

  int tool_runs_ = 0;
  std::vector<int> noted_;  // how many tools had run when each note was asked for
  Result<void> refusal_;
};

TEST_F(ResumedTurnTest, P2TheNoteComesBeforeTheFirstToolAndOnce) {
  add_counting_tool();
  agents();
  script({calls({{"c1", "work", {}}, {"c2", "work", {}}}), calls({{"c3", "work", {}}}),
          says({"Done"})});
  auto result = finish(start(durable(false)));
  EXPECT_EQ(result.text, "Done");
  EXPECT_EQ(tool_runs_, 3);
  EXPECT_THAT(noted_, ElementsAre(0));
}

TEST_F(ResumedTurnTest, P2NoToolRunsThatCouldNotBeNoted) {
  add_counting_tool();
  agents();
  script({calls({{"c1", "work", {}}})});
  refusal_ = make_error(Code::kResourceExhausted, "the disk is full");
  auto result = finish(start(durable(false)));
  EXPECT_EQ(result.status, "error");
  EXPECT_THAT(result.error, HasSubstr("the disk is full"));
  EXPECT_EQ(tool_runs_, 0);
}

TEST_F(ResumedTurnTest, P2AFinishedTurnIsNotRunAgain) {
  add_counting_tool();
  agents();
  script({calls({{"c1", "work", {}}}, "On it."), says({"Done"})});
  finish(start(durable(false)));
  const auto asked = requests_made();
  restart();
  auto result = finish(start(durable(true, true)));
  EXPECT_EQ(result.status, "ok");
  EXPECT_EQ(result.text, "On it.\n\nDone");
  EXPECT_EQ(requests_made(), asked);
  EXPECT_EQ(tool_runs_, 1);
  EXPECT_EQ(copies_of_the_message(), 1U);
}

TEST_F(ResumedTurnTest, P2ATurnThatAStopCutGoesOnWithoutASecondMessage) {
  add_counting_tool();
  agents();
  Step slow = says({"half of the ans"});
  slow.hold = true;
  script({slow});
  AbortSource stop;
  auto first = durable(false);
  first.limits.abort = stop.signal();
  auto running = start(first);
  until([&] { return !stream("assistant").empty(); });
  stop.abort("the gateway is stopping");
  EXPECT_EQ(finish(running).status, "aborted");
  restart();
  host_.scripts["mock"].push_back(says({"The answer."}));
  auto result = finish(start(durable(true)));
  EXPECT_EQ(result.text, "The answer.");
  EXPECT_EQ(copies_of_the_message(), 1U);
  for (const auto& message : context())
    EXPECT_THAT(text_in(message), testing::Not(HasSubstr("half")));
}

TEST_F(ResumedTurnTest, P2ToolsOfUnknownFateAreNotRunAgain) {
  add_counting_tool();
  agents();
  auto result = finish(start(durable(true, true)));
  EXPECT_EQ(result.status, "cut");
  EXPECT_EQ(tool_runs_, 0);
  EXPECT_EQ(requests_made(), 0U);
  auto command = durable(true, true);
  command.text = "/tool work {}";
  EXPECT_EQ(finish(start(command)).status, "cut");
  EXPECT_EQ(tool_runs_, 0);
  command.resume = command.tools_ran = false;
  EXPECT_EQ(finish(start(command)).text, "worked");
  EXPECT_THAT(noted_, ElementsAre(0));
}

}  // namespace
}  // namespace openclaw::agent
