// What people write reaches the host, once, and the service forgets it only afterwards.
#include "telegram_fixture.h"

namespace openclaw::telegram_test {
namespace {

using namespace std::chrono_literals;
using testing::Contains;
using testing::HasSubstr;

class TelegramReceive : public TelegramFixture {
 protected:
  // The offsets that polls which were answered have told the service.
  std::vector<std::int64_t> offsets() {
    std::vector<std::int64_t> out;
    for (const json::value& call : calls("getUpdates")) {
      const json::object& params = call.at("params").as_object();
      out.push_back(params.contains("offset") ? params.at("offset").as_int64() : 0);
    }
    return out;
  }
  std::size_t pending() { return get("/updates").at("pending").as_array().size(); }
  void fault(json::object what) { post("/faults", std::move(what)); }
  std::string last_message() const {
    for (auto it = recorder_.links.rbegin(); it != recorder_.links.rend(); ++it) {
      if (it->contains("message")) return std::string(it->at("message").as_string());
    }
    return {};
  }
};

TEST_F(TelegramReceive, AMessageIsAnEventAndTheOffsetMovesOnlyAfterItsAck) {
  PluginInstance* bot = up();
  recorder_.withhold = true;
  const std::int64_t first = write("hello");
  wait_events(1);
  const json::object event = recorder_.events[0];
  EXPECT_EQ(event.at("kind"), "message");
  EXPECT_EQ(event.at("text"), "hello");
  EXPECT_EQ(event.at("account"), "default");
  EXPECT_EQ(event.at("conversation").at("id"), "1001");
  EXPECT_EQ(event.at("conversation").at("type"), "direct");
  EXPECT_EQ(event.at("sender").at("id"), "1001");
  EXPECT_EQ(event.at("eventId"), json::value("tg:700100200:" + std::to_string(first)));

  // Without the ack there is no further poll, so nothing that came later is read or forgotten.
  write("and more");
  ASSERT_TRUE(call(bot, "channel.probe", {}).has_value());
  EXPECT_FALSE(get("/updates").at("polling").as_bool());
  EXPECT_EQ(pending(), 2u);
  EXPECT_EQ(recorder_.events.size(), 1u);
  for (const std::int64_t offset : offsets()) EXPECT_LE(offset, first);

  recorder_.withhold = false;
  recorder_.kept[0](Code::kOk);
  wait_events(2);
  EXPECT_EQ(recorder_.events[1].at("text"), "and more");
  EXPECT_THAT(offsets(), Contains(first + 1));
}

TEST_F(TelegramReceive, AReactionIsAnEventUnlessReactionsAreOff) {
  PluginInstance* bot = up();
  const auto sent = send(bot, "done");
  ASSERT_TRUE(sent.has_value());
  const std::int64_t id = std::stoll(std::string(sent->at("messageId").as_string()));
  const json::object press{{"user_id", 1001}, {"message_id", id}, {"emoji", "🔥"}};
  post("/inject/reaction", press);
  wait_events(1);
  EXPECT_EQ(recorder_.events[0].at("kind"), "reaction");
  EXPECT_EQ(recorder_.events[0].at("emoji"), "🔥");
  EXPECT_EQ(recorder_.events[0].at("messageId"), sent->at("messageId"));
  down(bot);
  up({{"reactionNotifications", "off"}});
  write("a poll that was answered");
  wait_events(2);
  const json::array polls = calls("getUpdates");
  for (const json::value& kind : polls.back().at("params").at("allowed_updates").as_array())
    EXPECT_NE(kind, "message_reaction");
}

TEST_F(TelegramReceive, ATextThatTheAppCutIsOneGroup) {
  up();
  write(std::string(4096, 'a'));
  write("the rest");
  wait_events(2);
  EXPECT_TRUE(recorder_.events[0].contains("groupId"));
  EXPECT_EQ(recorder_.events[0].at("groupId"), recorder_.events[1].at("groupId"));
  write("something else");
  wait_events(3);
  EXPECT_FALSE(recorder_.events[2].contains("groupId"));
}

TEST_F(TelegramReceive, ABotInPrivacyModeSaysHowToLeaveIt) {
  PluginInstance* bot = up();
  const json::object groups = recorder_.links.back().at("groupMessages").as_object();
  EXPECT_FALSE(groups.at("all").as_bool());
  EXPECT_THAT(std::string(groups.at("fix").as_string()), testing::HasSubstr("/setprivacy"));
  post("/bot", {{"can_read_all_group_messages", true}});
  ASSERT_TRUE(call(bot, "channel.probe", {}).has_value());
  EXPECT_EQ(recorder_.links.back().at("groupMessages"), json::value(json::object{{"all", true}}));
  down(bot);
  up();
  EXPECT_EQ(recorder_.links.back().at("groupMessages"), json::value(json::object{{"all", true}}));
}

TEST_F(TelegramReceive, WhatTheHostCannotStoreIsOfferedAgain) {
  up();
  recorder_.answers = {Code::kUnavailable, Code::kResourceExhausted};
  const std::int64_t id = write("keep me");
  wait_events(3);
  EXPECT_EQ(recorder_.events[0], recorder_.events[2]);
  write("next");
  wait_events(4);
  EXPECT_EQ(recorder_.events[3].at("text"), "next");
  EXPECT_THAT(offsets(), Contains(id + 1));
}

TEST_F(TelegramReceive, AnEventThatTheHostNeverTakesDoesNotStopTheOthers) {
  up();
  recorder_.answers = {Code::kInvalidArgument};
  write("refused");
  wait_events(2);
  EXPECT_EQ(recorder_.events[1].at("kind"), "unparsed");
  EXPECT_EQ(recorder_.events[1].at("eventId"), recorder_.events[0].at("eventId"));
  write("next");
  wait_events(3);
  EXPECT_EQ(recorder_.events[2].at("text"), "next");
}

TEST_F(TelegramReceive, APoisonedUpdateIsKeptRawAndPassed) {
  up();
  post("/inject/raw", {{"update", {{"message", {{"message_id", "not a number"}}}}}});
  wait_events(1);
  EXPECT_EQ(recorder_.events[0].at("kind"), "unparsed");
  write("next");
  wait_events(2);
  EXPECT_EQ(recorder_.events[1].at("text"), "next");
}

TEST_F(TelegramReceive, ARestartGoesOnWhereItStoodWithoutRepeating) {
  PluginInstance* bot = up();
  const std::int64_t first = write("one");
  wait_events(1);
  down(bot);
  EXPECT_EQ(pending(), 0u);  // the last poll confirmed it
  write("two");
  up();
  wait_events(2);
  EXPECT_EQ(recorder_.events[1].at("text"), "two");
  EXPECT_THAT(offsets(), Contains(first + 1));
  write("three");
  wait_events(3);
  EXPECT_EQ(recorder_.events[2].at("text"), "three");
}

TEST_F(TelegramReceive, WhatWasNotAckedComesAgainAfterARestartUnderTheSameId) {
  PluginInstance* bot = up();
  recorder_.withhold = true;
  write("one");
  wait_events(1);
  down(bot);
  EXPECT_EQ(pending(), 1u);
  recorder_.withhold = false;
  recorder_.kept.clear();
  up();
  wait_events(2);
  EXPECT_EQ(recorder_.events[1], recorder_.events[0]);
}

TEST_F(TelegramReceive, TheOffsetOfOneBotIsNotUsedForAnother) {
  PluginInstance* bot = up();
  write("one");
  wait_events(1);
  down(bot);
  const std::string other = "800200300:OTHER-telegram-token-0123456789abcdef";
  forbidden_.push_back(other);
  post("/bot", {{"token", other}, {"username", "other_bot"}, {"first_update_id", 5}});
  write("for the other", {{"bot", other}});
  up({{"botToken", other}});
  wait_events(2);
  EXPECT_EQ(recorder_.events[1].at("text"), "for the other");
  EXPECT_EQ(recorder_.links.back().at("account").at("id"), "800200300");
}

TEST_F(TelegramReceive, AButtonIsAnsweredAtOnceAlsoWhenTheHostIsSlow) {
  PluginInstance* bot = up();
  const auto sent = send(bot, "choose");
  ASSERT_TRUE(sent.has_value()) << sent.error().message;
  recorder_.withhold = true;
  post("/inject/callback", {{"chat_id", 1001},
                            {"message_id", std::stoi(sent->at("messageId").as_string().c_str())},
                            {"data", "yes"},
                            {"strict", false}});
  wait_events(1);
  EXPECT_EQ(recorder_.events[0].at("kind"), "callback");
  EXPECT_EQ(recorder_.events[0].at("text"), "yes");
  get("/wait/calls?method=answerCallbackQuery&timeout_ms=20000");
  recorder_.kept[0](Code::kOk);
}

TEST_F(TelegramReceive, GroupsAndTopicsAndMentionsAreTold) {
  up();
  post("/chat", {{"id", -1001},
                 {"type", "supergroup"},
                 {"title", "Team"},
                 {"topics", json::array{{{"id", 7}, {"name", "Ops"}}}}});
  write("@lab_bot look", {{"chat_id", -1001}, {"message_thread_id", 7}});
  wait_events(1);
  const json::object event = recorder_.events[0];
  EXPECT_EQ(event.at("conversation").at("type"), "group");
  EXPECT_EQ(event.at("conversation").at("threadId"), "7");
  EXPECT_EQ(event.at("mentioned"), true);
  EXPECT_EQ(event.at("text"), "look");
}

TEST_F(TelegramReceive, AGroupThatBecameASupergroupSaysWhichIdItHadAfterARestartToo) {
  PluginInstance* bot = up();
  post("/chat", {{"id", -55}, {"type", "group"}, {"title", "Team"}});
  write("@lab_bot one", {{"chat_id", -55}});
  const std::int64_t to = post("/inject/migrate", {{"chat_id", -55}}).at("to").as_int64();
  write("@lab_bot two", {{"chat_id", to}});
  wait_events(2);
  EXPECT_FALSE(recorder_.events[0].at("conversation").as_object().contains("formerId"));
  EXPECT_EQ(recorder_.events[1].at("conversation").at("id"), json::value(std::to_string(to)));
  EXPECT_EQ(recorder_.events[1].at("conversation").at("formerId"), "-55");
  down(bot);
  bot = up();
  write("@lab_bot three", {{"chat_id", to}});
  wait_events(3);
  EXPECT_EQ(recorder_.events[2].at("conversation").at("formerId"), "-55");
  // What the host still sends to the old id goes to the new one at once.
  const json::object old{{"conversation", {{"id", "-55"}, {"type", "group"}}}};
  ASSERT_TRUE(send(bot, "here", old).has_value());
  EXPECT_EQ(shown(std::to_string(to)), std::vector<std::string>{"here"});
  EXPECT_EQ(calls("sendMessage").size(), 1u);
}

TEST_F(TelegramReceive, ALeftOverWebhookIsRemovedAndLosesNothing) {
  net::HttpRequest request;
  request.method = "POST";
  request.url = *net::parse_url(stub_.api() + "/bot" + stub_.token() + "/setWebhook");
  request.allow_private = true;
  request.headers = {{"content-type", "application/json"}};
  request.body = R"({"url":"http://127.0.0.1:1/hook"})";
  ASSERT_EQ(run(client_.request(std::move(request), Limits::within(10s)))->status, 200);
  write("while away");
  up();
  wait_events(1);
  EXPECT_EQ(recorder_.events[0].at("text"), "while away");
  EXPECT_EQ(calls("deleteWebhook").size(), 1u);
}

TEST_F(TelegramReceive, TheMenuOfCommandsIsSet) {
  up({{"customCommands", json::array{{{"command", "deploy"}, {"description", "Ship it"}}}}});
  get("/wait/calls?method=setMyCommands&timeout_ms=20000");
  const std::string set = json::serialize(calls("setMyCommands")[0].at("params"));
  for (const char* name : {"help", "status", "new", "stop", "model", "tools", "tool", "deploy"})
    EXPECT_THAT(set, HasSubstr("\"command\":\"" + std::string(name) + "\""));
}

TEST_F(TelegramReceive, ASecondReaderIsReportedAndWaitedFor) {
  fault({{"method", "getUpdates"},
         {"action", "error"},
         {"code", 409},
         {"count", 1},
         {"description", "Conflict: terminated by other getUpdates request"}});
  PluginInstance* bot = create(config());
  ASSERT_TRUE(start(*bot).has_value());
  wait_link("connecting", "conflict");
  EXPECT_THAT(last_message(), HasSubstr("409"));
  EXPECT_THAT(last_message(), HasSubstr("openclaw channels add --channel telegram"));
  wait_link("online");
  write("still here");
  wait_events(1);
}

TEST_F(TelegramReceive, OfTwoReadersOnAMachineOneWaitsForTheOther) {
  PluginInstance* first = up();
  PluginInstance* second = create(config(), "second");
  ASSERT_TRUE(start(*second).has_value());
  wait_link("connecting", "conflict");
  EXPECT_THAT(last_message(), HasSubstr("on this machine"));
  write("one");
  wait_events(1);
  EXPECT_EQ(recorder_.events[0].at("account"), "default");
  // It may say what it has to say.
  EXPECT_TRUE(send(second, "hello").has_value());
  for (const json::value& poll : calls("getUpdates"))
    EXPECT_NE(poll.as_object().contains("status") ? poll.at("status") : nullptr, json::value(409));
  down(first);
  write("two");
  wait_events(2);
  EXPECT_EQ(recorder_.events[1].at("text"), "two");
  EXPECT_EQ(recorder_.events[1].at("account"), "second");
}

TEST_F(TelegramReceive, AWrongTokenEndsTheStartAndSaysWhatToType) {
  const std::string wrong = "700100200:WRONG-telegram-token-0123456789abcde";
  forbidden_.push_back(wrong);
  json::object other = config();
  other["botToken"] = wrong;
  PluginInstance* bot = create(other);
  auto started = start(*bot);
  ASSERT_TRUE(started.has_error());
  EXPECT_EQ(started.error().code, Code::kUnauthenticated);
  EXPECT_THAT(started.error().message, HasSubstr("channels.telegram"));
  EXPECT_THAT(started.error().message,
              testing::EndsWith("type: openclaw channels add --channel telegram"));
  EXPECT_EQ(started.error().message.find("WRONG"), std::string::npos);
  wait_link("failed", "unauthorized");
  down(bot);
  EXPECT_EQ(calls("getMe").size(), 1u);  // no hammering
}

TEST_F(TelegramReceive, AMissingTokenEndsTheStartAndSaysWhatToType) {
  PluginInstance* bot = create({}, "work");
  auto started = start(*bot);
  ASSERT_TRUE(started.has_error());
  EXPECT_EQ(started.error().code, Code::kFailedPrecondition);
  EXPECT_THAT(started.error().message,
              HasSubstr("channels.telegram.accounts.work has no botToken"));
  EXPECT_THAT(started.error().message, testing::EndsWith("--channel telegram --account work"));
}

TEST_F(TelegramReceive, ATokenThatIsRevokedEndsTheAccount) {
  PluginInstance* bot = up();
  post("/bot", {{"revoke", stub_.token()}});
  wait_link("failed", "unauthorized");
  EXPECT_THAT(last_message(), HasSubstr("openclaw channels add"));
  const auto sent = send(bot, "anyone there?");
  ASSERT_TRUE(sent.has_error());
  EXPECT_EQ(sent.error().code, Code::kUnauthenticated);
}

TEST_F(TelegramReceive, BrokenAnswersAreRiddenOut) {
  up();
  fault({{"method", "getUpdates"}, {"action", "reset"}, {"count", 1}});
  fault({{"method", "getUpdates"}, {"action", "html"}, {"count", 1}});
  fault({{"method", "getUpdates"}, {"action", "truncate"}, {"count", 1}});
  post("/sockets/kill", {});
  write("through the storm");
  wait_events(1);
  write("and after");
  wait_events(2);
  EXPECT_EQ(recorder_.events[1].at("text"), "and after");
}

TEST_F(TelegramReceive, AServiceThatIsAwayIsReportedAndTheStartDoesNotFail) {
  json::object away = config();
  away["apiRoot"] = "http://127.0.0.1:1";
  PluginInstance* bot = create(away);
  auto started = start(*bot);
  EXPECT_TRUE(started.has_value()) << started.error().message;
  wait_link("connecting", "unreachable");
  const auto sent = send(bot, "x");
  ASSERT_TRUE(sent.has_error());
  EXPECT_EQ(sent.error().code, Code::kUnavailable);
  const auto began = std::chrono::steady_clock::now();
  down(bot);
  EXPECT_LT(std::chrono::steady_clock::now() - began, 3s);
}

TEST_F(TelegramReceive, ARefusalToPollIsWaitedOut) {
  up();
  fault({{"method", "getUpdates"},
         {"action", "error"},
         {"code", 429},
         {"retry_after", 1},
         {"count", 1}});
  write("one");
  wait_events(1);
  write("two");
  wait_events(2);
}

TEST_F(TelegramReceive, ManyUpdatesArriveInOrderAndOnce) {
  up();
  std::vector<std::string> texts;
  for (int i = 0; i < 250; ++i) {
    texts.push_back("m" + std::to_string(i));
    write(texts.back());
  }
  wait_events(texts.size());
  ASSERT_EQ(recorder_.events.size(), texts.size());
  for (std::size_t i = 0; i < texts.size(); ++i)
    EXPECT_EQ(recorder_.events[i].at("text"), json::value(texts[i]));
}

}  // namespace
}  // namespace openclaw::telegram_test
