// Messages that come in a burst or while a turn runs.
#include "channel/channel_fixture_for_test.h"

namespace openclaw::channel {
namespace {

using agent::QueueDrop;
using agent::QueueMode;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

class Queue : public ChannelServiceTest {
 protected:
  void boot_with(QueueMode mode, std::int64_t cap = 20, QueueDrop drop = QueueDrop::kSummarize,
                 std::int64_t debounce_ms = 50) {
    prepare = [=](Life& life) {
      life.agent.queue = {mode, true, debounce_ms, cap, drop};
      life.agent.held = true;
    };
    boot();
  }
  // The first message's turn runs.
  void begin(const std::string& text = "one") {
    offer(message("e1", text));
    ASSERT_TRUE(until([&] { return life_->agent.active_runs() == 1; }));
  }
  void say(const std::string& id, const std::string& text, const std::string& sender = "1") {
    json::object event = message(id, text, sender);
    event["conversation"].get_object()["id"] = "1";
    offer(std::move(event));
  }
  std::vector<std::string> asked() const {
    std::vector<std::string> out;
    for (const auto& each : life_->agent.requests) out.push_back(each.text);
    return out;
  }
  std::vector<std::string> steered() const {
    std::vector<std::string> out;
    for (const auto& each : life_->agent.steered) out.push_back(each.text);
    return out;
  }
  // Nothing is left for the next start.
  void expect_all_ended() {
    stop_cleanly();
    prepare = nullptr;
    boot();
    settle();
    EXPECT_THAT(asked(), IsEmpty());
  }
};

TEST_F(Queue, CollectMakesOneTurnOfWhatWaited) {
  boot_with(QueueMode::kCollect);
  begin();
  say("e2", "two");
  say("e3", "three");
  life_->agent.release();
  ASSERT_TRUE(until([&] { return sent.size() == 2; }));
  EXPECT_THAT(asked(), ElementsAre("one", "two\nthree"));
  EXPECT_THAT(sent_texts(), ElementsAre("re: one", "re: two\nthree"));
  expect_all_ended();
}

TEST_F(Queue, CollectWaitsForQuiet) {
  boot_with(QueueMode::kCollect, 20, QueueDrop::kSummarize, 400);
  begin();
  say("e2", "two");
  life_->agent.release();
  ASSERT_TRUE(until([&] { return sent.size() == 1; }));
  settle();
  say("e3", "three");  // before it has been quiet for long enough
  ASSERT_TRUE(until([&] { return sent.size() == 2; }));
  EXPECT_THAT(asked(), ElementsAre("one", "two\nthree"));
}

TEST_F(Queue, CollectKeepsCommandsAndOtherPeopleApart) {
  config_text_ = R"({"channels":{"fake":{"token":"t","allowFrom":["1","2"]}}})";
  boot_with(QueueMode::kCollect);
  begin();
  say("e2", "two");
  say("e3", "/compact");
  say("e4", "four");
  say("e5", "five", "2");
  say("e6", "six", "2");
  life_->agent.release();
  ASSERT_TRUE(until([&] { return sent.size() == 5; }));
  EXPECT_THAT(asked(), ElementsAre("one", "two", "/compact", "four", "five\nsix"));
}

TEST_F(Queue, CollectLeavesOutWhatIsNotForTheAgent) {
  config_text_ = R"({"channels":{"fake":{"token":"t","groupPolicy":"open"}}})";
  boot_with(QueueMode::kCollect);
  const auto in_a_group = [this](const std::string& id, const std::string& text, bool mentioned) {
    json::object event = message(id, text);
    event["conversation"] = json::object{{"id", "-5"}, {"type", "group"}};
    event["mentioned"] = mentioned;
    offer(std::move(event));
  };
  in_a_group("e1", "one", true);
  ASSERT_TRUE(until([&] { return life_->agent.active_runs() == 1; }));
  in_a_group("e2", "two", true);
  in_a_group("e3", "to somebody else", false);
  in_a_group("e4", "four", true);
  life_->agent.release();
  ASSERT_TRUE(until([&] { return sent.size() == 2; }));
  EXPECT_THAT(asked(), ElementsAre("one", "two\nfour"));
  expect_all_ended();
}

TEST_F(Queue, P2ACrashInACollectedTurnGoesOnWithAllOfIt) {
  boot_with(QueueMode::kCollect);
  begin();
  say("e2", "two");
  say("e3", "three");
  life_->agent.answer = [this](const agent::TurnRequest& request) {
    life_->agent.held = true;  // the next one stays
    agent::TurnResult result;
    result.status = "ok";
    result.text = "re: " + request.text;
    return result;
  };
  life_->agent.release();
  ASSERT_TRUE(until([&] { return asked().size() == 2 && life_->agent.active_runs() == 1; }));
  say("e4", "four");
  sent.clear();
  settle();
  crash();
  prepare = nullptr;
  boot();
  ASSERT_TRUE(until([&] { return sent.size() == 2; }));
  ASSERT_THAT(asked(), ElementsAre("two\nthree", "four"));
  EXPECT_TRUE(life_->agent.requests[0].resume);
  EXPECT_FALSE(life_->agent.requests[1].resume);
  expect_all_ended();
}

TEST_F(Queue, FollowupIsATurnForEach) {
  boot_with(QueueMode::kFollowup);
  begin();
  say("e2", "two");
  say("e3", "three");
  life_->agent.release();
  ASSERT_TRUE(until([&] { return sent.size() == 3; }));
  EXPECT_THAT(asked(), ElementsAre("one", "two", "three"));
}

TEST_F(Queue, ACommandThatOnlyAsksTheGatewayIsAnsweredBesideTheTurn) {
  boot_with(QueueMode::kFollowup);
  begin();
  say("e2", "two");
  say("e3", "/status");
  ASSERT_TRUE(until([&] { return sent.size() == 1; }));
  EXPECT_THAT(sent_texts(), ElementsAre("re: /status"));
  life_->agent.release();
  ASSERT_TRUE(until([&] { return sent.size() == 3; }));
  EXPECT_THAT(sent_texts(), ElementsAre("re: /status", "re: one", "re: two"));
  expect_all_ended();
}

TEST_F(Queue, ACommandOfSomebodyWhoMayGiveNoneKeepsItsPlace) {
  config_text_ = R"({"channels":{"fake":{"token":"t","groupPolicy":"open",
      "groups":{"*":{"requireMention":false}}}}})";
  boot_with(QueueMode::kFollowup);
  const auto in_group = [&](const std::string& id, const std::string& text) {
    json::object event = message(id, text, "7");
    event["conversation"] = json::object{{"id", "-5"}, {"type", "group"}};
    return event;
  };
  offer(in_group("e1", "one"));
  ASSERT_TRUE(until([&] { return life_->agent.active_runs() == 1; }));
  int stored = 0;
  for (const auto& [id, text] : {std::pair("e2", "/status"), std::pair("e3", "three")})
    life_->host.events->inbound(*life_->host.instance(), in_group(id, text),
                                [&](Code) { ++stored; });
  ASSERT_TRUE(until([&] { return stored == 2; }));
  life_->agent.release();
  ASSERT_TRUE(until([&] { return sent.size() == 3; }));
  EXPECT_THAT(asked(), ElementsAre("one", "/status", "three"));
}

