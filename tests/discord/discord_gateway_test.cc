// The gateway connection: greeting, heartbeats, resuming, new sessions, and what ends the account.
#include "discord_fixture.h"

namespace openclaw::discord_test {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Not;

class DiscordGateway : public DiscordFixture {
 protected:
  json::array sessions() { return get("/gateway/sessions").as_array(); }
  std::size_t identifies() { return gateway_log("dir=in&op=2").size(); }
  std::size_t resumes() { return gateway_log("dir=in&op=6").size(); }
  void wait_resumes(std::size_t count) {
    run_until([&] { return resumes() >= count; });
    run_until([&] { return gateway_log("dir=out&t=RESUMED").size() >= count; });
  }
  void wait_identifies(std::size_t count) {
    run_until([&] { return gateway_log("dir=out&t=READY").size() >= count; });
  }
  // What was written while the connection was away comes, once and in order.
  void expect_nothing_lost(const std::string& text) {
    const std::size_t before = recorder_.events.size();
    write(text);
    wait_events(before + 1);
    EXPECT_EQ(recorder_.events.back().at("text"), json::value(text));
  }
  Result<void> start_of(json::object more) {
    json::object all = config();
    for (auto& member : more) all[member.key()] = member.value();
    return start(*create(std::move(all)));
  }
};

// R132: hello, identify, ready, heartbeat.
TEST_F(DiscordGateway, R132ASessionComesUpWithTheRightIntentsAndBeats) {
  post("/config", {{"heartbeatMs", 300}});
  up();
  ASSERT_EQ(sessions().size(), 1u);
  EXPECT_EQ(sessions()[0].at("intents"), 46593);
  run_until([&] { return gateway_log("dir=in&op=1").size() >= 3; });
  EXPECT_EQ(identifies(), 1u);
  EXPECT_EQ(recorder_.links.back().at("account").at("id"), json::value(stub_.said("bot_id")));
  const json::array connects = gateway_log("dir=connect");
  EXPECT_THAT(std::string(connects[0].at("url").as_string()), HasSubstr("compress=zlib-stream"));
}

TEST_F(DiscordGateway, CompressedMessagesThatComeInPiecesAreReadWhole) {
  post("/config", {{"zlibSplitBytes", 100}});
  up();
  expect_nothing_lost("in pieces");
}

TEST_F(DiscordGateway, ABrokenSocketIsResumedAtTheAddressOfTheSession) {
  up();
  expect_nothing_lost("before");
  post("/gateway/kill", {});
  write("while away");
  wait_resumes(1);
  wait_events(2);
  EXPECT_EQ(recorder_.events[1].at("text"), "while away");
  EXPECT_EQ(identifies(), 1u);
  EXPECT_TRUE(sessions()[0].at("via_resume_url").as_bool());
}

TEST_F(DiscordGateway, P7AZombieIsFoundByTheMissingAcknowledgement) {
  post("/config", {{"heartbeatMs", 300}, {"heartbeatGrace", 1000}});
  up();
  post("/gateway/set", {{"stopAck", true}});
  run_until([&] { return gateway_log("dir=closed").size() >= 1; });
  EXPECT_EQ(gateway_log("dir=closed")[0].at("code"), 4000);
  post("/gateway/set", {{"stopAck", false}});
  wait_resumes(1);
  EXPECT_EQ(identifies(), 1u);
  expect_nothing_lost("alive");
}

TEST_F(DiscordGateway, TheServiceMayAskForAnewConnectionAndForAHeartbeat) {
  up();
  const std::size_t beats = gateway_log("dir=in&op=1").size();
  post("/gateway/heartbeat", {});
  run_until([&] { return gateway_log("dir=in&op=1").size() > beats; });
  post("/gateway/op7", {});
  wait_resumes(1);
  EXPECT_EQ(identifies(), 1u);
  expect_nothing_lost("after op 7");
}

TEST_F(DiscordGateway, AnInvalidSessionIsResumedOrBegunAnewAsTheServiceSays) {
  up();
  post("/gateway/invalid", {{"resumable", true}});
  wait_resumes(1);
  EXPECT_EQ(identifies(), 1u);
  post("/gateway/invalid", {{"resumable", false}});
  wait_identifies(2);
  EXPECT_EQ(resumes(), 1u);
  expect_nothing_lost("new session");
}

TEST_F(DiscordGateway, ResumesThatFailEndInANewSession) {
  up();
  // Told to go on, again and again, and never let in.
  post("/gateway/set", {{"invalidOnResume", 1}});
  post("/gateway/close", {{"code", 4000}});
  wait_identifies(2);
  EXPECT_EQ(resumes(), 1u);
}

struct CloseCase {
  int code;
  bool resumes;
};
void PrintTo(const CloseCase& close, std::ostream* out) {
  *out << close.code;
}
class DiscordClose : public DiscordGateway, public testing::WithParamInterface<CloseCase> {};

TEST_P(DiscordClose, P7TheCodeSaysWhetherTheSessionGoesOn) {
  up();
  post("/gateway/close", {{"code", GetParam().code}});
  if (GetParam().resumes) {
    wait_resumes(1);
    EXPECT_EQ(identifies(), 1u);
  } else {
    wait_identifies(2);
    EXPECT_EQ(resumes(), 0u);
  }
}
INSTANTIATE_TEST_SUITE_P(Codes, DiscordClose,
                         testing::Values(CloseCase{4000, true}, CloseCase{4001, true},
                                         CloseCase{4002, true}, CloseCase{4005, true},
                                         CloseCase{4008, true}, CloseCase{1001, true},
                                         CloseCase{1000, false}, CloseCase{4007, false},
                                         CloseCase{4009, false}),
                         [](const auto& one) { return std::to_string(one.param.code); });

struct FatalCase {
  int code;
  const char* says;
  const char* next = "channels.discord";  // the section that mends it
};
// Named by its code: the test's name must not hold an address.
void PrintTo(const FatalCase& fatal, std::ostream* out) {
  *out << fatal.code;
}
class DiscordFatal : public DiscordGateway, public testing::WithParamInterface<FatalCase> {};

TEST_P(DiscordFatal, P7EndsTheAccountWithWhatToDo) {
  up();
  post("/gateway/close", {{"code", GetParam().code}});
  wait_link("failed");
  EXPECT_THAT(last_message(), HasSubstr(GetParam().says));
  EXPECT_THAT(last_message(), HasSubstr(GetParam().next));
  EXPECT_EQ(identifies(), 1u);
}
INSTANTIATE_TEST_SUITE_P(Codes, DiscordFatal,
                         testing::Values(FatalCase{4004, "openclaw channels add --channel discord"},
                                         FatalCase{4010, "shards"}, FatalCase{4011, "shards"},
                                         FatalCase{4012, "version", "newer openclaw"},
                                         FatalCase{4013, "intents"}),
                         [](const auto& one) { return std::to_string(one.param.code); });

TEST_F(DiscordGateway, ATokenThatIsNotAcceptedEndsTheStart) {
  const Result<void> started =
      start_of({{"token", "MTIz.wrong.token-that-nobody-knows-0123456789"}});
  ASSERT_TRUE(started.has_error());
  EXPECT_EQ(started.error().code, Code::kUnauthenticated);
  EXPECT_THAT(started.error().message, HasSubstr("openclaw channels add --channel discord"));
  EXPECT_EQ(calls("GET", "users/@me").size(), 1u);
}

TEST_F(DiscordGateway, WithoutTheContentIntentTheSwitchAndTheWaysOnAreNamed) {
  post("/config", {{"privileged", {{"messageContent", false}}}});
  PluginInstance* bot = create(config());
  ASSERT_TRUE(start(*bot).has_value());
  wait_link("connecting", "disallowedIntents");
  for (const char* says :
       {"Message Content Intent", "page Bot", "once a minute", "openclaw channels status --probe",
        "openclaw config set channels.discord.intents.messageContent false"})
    EXPECT_THAT(last_message(), HasSubstr(says));
  // What the switch is for is not needed to write.
  EXPECT_TRUE(send(bot, "hello").has_value());
  ASSERT_TRUE(call(bot, "channel.probe", {}).has_value());
  EXPECT_TRUE(sessions().empty()) << "still off";
  post("/config", {{"privileged", {{"messageContent", true}}}});
  ASSERT_TRUE(call(bot, "channel.probe", {}).has_value());
  wait_link("online");
  expect_nothing_lost("heard");
}

TEST_F(DiscordGateway, AnIntentThatIsTakenAwayMeanwhileIsWaitedForAndTheSessionGoesOn) {
  PluginInstance* bot = up();
  expect_nothing_lost("before");
  post("/gateway/close", {{"code", 4014}});
  wait_link("connecting", "disallowedIntents");
  write("while away");
  ASSERT_TRUE(call(bot, "channel.probe", {}).has_value());
  wait_events(2);
  EXPECT_EQ(identifies(), 1u);
}

// As it may be after a reset of the token: the session is the old one's.
TEST_F(DiscordGateway, ATokenThatOnlyTheOldSessionRefusesBeginsANewOne) {
  up();
  expect_nothing_lost("before");
  post("/gateway/set", {{"closeOnResume", 4004}});
  post("/gateway/kill", {});
  write("while away");
  wait_events(2);
  EXPECT_EQ(resumes(), 1u);
  EXPECT_EQ(identifies(), 2u);
}

TEST_F(DiscordGateway, ATokenThatIsRefusedWhileResumingEndsTheAccountWithWhatToDo) {
  up();
  expect_nothing_lost("before");
  post("/gateway/set", {{"refuse", 1}});
  post("/gateway/kill", {});
  run_until([&] { return gateway_log("dir=refused").size() == 1; });
  post("/token", {{"revoke", stub_.token()}});
  wait_link("failed", "unauthorized");
  EXPECT_EQ(resumes(), 1u);
  EXPECT_EQ(identifies(), 1u);
  EXPECT_THAT(last_message(), HasSubstr("openclaw channels add --channel discord"));
}

TEST_F(DiscordGateway, ASessionOutlivesARestartAndAnOutageAfterIt) {
  PluginInstance* bot = up();
  expect_nothing_lost("before");
  down(bot);
  up();
  // As long as the address of the session is not given up, and a little longer.
  post("/gateway/set", {{"refuse", 3}});
  post("/gateway/kill", {});
  // Where nobody wrote before, so that no new session would look there.
  write("while away", {{"channel_id", kOps}});
  wait_events(2);
  EXPECT_EQ(recorder_.events[1].at("text"), "while away");
  EXPECT_EQ(identifies(), 1u);
}

TEST_F(DiscordGateway, TheContentIntentCanBeDoneWithout) {
  post("/config", {{"privileged", {{"messageContent", false}}}});
  up({{"intents", {{"messageContent", false}}}});
  EXPECT_EQ(sessions()[0].at("intents"), 13825);
  expect_nothing_lost("direct messages come all the same");
}

TEST_F(DiscordGateway, ASessionIsNotResumedWithOtherIntentsThanItWasBegunWith) {
  PluginInstance* bot = up();
  down(bot);
  bot = up({{"reactionNotifications", "off"}});
  EXPECT_EQ(resumes(), 0u);
  EXPECT_EQ(identifies(), 2u);
  EXPECT_EQ(sessions().back().at("intents"), 37377);
  down(bot);
  up({{"reactionNotifications", "off"}});
  EXPECT_EQ(resumes(), 1u);
}

TEST_F(DiscordGateway, PresenceIsShownAndChangedInASessionThatGoesOn) {
  const auto activity = [&] { return sessions().at(0).at("presence").at("activities").at(0); };
  PluginInstance* bot = up({{"status", "idle"}, {"activity", "chess"}, {"activityType", 0}});
  EXPECT_EQ(gateway_log("dir=in&op=2")[0].at("d").at("presence").at("status"), "idle");
  EXPECT_EQ(activity(), json::parse(R"({"name":"chess","type":0})"));
  post("/gateway/kill", {});
  wait_resumes(1);
  EXPECT_TRUE(gateway_log("dir=in&op=3").empty()) << "the session shows it already";
  down(bot);
  bot = up({{"activity", "reading"}});
  run_until([&] { return gateway_log("dir=in&op=3").size() == 1; });
  EXPECT_EQ(activity().at("state"), "reading");
  EXPECT_EQ(identifies(), 1u);
  down(bot);
  up();
  run_until([&] { return gateway_log("dir=in&op=3").size() == 2; });
  EXPECT_EQ(sessions()[0].at("presence").at("activities"), json::array());
}

TEST_F(DiscordGateway, NoSessionIsBegunBeyondTheLimit) {
  post("/config", {{"identifyTotal", 0}});
  const Result<void> started = start_of({});
  EXPECT_TRUE(started.has_value());
  wait_link("connecting", "sessionLimit");
  EXPECT_EQ(identifies(), 0u);
  EXPECT_THAT(last_message(), HasSubstr("minutes"));
}

TEST_F(DiscordGateway, AServiceThatIsAwayDoesNotHoldUpTheStart) {
  post("/faults", {{"path", "users/@me"}, {"action", "error"}, {"status", 503}, {"count", 2}});
  recorder_.links.clear();
  const Result<void> started = start_of({});
  EXPECT_TRUE(started.has_value());
  wait_link("online");
}

TEST_F(DiscordGateway, ASessionThatIsLongInComingDoesNotHoldUpTheStart) {
  post("/gateway/set", {{"readyDelayMs", 21'000}});
  const Result<void> started = start_of({});
  EXPECT_TRUE(started.has_value()) << started.error().message;
  wait_link("connecting", "waiting");
  EXPECT_THAT(last_message(), HasSubstr("connects by itself"));
  wait_link("online");
  EXPECT_EQ(identifies(), 1u);
}

TEST_F(DiscordGateway, RefusedConnectionsAreTriedAgain) {
  post("/gateway/set", {{"refuse", 2}});
  up();
  expect_nothing_lost("third time");
}

}  // namespace
}  // namespace openclaw::discord_test
