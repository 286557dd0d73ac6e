// What people write reaches the host, once, and the session moves on only afterwards.
#include "discord_fixture.h"

namespace openclaw::discord_test {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;

class DiscordReceive : public DiscordFixture {
 protected:
  std::vector<std::string> event_texts() const {
    std::vector<std::string> out;
    for (const json::object& event : recorder_.events)
      out.emplace_back(event.at("text").as_string());
    return out;
  }
  std::int64_t resumed_from() {
    const json::array all = gateway_log("dir=in&op=6");
    return all.empty() ? -1 : all.back().at("d").at("seq").as_int64();
  }
  std::int64_t sequence_of_last_message() {
    return gateway_log("dir=out&t=MESSAGE_CREATE").back().at("s").as_int64();
  }
  json::object in_general(json::object more = {}) {
    more["channel_id"] = kGeneral;
    return more;
  }
};

TEST_F(DiscordReceive, ADirectMessageIsAnEvent) {
  up();
  const std::string id = write("hello");
  wait_events(1);
  const json::object& event = recorder_.events[0];
  EXPECT_EQ(event.at("kind"), "message");
  EXPECT_EQ(event.at("text"), "hello");
  EXPECT_EQ(event.at("account"), "default");
  EXPECT_EQ(event.at("conversation").at("type"), "direct");
  EXPECT_EQ(event.at("sender").at("id"), kAnn);
  EXPECT_EQ(event.at("sender").at("name"), "Ann");
  EXPECT_EQ(event.at("messageId"), json::value(id));
  EXPECT_EQ(event.at("eventId"), json::value("dc:" + stub_.said("bot_id") + ":" + id));
}

TEST_F(DiscordReceive, AServerMessageTellsItsServerAndWhetherItIsForTheBot) {
  up();
  write("just talk", in_general());
  write("<@" + stub_.said("bot_id") + "> deploy <@!" + stub_.said("bot_id") + ">", in_general());
  write("@everyone look", in_general());
  wait_events(3);
  const json::object& plain = recorder_.events[0];
  EXPECT_EQ(plain.at("conversation").at("type"), "channel");
  EXPECT_EQ(plain.at("conversation").at("spaceId"), kGuild);
  EXPECT_EQ(plain.at("conversation").at("title"), "#general");
  EXPECT_FALSE(plain.at("mentioned").as_bool());
  EXPECT_TRUE(recorder_.events[1].at("mentioned").as_bool());
  EXPECT_EQ(recorder_.events[1].at("text"), "deploy");
  EXPECT_FALSE(recorder_.events[2].at("mentioned").as_bool());
}

TEST_F(DiscordReceive, AReplyToTheBotIsForIt) {
  PluginInstance* bot = up();
  auto sent = send(bot, "what do you want?");
  ASSERT_TRUE(sent.has_value()) << sent.error().message;
  const std::string id(sent->at("messageId").as_string());
  write("this", in_general({{"reply_to", id}}));
  wait_events(1);
  EXPECT_TRUE(recorder_.events[0].at("mentioned").as_bool());
  EXPECT_EQ(recorder_.events[0].at("replyTo").at("messageId"), json::value(id));
  EXPECT_TRUE(recorder_.events[0].at("replyTo").at("toSelf").as_bool());
  EXPECT_EQ(recorder_.events[0].at("replyTo").at("text"), "what do you want?");
}

TEST_F(DiscordReceive, AThreadNamesTheChannelItHangsOn) {
  up();
  const json::value made = post("/inject/thread", {{"channel_id", kOps}, {"name", "incident"}});
  const std::string thread(made.at("thread_id").as_string());
  write("in a thread", {{"channel_id", thread}});
  wait_events(1);
  EXPECT_EQ(recorder_.events[0].at("conversation").at("id"), json::value(thread));
  EXPECT_EQ(recorder_.events[0].at("conversation").at("parentId"), kOps);
}

TEST_F(DiscordReceive, BotsWebhooksAndItsOwnWordsAreNotHeard) {
  PluginInstance* bot = up();
  post("/user", {{"id", "910000000000000009"}, {"username", "robot"}, {"bot", true}});
  write("from a bot", in_general({{"user_id", "910000000000000009"}}));
  write("from a webhook", in_general({{"webhook", true}}));
  ASSERT_TRUE(send(bot, "my own").has_value());
  write("from a person", in_general());
  wait_events(1);
  EXPECT_THAT(event_texts(), ElementsAre("from a person"));
}

TEST_F(DiscordReceive, P1TheSessionMovesOnOnlyAfterTheAck) {
  up();
  write("stored");
  wait_events(1);
  const std::int64_t stored = sequence_of_last_message();
  recorder_.withhold = true;
  write("not stored yet");
  wait_events(2);
  post("/gateway/kill", {});
  run_until([&] { return resumed_from() >= 0; });
  EXPECT_EQ(resumed_from(), stored);
  // What has no ack is replayed, under the same id.
  recorder_.withhold = false;
  for (auto& ack : recorder_.kept) ack(Code::kOk);
  wait_events(3);
  EXPECT_EQ(recorder_.events[2].at("eventId"), recorder_.events[1].at("eventId"));
}

TEST_F(DiscordReceive, P1ARestartResumesAndBringsWhatWasWrittenMeanwhile) {
  PluginInstance* bot = up();
  write("one");
  wait_events(1);
  down(bot);
  write("two");
  write("three");
  up();
  wait_events(3);
  EXPECT_THAT(event_texts(), ElementsAre("one", "two", "three"));
  EXPECT_EQ(gateway_log("dir=in&op=2").size(), 1u);
  EXPECT_EQ(gateway_log("dir=in&op=6").size(), 1u);
}

TEST_F(DiscordReceive, WhatWasNotAckedComesAgainAfterARestart) {
  PluginInstance* bot = up();
  recorder_.withhold = true;
  write("one");
  wait_events(1);
  down(bot);
  recorder_.withhold = false;
  recorder_.kept.clear();
  up();
  wait_events(2);
  EXPECT_EQ(recorder_.events[0].at("eventId"), recorder_.events[1].at("eventId"));
}

TEST_F(DiscordReceive, ANewSessionCatchesUpWithTheChannelsThatWereInUse) {
  PluginInstance* bot = up();
  write("direct");
  write("in general", in_general());
  wait_events(2);
  down(bot);
  post("/gateway/close", {});
  write("direct, missed");
  write("in general, missed", in_general());
  post("/config", {{"resumeWindowMs", 0}});
  up();
  wait_events(4);
  EXPECT_THAT(event_texts(), testing::UnorderedElementsAre("direct", "in general", "direct, missed",
                                                           "in general, missed"));
  for (const json::object& event : recorder_.events) {
    const bool general = std::string(event.at("text").as_string()).find("general") == 3;
    EXPECT_EQ(event.at("conversation").at("type"), general ? "channel" : "direct");
  }
  EXPECT_EQ(gateway_log("dir=out&t=READY").size(), 2u);
}

TEST_F(DiscordReceive, ANewSessionCatchesUpWithABusyChannelToItsEnd) {
  PluginInstance* bot = up();
  write("before", in_general());
  wait_events(1);
  down(bot);
  for (int i = 0; i < 520; ++i) write(std::to_string(i), in_general());
  post("/config", {{"resumeWindowMs", 0}});
  up();
  wait_events(521);
  EXPECT_EQ(recorder_.events.back().at("text"), "519");
}

TEST_F(DiscordReceive, WhatANewSessionCatchesUpWithSaysWhoWroteItAndForWhom) {
  const std::string role = "940000000000000001", own = "940000000000000002";
  post("/guild",
       {{"id", kGuild},
        {"member_roles", {{kAnn, {role}}}},
        {"roles", {{{"id", own}, {"tags", {{"bot_id", stub_.said("bot_id")}}}, {"name", "bot"}}}}});
  PluginInstance* bot = up();
  write("before", in_general());
  wait_events(1);
  EXPECT_EQ(recorder_.events[0].at("sender").at("roles").at(0), json::value(role));
  down(bot);
  write("<@&" + own + "> missed", in_general());
  post("/config", {{"resumeWindowMs", 0}});
  up();
  wait_events(2);
  EXPECT_EQ(recorder_.events[1].at("text"), "missed");
  EXPECT_EQ(recorder_.events[1].at("sender").at("roles").at(0), json::value(role));
  EXPECT_TRUE(recorder_.events[1].at("mentioned").as_bool());
}

TEST_F(DiscordReceive, ANewSessionCatchesUpAlsoWhenTheHistoryIsOutOfReachForAWhile) {
  up();
  write("direct");
  wait_events(1);
  post("/faults", {{"method", "GET"}, {"path", "messages$"}, {"action", "error"}, {"count", 4}});
  post("/gateway/close", {{"code", 4009}, {"drop_session", true}});
  write("missed");
  wait_events(2);
  EXPECT_THAT(event_texts(), ElementsAre("direct", "missed"));
  EXPECT_EQ(gateway_log("dir=out&t=READY").size(), 2u);
}

TEST_F(DiscordReceive, WhatTheHostCannotStoreIsOfferedAgain) {
  up();
  recorder_.answers = {Code::kUnavailable, Code::kResourceExhausted};
  write("keep me");
  wait_events(3);
  EXPECT_EQ(recorder_.events[0], recorder_.events[2]);
  write("next");
  wait_events(4);
  EXPECT_EQ(recorder_.events[3].at("text"), "next");
}

TEST_F(DiscordReceive, AnEventThatTheHostNeverTakesDoesNotStopTheOthers) {
  up();
  recorder_.answers = {Code::kInvalidArgument};
  write("refused");
  wait_events(2);
  EXPECT_EQ(recorder_.events[1].at("kind"), "unparsed");
  EXPECT_EQ(recorder_.events[1].at("eventId"), recorder_.events[0].at("eventId"));
  write("next");
  wait_events(3);
}

TEST_F(DiscordReceive, APoisonedMessageIsKeptRawAndPassed) {
  up();
  post("/inject/raw", {{"t", "MESSAGE_CREATE"}, {"d", {{"id", 7}, {"channel_id", {}}}}});
  wait_events(1);
  EXPECT_EQ(recorder_.events[0].at("kind"), "unparsed");
  write("next");
  wait_events(2);
  EXPECT_EQ(recorder_.events[1].at("text"), "next");
}

TEST_F(DiscordReceive, AnEditIsAnEventOfItsOwn) {
  up();
  const std::string id = write("draft", in_general());
  wait_events(1);
  post("/inject/edit", {{"channel_id", kGeneral}, {"message_id", id}, {"content", "final"}});
  wait_events(2);
  EXPECT_EQ(recorder_.events[1].at("kind"), "edit");
  EXPECT_EQ(recorder_.events[1].at("text"), "final");
  EXPECT_EQ(recorder_.events[1].at("messageId"), json::value(id));
  EXPECT_NE(recorder_.events[1].at("eventId"), recorder_.events[0].at("eventId"));
}

class DiscordMedia : public DiscordReceive {
 protected:
  json::object file_event(json::object attachment) {
    write("a file", {{"attachments", {std::move(attachment)}}});
    wait_events(1);
    return recorder_.events[0];
  }
  Result<json::value> fetch(PluginInstance* bot, const json::object& event, std::int64_t most) {
    return call(bot, "channel.fetch_media",
                {{"ref", event.at("attachments").at(0).at("ref")},
                 {"conversation", event.at("conversation")},
                 {"messageId", event.at("messageId")},
                 {"maxBytes", most}});
  }
};

TEST_F(DiscordMedia, AFileIsFetchedWhenItsTurnComesAndWithoutTheToken) {
  PluginInstance* bot = up();
  const json::object event = file_event(
      {{"filename", "note.txt"}, {"content_type", "text/plain"}, {"text", "the content"}});
  const json::value& attachment = event.at("attachments").at(0);
  EXPECT_EQ(attachment.at("kind"), "document");
  EXPECT_EQ(attachment.at("name"), "note.txt");
  EXPECT_EQ(attachment.at("bytes"), 11);
  auto got = fetch(bot, event, 1000);
  ASSERT_TRUE(got.has_value()) << got.error().message;
  auto content = services_->take_blob(got->at("blob").to_number<std::uint64_t>());
  ASSERT_TRUE(content.has_value());
  EXPECT_EQ(content->bytes, 11u);
  const json::value log = get("/cdn");
  for (const json::value& entry : log.as_array())
    EXPECT_FALSE(entry.at("leaked_authorization").as_bool());
}

TEST_F(DiscordMedia, AMessageThatIsPassedOnIsReadWithItsFiles) {
  PluginInstance* bot = up();
  json::object file{{"filename", "note.txt"}, {"text", "the content"}};
  write("", {{"forward", {{"content", "look at this"}, {"attachments", {std::move(file)}}}}});
  wait_events(1);
  const json::object event = recorder_.events[0];
  EXPECT_EQ(event.at("text"), "[forwarded] look at this");
  EXPECT_EQ(event.at("attachments").at(0).at("name"), "note.txt");
  auto got = fetch(bot, event, 1000);
  ASSERT_TRUE(got.has_value()) << got.error().message;
  auto content = services_->take_blob(got->at("blob").to_number<std::uint64_t>());
  ASSERT_TRUE(content.has_value());
  EXPECT_EQ(content->bytes, 11u);
}

TEST_F(DiscordMedia, AFileThatIsTooLargeOrGoneIsRefusedInWords) {
  PluginInstance* bot = up();
  const json::object event = file_event({{"filename", "big.bin"}, {"size", 5000}});
  auto large = fetch(bot, event, 1000);
  ASSERT_TRUE(large.has_error());
  EXPECT_THAT(large.error().message, HasSubstr("5000"));
  EXPECT_EQ(get("/cdn"), json::value(json::array()));
  post("/inject/delete",
       {{"channel_id", event.at("conversation").at("id")}, {"message_id", event.at("messageId")}});
  auto gone = fetch(bot, event, 10'000);
  ASSERT_TRUE(gone.has_error());
  EXPECT_EQ(gone.error().code, Code::kNotFound);
}

}  // namespace
}  // namespace openclaw::discord_test