TEST_F(Queue, TooManyAreShortened) {
  boot_with(QueueMode::kCollect, 2);
  begin();
  const std::string longer(300, 'x');
  say("e2", longer);
  say("e3", "three\nlines");
  say("e4", "four");
  say("e5", "five");
  life_->agent.release();
  ASSERT_TRUE(until([&] { return sent.size() == 2; }));
  ASSERT_EQ(asked().size(), 2U);
  EXPECT_THAT(asked()[1], StartsWith("[2 earlier messages, shortened]\n- xxx"));
  EXPECT_THAT(asked()[1], HasSubstr("xxx…\n- three lines\n"));
  EXPECT_THAT(asked()[1], HasSubstr("four\nfive"));
  EXPECT_LT(asked()[1].size(), 300U);
  expect_all_ended();
}

TEST_F(Queue, TooManyForTurnsOfTheirOwnAreShortenedIntoTheNext) {
  boot_with(QueueMode::kFollowup, 2);
  begin();
  for (int i = 2; i <= 5; ++i) say("e" + std::to_string(i), "m" + std::to_string(i));
  life_->agent.release();
  ASSERT_TRUE(until([&] { return sent.size() == 3; }));
  EXPECT_THAT(asked(),
              ElementsAre("one", "[2 earlier messages, shortened]\n- m2\n- m3\n\nm4", "m5"));
}

