#include <filesystem>

#include "agent/agent_fixture_for_test.h"
#include "agent/loop_guard.h"

namespace openclaw::agent {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

tool::ToolResult plain(std::string text) {
  return tool::ToolResult::text(std::move(text));
}

TEST_F(AgentTest, AReplyStreamsAndIsKept) {
  agents();
  script({says({"Hel", "lo"})});
  auto result = turn("hi");
  EXPECT_EQ(result.status, "ok") << result.error;
  EXPECT_EQ(result.text, "Hello");
  EXPECT_EQ(result.stop_reason, "stop");
  EXPECT_EQ(result.provider, "mock");
  EXPECT_EQ(result.model, "m1");
  EXPECT_EQ(result.usage.input, 10);

  ASSERT_EQ(events_.size(), 4U);
  EXPECT_EQ(events_[0].stream, "lifecycle");
  EXPECT_EQ(events_[0].data.at("phase"), "start");
  EXPECT_EQ(json::serialize(events_[1].data), R"({"text":"Hel","delta":"Hel"})");
  EXPECT_EQ(json::serialize(events_[2].data), R"({"text":"Hello","delta":"lo"})");
  EXPECT_EQ(events_[3].data.at("phase"), "end");
  for (std::size_t i = 0; i < events_.size(); ++i) EXPECT_EQ(events_[i].seq, i + 1);

  auto messages = context();
  ASSERT_EQ(messages.size(), 2U);
  EXPECT_THAT(text_in(messages[0]),
              testing::MatchesRegex(R"(\[[A-Z][a-z]+ [0-9-]+ [0-9:]+ [A-Z0-9+-]+\] hi)"));
  EXPECT_EQ(messages[1].at("model"), "m1");
  EXPECT_EQ(messages[1].at("usage").at("totalTokens"), 13);
  EXPECT_EQ(messages[1].at("stopReason"), "stop");
  auto kept = entry();
  EXPECT_EQ(kept["modelProvider"], "mock");
  EXPECT_EQ(kept["totalTokens"], 13);
  EXPECT_EQ(kept["systemSent"], true);
}

TEST_F(AgentTest, TheAnswerIsDurableWhenTheTurnEnds) {
  agents();
  turn("keep this");
  std::string text;
  for (auto& item : std::filesystem::directory_iterator(dir_.path() / "agents/main/sessions")) {
    if (item.path().extension() != ".jsonl") continue;
    std::ifstream in(item.path());
    text.assign(std::istreambuf_iterator<char>(in), {});
  }
  EXPECT_THAT(text, HasSubstr("keep this"));
  EXPECT_THAT(text, HasSubstr(R"("text":"ok")"));
  EXPECT_THAT(text, HasSubstr(R"("type":"model_change")"));
}

TEST_F(AgentTest, ToolCallsRunInParallelAndAnswerInTheirOrder) {
  int running = 0;
  auto both = std::make_shared<Event>(runtime_);
  FunctionTool::Body body = [&](tool::ToolCall call,
                                Limits) -> Awaitable<Result<tool::ToolResult>> {
    if (++running == 2) both->set();
    // Neither ends before both have begun; the first one ends last.
    bool met = co_await both->wait(Deadline::after(std::chrono::seconds(5)));
    EXPECT_TRUE(met);
    co_return plain("result of " + call.call_id);
  };
  add_tool("slow", body);
  agents();
  script(
      {calls({{"c1", "slow", {{"n", 1}}}, {"c2", "slow", {{"n", 2}}}}, "On it."), says({"Done"})});
  auto result = turn("go");
  EXPECT_EQ(result.text, "On it.\n\nDone");
  auto& messages = model().requests.at(1).at("messages").as_array();
  ASSERT_EQ(messages.size(), 4U);
  EXPECT_EQ(messages[2].at("toolCallId"), "c1");
  EXPECT_EQ(messages[3].at("toolCallId"), "c2");
  EXPECT_EQ(text_in(messages[3].as_object()), "result of c2");
  auto tools = stream("tool");
  ASSERT_EQ(tools.size(), 4U);
  EXPECT_EQ(tools[0].at("phase"), "start");
  EXPECT_EQ(tools[1].at("phase"), "start");
  EXPECT_EQ(tools[2].at("phase"), "result");
  std::string joined;
  for (auto& event : stream("assistant")) joined += std::string(event.at("delta").as_string());
  EXPECT_EQ(joined, result.text);
}

TEST_F(AgentTest, R226ADeniedToolIsExplainedToTheModel) {
  root_["tools"] = json::object{{"deny", json::array{"danger"}}};
  bool ran = false;
  FunctionTool::Body body = [&](tool::ToolCall, Limits) -> Awaitable<Result<tool::ToolResult>> {
    ran = true;
    co_return plain("x");
  };
  add_tool("danger", body);
  agents();
  script({calls({{"c1", "danger", {}}}), says({"I may not."})});
  EXPECT_EQ(turn("go").status, "ok");
  EXPECT_FALSE(ran);
  // It is not even offered; asked for all the same, the verdict comes back in words.
  EXPECT_THAT(json::serialize(model().requests.at(0)), Not(HasSubstr("\"danger\"")));
  auto& result = model().requests.at(1).at("messages").as_array().at(2);
  EXPECT_EQ(result.at("isError"), true);
  EXPECT_THAT(text_in(result.as_object()), HasSubstr("tools.deny"));
  EXPECT_EQ(stream("tool").back().at("isError"), true);
}

TEST_F(AgentTest, AbortKeepsThePartialText) {
  agents();
  auto step = says({"Half of an ans"});
  step.hold = true;
  script({step});
  auto later = start(request("tell me"));
  until([&] { return !stream("assistant").empty(); });
  EXPECT_TRUE(agents().is_running(kMain));
  auto stopped = agents().abort(kMain, "", "rpc");
  EXPECT_EQ(stopped.size(), 1U);
  auto result = finish(later);
  EXPECT_EQ(result.status, "aborted");
  EXPECT_EQ(result.stop_reason, "rpc");
  EXPECT_EQ(result.text, "Half of an ans");
  auto messages = context();
  ASSERT_EQ(messages.size(), 2U);
  EXPECT_EQ(text_in(messages[1]), "Half of an ans");
  EXPECT_EQ(messages[1].at("stopReason"), "aborted");
  EXPECT_EQ(entry()["abortedLastRun"], true);
  EXPECT_FALSE(agents().is_running(kMain));
  EXPECT_TRUE(agents().abort(kMain, "", "rpc").empty());
  EXPECT_EQ(turn("again").status, "ok");
}

TEST_F(AgentTest, AbortReachesARunningToolAndEveryCallGetsAResult) {
  FunctionTool::Body body = [&](tool::ToolCall,
                                Limits limits) -> Awaitable<Result<tool::ToolResult>> {
    auto slept = co_await sleep_until(runtime_, limits);
    co_return slept.error();
  };
  add_tool("sleep", body);
  agents();
  script({calls({{"c1", "sleep", {}}, {"c2", "sleep", {}}})});
  auto later = start(request("go"));
  until([&] { return stream("tool").size() == 2; });
  agents().abort(kMain, "", "stop");
  EXPECT_EQ(finish(later).status, "aborted");
  auto messages = context();
  ASSERT_EQ(messages.size(), 4U);
  EXPECT_THAT(text_in(messages[3]), HasSubstr("aborted"));
}

TEST_F(AgentTest, AToolThatIgnoresTheAbortDoesNotHoldTheTurn) {
  auto never = std::make_shared<Event>(runtime_);
  FunctionTool::Body body = [never](tool::ToolCall, Limits) -> Awaitable<Result<tool::ToolResult>> {
    auto event = never;  // the frame outlives the closure
    co_await event->wait(Deadline::after(std::chrono::seconds(60)));
    co_return plain("late");
  };
  add_tool("deaf", body);
  agents();
  script({calls({{"c1", "deaf", {}}})});
  auto later = start(request("go"));
  until([&] { return stream("tool").size() == 1; });
  agents().abort(kMain, "", "stop");
  EXPECT_EQ(finish(later).status, "aborted");
  never->set();
}

TEST_F(AgentTest, TheDeadlineEndsATurn) {
  agents();
  auto step = says({"slow"});
  step.hold = true;
  script({step});
  auto what = request("x");
  what.limits = Limits::within(std::chrono::milliseconds(1000));
  auto result = wait(agents().run(what));
  EXPECT_EQ(result.status, "timeout");
  EXPECT_EQ(result.stop_reason, "timeout");
  EXPECT_EQ(result.text, "slow");
}

TEST_F(AgentTest, TransientFailuresAreRetriedBeforeTheFirstDelta) {
  agents();
  script({fails(Code::kUnavailable), fails(Code::kResourceExhausted), says({"third time"})});
  EXPECT_EQ(turn("x").text, "third time");
  EXPECT_EQ(model().requests.size(), 3U);
  // The same request each time, and the user's line only once.
  EXPECT_EQ(model().requests[0], model().requests[2]);
}

TEST_F(AgentTest, NothingIsRetriedOnceADeltaWasDelivered) {
  agents();
  auto broken = says({"begin"});
  broken.answer = make_error(Code::kUnavailable, "the stream broke off");
  script({broken, says({"never"})});
  auto result = turn("x");
  EXPECT_EQ(result.status, "error");
  EXPECT_EQ(result.text, "begin");
  EXPECT_EQ(model().requests.size(), 1U);
  auto messages = context();
  EXPECT_EQ(messages.at(1).at("stopReason"), "error");
  EXPECT_EQ(messages.at(1).at("errorMessage"), "the stream broke off");
  EXPECT_EQ(stream("lifecycle").back().at("phase"), "error");
}

TEST_F(AgentTest, AWrongKeyIsNotRetried) {
  agents();
  script({fails(Code::kUnauthenticated, "401")});
  EXPECT_EQ(turn("x").error, "401");
  EXPECT_EQ(model().requests.size(), 1U);
}

TEST_F(AgentTest, AFallbackModelTakesOver) {
  root_["agents"] =
      json::parse(R"({"defaults":{"model":{"primary":"mock/m1","fallbacks":["mock/m2"]}}})");
  agents();
  script({fails(Code::kUnauthenticated), says({"from m2"})});
  auto result = turn("x");
  EXPECT_EQ(result.text, "from m2");
  EXPECT_EQ(result.model, "m2");
  EXPECT_EQ(model().requests.at(1).at("model"), "m2");
}

TEST_F(AgentTest, ACircleIsNotedAndThenStopped) {
  FunctionTool::Body body = [](tool::ToolCall, Limits) -> Awaitable<Result<tool::ToolResult>> {
    co_return plain("same");
  };
  add_tool("poke", body);
  agents();
  std::vector<Step> steps;
  for (int i = 0; i < 8; ++i)
    steps.push_back(calls({{"c" + std::to_string(i), "poke", {{"a", 1}}}}));
  script(steps);
  auto result = turn("go");
  EXPECT_EQ(result.status, "error");
  EXPECT_EQ(result.stop_reason, "loop_detected");
  EXPECT_EQ(model().requests.size(), static_cast<std::size_t>(LoopGuard::kStopAt));
  EXPECT_THAT(json::serialize(model().requests[3]), HasSubstr("same result 3 times"));
  EXPECT_THAT(json::serialize(model().requests[2]), Not(HasSubstr("same result")));
}

TEST_F(AgentTest, ATurnHasABoundedNumberOfModelCalls) {
  root_["agents"] = json::parse(R"({"defaults":{"maxIterations":4}})");
  int n = 0;
  FunctionTool::Body body = [&](tool::ToolCall, Limits) -> Awaitable<Result<tool::ToolResult>> {
    co_return plain(std::to_string(++n));
  };
  add_tool("count", body);
  agents();
  std::vector<Step> steps;
  for (int i = 0; i < 8; ++i) steps.push_back(calls({{"c" + std::to_string(i), "count", {}}}));
  script(steps);
  auto result = turn("go");
  EXPECT_EQ(result.stop_reason, "max_iterations");
  EXPECT_EQ(model().requests.size(), 4U);
}

TEST_F(AgentTest, ALaterMessageSteersTheRunningTurn) {
  auto go_on = std::make_shared<Event>(runtime_);
  FunctionTool::Body body = [&](tool::ToolCall, Limits) -> Awaitable<Result<tool::ToolResult>> {
    co_await go_on->wait(Deadline::after(std::chrono::seconds(5)));
    co_return plain("x");
  };
  add_tool("work", body);
  agents();
  script({calls({{"c1", "work", {}}}), says({"Both done"})});
  auto first = start(request("do this"));
  until([&] { return stream("tool").size() == 1; });
  auto second = start(request("and that too"));
  until([&] { return agents().active_runs() == 2; });
  go_on->set();
  EXPECT_EQ(finish(first).text, "Both done");
  EXPECT_EQ(finish(second).status, "steered");
  auto& messages = model().requests.at(1).at("messages").as_array();
  ASSERT_EQ(messages.size(), 4U);
  EXPECT_THAT(text_in(messages[3].as_object()), HasSubstr("and that too"));
}

TEST_F(AgentTest, ACallersOwnQueueSteersTheTurnItAsksFor) {
  FunctionTool::Body body = [](tool::ToolCall, Limits) -> Awaitable<Result<tool::ToolResult>> {
    co_return plain("x");
  };
  add_tool("work", body);
  agents();
  script({calls({{"c1", "work", {}}}), says({"Both done"})});
  auto what = request("do this");
  what.run_id = "r1";
  int asked = 0;
  what.more = [&]() -> Awaitable<std::vector<TurnRequest>> {
    std::vector<TurnRequest> out;
    if (++asked == 2) {
      out.push_back(request("and that too"));
      out.back().run_id = "r2";
    }
    co_return out;
  };
  auto later = start(what);
  EXPECT_EQ(finish(later).text, "Both done");
  EXPECT_EQ(asked, 2);
  // The process that is asked for it again finds it in the turn it went into.
  auto again = request("and that too");
  again.run_id = "r2";
  again.resume = true;
  auto resumed = start(again);
  EXPECT_EQ(finish(resumed).status, "steered");
  EXPECT_EQ(model().requests.size(), 2U);
}

TEST_F(AgentTest, ASessionThatWantsItsMessagesApartSteersNothing) {
  agents();
  EXPECT_THAT(turn("/queue followup cap:3").text, HasSubstr("followup debounce:1000ms cap:3"));
  auto step = says({"first"});
  step.hold = true;
  script({calls({{"c1", "nothing", {}}}), step, says({"second"})});
  auto first = start(request("one"));
  until([&] { return !stream("assistant").empty(); });
  auto second = start(request("two"));
  until([&] { return agents().active_runs() == 2; });
  model().release();
  EXPECT_EQ(finish(first).text, "first");
  EXPECT_EQ(finish(second).text, "second");
  EXPECT_THAT(turn("/queue default").text, HasSubstr("collect debounce:1000ms cap:20"));
  EXPECT_THAT(turn("/queue sometimes").text, HasSubstr("Usage"));
}

TEST_F(AgentTest, AnInterruptingMessageEndsTheTurn) {
  root_["messages"] = json::parse(R"({"queue":{"mode":"interrupt"}})");
  agents();
  auto step = says({"first"});
  step.hold = true;
  script({step, says({"second"})});
  auto first = start(request("one"));
  until([&] { return !stream("assistant").empty(); });
  auto second = start(request("two"));
  EXPECT_EQ(finish(first).status, "aborted");
  EXPECT_EQ(finish(second).text, "second");
}

TEST_F(AgentTest, AMessageTooLateToSteerGetsATurnOfItsOwn) {
  agents();
  auto step = says({"first"});
  step.hold = true;
  script({step, says({"second"})});
  auto first = start(request("one"));
  until([&] { return !stream("assistant").empty(); });
  auto second = start(request("two"));
  auto apart = request("three");
  apart.steer = false;
  auto third = start(apart);
  until([&] { return agents().active_runs() == 3; });
  model().release();
  EXPECT_EQ(finish(first).text, "first");
  EXPECT_EQ(finish(second).text, "second");
  EXPECT_EQ(finish(third).text, "ok");
  EXPECT_EQ(model().requests.size(), 3U);
  EXPECT_EQ(context().size(), 6U);
}

TEST_F(AgentTest, WaitingMessagesAreBounded) {
  agents();
  auto step = says({"x"});
  step.hold = true;
  script({step});
  std::vector<Later> all;
  all.push_back(start(request("0")));
  until([&] { return !stream("assistant").empty(); });
  for (int i = 0; i < 40; ++i) all.push_back(start(request(std::to_string(i))));
  until([&] { return all.back()->has_value(); });
  EXPECT_EQ(finish(all.back()).status, "error");
  EXPECT_THAT(finish(all.back()).error, HasSubstr("busy"));
  agents().abort(kMain, "", "stop");
  for (auto& later : all) finish(later);
  EXPECT_EQ(agents().active_runs(), 0U);
}

TEST_F(AgentTest, SessionsRunSideBySide) {
  agents();
  auto step = says({"slow"});
  step.hold = true;
  script({step, says({"quick"})});
  auto first = start(request("x"));
  until([&] { return !stream("assistant").empty(); });
  EXPECT_EQ(turn("y", "agent:main:other").text, "quick");
  model().release();
  EXPECT_EQ(finish(first).text, "slow");
}

TEST_F(AgentTest, TheSilentTokenIsNeverShown) {
  agents();
  script({says({"NO", "_REP", "LY"}), says({"NO", "TE: hi"})});
  auto silent = turn("x");
  EXPECT_EQ(silent.status, "ok");
  EXPECT_EQ(silent.text, "");
  EXPECT_TRUE(stream("assistant").empty());
  EXPECT_EQ(turn("y").text, "NOTE: hi");
  EXPECT_EQ(stream("assistant").front().at("delta"), "NOTE: hi");
}

TEST_F(AgentTest, ThinkingIsAStreamOfItsOwn) {
  agents();
  Step step = says({"42"});
  step.deltas.insert(step.deltas.begin(), {"thinking", "hm"});
  script({step});
  EXPECT_EQ(turn("x").text, "42");
  EXPECT_EQ(json::serialize(stream("thinking").at(0)), R"({"text":"hm","delta":"hm"})");
}

TEST_F(AgentTest, AFullWindowIsCompacted) {
  root_["models"].at("providers").at("mock").at("models").at(0).at("contextWindow") = 2000;
  agents();
  script({says({"a1"}), says({"a2"}, 1800), says({"THE SUMMARY"}), says({"a3"})});
  turn("first " + std::string(4000, 'x'));
  turn("second");
  auto result = turn("third");
  EXPECT_EQ(result.text, "a3");
  ASSERT_EQ(model().requests.size(), 4U);
  auto& last = model().requests.at(3);
  EXPECT_THAT(json::serialize(last), HasSubstr("THE SUMMARY"));
  EXPECT_THAT(json::serialize(last), Not(HasSubstr("xxxx")));
  EXPECT_THAT(json::serialize(last), HasSubstr("third"));
  EXPECT_EQ(stream("compaction").size(), 2U);
  EXPECT_EQ(entry()["compactionCount"], 1);
}

TEST_F(AgentTest, ARefusedLengthIsCompactedOnce) {
  agents();
  script({says({"a1"}), fails(Code::kInvalidArgument, "too long", "context_length"), says({"SUM"}),
          says({"fits"}), fails(Code::kInvalidArgument, "too long", "context_length"),
          says({"SUM 2"}), fails(Code::kInvalidArgument, "still too long", "context_length")});
  turn("first");
  EXPECT_EQ(turn("second").text, "fits");
  auto lost = turn("third");
  EXPECT_EQ(lost.status, "error");
  EXPECT_EQ(lost.error, "still too long");
}

TEST_F(AgentTest, BootstrapFilesEnterThePromptAndLinksDoNot) {
  write_file("workspace/AGENTS.md", "Be brief.");
  write_file("workspace/SOUL.md", std::string(30000, 's'));
  write_file("workspace/MEMORY.md", "She likes tea.");
  write_file("secret.txt", "TOP SECRET");
  std::filesystem::create_symlink("../secret.txt", dir_.path() / "workspace/USER.md");
  std::filesystem::create_hard_link(dir_.path() / "secret.txt", dir_.path() / "workspace/TOOLS.md");
  agents();
  turn("x");
  auto system = std::string(model().requests.at(0).at("system").as_string());
  EXPECT_THAT(system, HasSubstr("Be brief."));
  EXPECT_THAT(system, HasSubstr("She likes tea."));
  EXPECT_THAT(system, HasSubstr("SOUL.md has 30000 characters"));
  EXPECT_THAT(system, Not(HasSubstr("TOP SECRET")));
  EXPECT_THAT(system, HasSubstr("Runtime: agent=main"));
  EXPECT_LT(system.size(), 30000U);
  turn("x", "agent:main:telegram:group:-5");
  EXPECT_THAT(std::string(model().requests.at(1).at("system").as_string()),
              Not(HasSubstr("She likes tea.")));
}

TEST_F(AgentTest, SandboxFactsAreInThePrompt) {
  sandboxes_.sandboxed = [](auto, auto) { return true; };
  agents();
  turn("x");
  auto system = std::string(model().requests.at(0).at("system").as_string());
  EXPECT_THAT(system, HasSubstr("docker sandbox"));
  EXPECT_THAT(system, HasSubstr("/workspace"));
  EXPECT_THAT(system, Not(HasSubstr(dir_.path().string())));
}

TEST_F(AgentTest, AnInterruptedToolCallGetsAResultInTheNextRequest) {
  agents();
  json::object call{
      {"role", "assistant"},
      {"content",
       json::array{json::object{
           {"type", "toolCall"}, {"id", "c9"}, {"name", "exec"}, {"arguments", json::object{}}}}}};
  wait(sessions_->append(kMain, "message", call)).value();
  turn("still there?");
  auto& messages = model().requests.at(0).at("messages").as_array();
  ASSERT_EQ(messages.size(), 3U);
  EXPECT_EQ(messages[1].at("toolCallId"), "c9");
  EXPECT_EQ(messages[2].at("role"), "user");
}

TEST_F(AgentTest, ImagesBecomeBlocks) {
  agents();
  auto what = request("look");
  what.attachments.push_back(
      json::object{{"mimeType", "image/png"}, {"data", "iVBORw0="}, {"name", "a.png"}});
  what.attachments.push_back(
      json::object{{"mimeType", "text/csv"}, {"path", "media/inbound/t.csv"}, {"name", "t.csv"}});
  EXPECT_EQ(wait(agents().run(what)).status, "ok");
  auto& content = model().requests.at(0).at("messages").at(0).at("content").as_array();
  ASSERT_EQ(content.size(), 4U);
  EXPECT_EQ(content[1].at("text"), "[attached file: media/inbound/a.png (image/png, 5 bytes)]");
  EXPECT_EQ(content[2].at("type"), "image");
  EXPECT_EQ(content[2].at("data"), "iVBORw0=");
  EXPECT_THAT(std::string(content[3].at("text").as_string()), HasSubstr("media/inbound/t.csv"));
  auto bad = request("look");
  bad.attachments.push_back(json::object{{"mimeType", "image/png"}, {"data", "no base64!"}});
  EXPECT_EQ(wait(agents().run(bad)).status, "error");
}

TEST_F(AgentTest, HttpTextCarriesNoEnvelope) {
  agents();
  auto what = request("plain");
  what.origin.kind = TurnOrigin::Kind::kHttp;
  what.extra_system_prompt = "Answer in French.";
  wait(agents().run(what));
  EXPECT_EQ(text_in(model().requests.at(0).at("messages").at(0).as_object()), "plain");
  EXPECT_THAT(std::string(model().requests.at(0).at("system").as_string()),
              HasSubstr("Answer in French."));
}

TEST_F(AgentTest, UnknownAgentsAndKeysAreRefused) {
  agents();
  EXPECT_THAT(turn("x", "agent:nobody:main").error, HasSubstr("unknown agent id \"nobody\""));
  EXPECT_THAT(turn("x", "nonsense").error, HasSubstr("malformed session key"));
  auto what = request("x");
  what.model = "nowhere/none";
  EXPECT_THAT(wait(agents().run(what)).error, HasSubstr("mock/m1"));
}

TEST_F(AgentTest, StopAbortsWhatRunsAndRefusesWhatComes) {
  agents();
  auto step = says({"x"});
  step.hold = true;
  script({step});
  auto later = start(request("x"));
  until([&] { return !stream("assistant").empty(); });
  wait(agents().stop(Deadline::after(std::chrono::seconds(5))));
  EXPECT_EQ(finish(later).status, "aborted");
  EXPECT_EQ(turn("y").status, "error");
}

}  // namespace
}  // namespace openclaw::agent