TEST_F(Queue, TheOldestOrTheNewestAreLetGo) {
  for (const auto drop : {QueueDrop::kOld, QueueDrop::kNew}) {
    sent.clear();
    boot_with(QueueMode::kCollect, 2, drop);
    begin(drop == QueueDrop::kOld ? "old" : "new");
    for (int i = 2; i <= 5; ++i)
      say((drop == QueueDrop::kOld ? "o" : "n") + std::to_string(i), "m" + std::to_string(i));
    life_->agent.release();
    ASSERT_TRUE(until([&] { return sent.size() == 2; }));
    EXPECT_EQ(asked()[1], drop == QueueDrop::kOld ? "m4\nm5" : "m2\nm3");
    expect_all_ended();
    stop_cleanly();
    std::filesystem::remove(dir_.path() / "channels.db");
  }
  boot();
}

TEST_F(Queue, SteeringGoesIntoTheRunningTurn) {
  boot_with(QueueMode::kSteer);
  begin();
  say("e2", "two");
  say("e3", "three");
  say("e4", "/compact");
  say("e5", "five");
  life_->agent.release();
  ASSERT_TRUE(until([&] { return sent.size() == 3; }));
  settle();
  EXPECT_THAT(steered(), ElementsAre("two", "three"));
  EXPECT_THAT(asked(), ElementsAre("one", "/compact", "five"));
  expect_all_ended();
}

TEST_F(Queue, P2ACrashAfterSteeringAsksTheTranscript) {
  boot_with(QueueMode::kSteer);
  begin();
  say("e2", "two");
  // The turn has taken it and is still at work when the process ends.
  auto more = life_->agent.requests[0].more;
  const auto taken = wait(more());
  ASSERT_EQ(taken.size(), 1U);
  EXPECT_EQ(taken[0].text, "two");
  EXPECT_EQ(taken[0].run_id, "fake/default:e2");
  EXPECT_TRUE(wait(more()).empty());
  crash();
  prepare = [](Life& life) {
    life.agent.answer = [](const agent::TurnRequest& request) {
      agent::TurnResult result;
      result.status = request.text == "two" ? "steered" : "ok";
      result.text = result.status == "ok" ? "both" : "";
      return result;
    };
  };
  boot();
  ASSERT_TRUE(until([&] { return sent.size() == 1; }));
  settle();
  EXPECT_THAT(asked(), ElementsAre("one", "two"));
  EXPECT_TRUE(life_->agent.requests[1].resume);
  EXPECT_THAT(sent_texts(), ElementsAre("both"));
  expect_all_ended();
}

TEST_F(Queue, OfAnotherPersonIsNotSteeredIntoATurn) {
  boot_with(QueueMode::kSteer);
  begin();
  say("e2", "two", "2");
  life_->agent.release();
  ASSERT_TRUE(until([&] { return sent.size() == 2; }));
  EXPECT_THAT(steered(), IsEmpty());
  EXPECT_THAT(asked(), ElementsAre("one", "two"));
}

TEST_F(Queue, SteerBacklogDoesBoth) {
  boot_with(QueueMode::kSteerBacklog);
  begin();
  say("e2", "two");
  life_->agent.release();
  ASSERT_TRUE(until([&] { return sent.size() == 2; }));
  EXPECT_THAT(steered(), ElementsAre("two"));
  EXPECT_THAT(asked(), ElementsAre("one", "two"));
}

TEST_F(Queue, InterruptEndsTheTurn) {
  boot_with(QueueMode::kInterrupt);
  begin();
  life_->agent.held = false;  // of the next turn
  say("e2", "two");
  ASSERT_TRUE(until([&] { return sent.size() == 1; }));
  EXPECT_THAT(asked(), ElementsAre("one", "two"));
  EXPECT_THAT(sent_texts(), ElementsAre("re: two"));
  expect_all_ended();
}

TEST_F(Queue, AStrangerInterruptsNobody) {
  config_text_ = R"({"channels":{"fake":{"token":"t","allowFrom":["1"],"dmPolicy":"allowlist"}}})";
  boot_with(QueueMode::kInterrupt);
  begin();
  say("e2", "two", "2");
  settle();
  EXPECT_EQ(life_->agent.active_runs(), 1U);
  life_->agent.release();
  ASSERT_TRUE(until([&] { return sent.size() == 1; }));
  EXPECT_THAT(sent_texts(), ElementsAre("re: one"));
}

TEST_F(Queue, AStopWordReachesWhatWaitsForQuiet) {
  boot_with(QueueMode::kCollect, 20, QueueDrop::kSummarize, 400);
  begin();
  say("e2", "two");
  life_->agent.release();
  ASSERT_TRUE(until([&] { return sent.size() == 1; }));
  settle();
  say("e3", "stop");
  ASSERT_TRUE(until([&] { return sent.size() == 2; }));
  EXPECT_EQ(sent_texts()[1], "Stopped.");
  for (int i = 0; i < 4; ++i) settle();  // longer than the quiet it waited for
  EXPECT_THAT(asked(), ElementsAre("one"));
  expect_all_ended();
}

class Burst : public Queue {
 protected:
  Burst() {
    config_text_ = R"({"channels":{"fake":{"token":"t","allowFrom":["1","2"]}},
        "messages":{"inbound":{"debounceMs":5,"byChannel":{"fake":200}}}})";
  }
};

TEST_F(Burst, IsOneTurn) {
  boot();
  say("e1", "one");
  say("e2", "two");
  say("e3", "three");
  ASSERT_TRUE(until([&] { return sent.size() == 1; }));
  settle();
  EXPECT_THAT(asked(), ElementsAre("one\ntwo\nthree"));
  expect_all_ended();
}

TEST_F(Burst, OfOnePersonOnlyAndWithoutCommands) {
  boot();
  say("e1", "one");
  say("e2", "two", "2");
  say("e3", "/status", "2");
  ASSERT_TRUE(until([&] { return sent.size() == 3; }));
  EXPECT_THAT(asked(), ElementsAre("one", "two", "/status"));
}

TEST_F(Burst, AFileWaitsForNothing) {
  boot();
  json::object photo = message("e1", "look");
  photo["attachments"] = json::array{json::object{{"kind", "photo"}, {"ref", "p1"}}};
  offer(std::move(photo));
  say("e2", "two");
  ASSERT_TRUE(until([&] { return sent.size() == 2; }));
  EXPECT_THAT(asked(), ElementsAre(HasSubstr("look"), "two"));
}

TEST_F(Burst, P2ACrashWhileItIsGatheredLosesNothing) {
  config_text_ = R"({"channels":{"fake":{"token":"t","allowFrom":["1"]}},
      "messages":{"inbound":{"debounceMs":10000}}})";
  boot();
  say("e1", "one");
  say("e2", "two");
  settle();
  EXPECT_THAT(asked(), IsEmpty());
  crash();
  config_text_ = R"({"channels":{"fake":{"token":"t","allowFrom":["1"]}},
      "messages":{"inbound":{"debounceMs":50}}})";
  boot();
  ASSERT_TRUE(until([&] { return sent.size() == 1; }));
  EXPECT_THAT(asked(), ElementsAre("one\ntwo"));
}

}  // namespace
}  // namespace openclaw::channel
