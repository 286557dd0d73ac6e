// What the agent says reaches people, once, in order, and pings nobody.
#include "discord_fixture.h"

namespace openclaw::discord_test {
namespace {

using namespace std::chrono_literals;
using testing::AllOf;
using testing::Each;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;
using testing::StartsWith;

class DiscordSend : public DiscordFixture {
 protected:
  void fault(json::object what) { post("/faults", std::move(what)); }
  // Tries again with the same key, as the outbox does, until it is out.
  json::value send_until_sent(PluginInstance* bot, const std::string& text,
                              const std::string& key) {
    for (int tries = 0; tries < 5; ++tries) {
      auto answer = send(bot, text, {{"idempotencyKey", key}});
      if (answer.has_value()) return *answer;
      EXPECT_EQ(answer.error().code, Code::kUnavailable) << answer.error().message;
    }
    ADD_FAILURE() << "not sent";
    return nullptr;
  }
  json::array typing() { return get("/typing").as_array(); }
  void expect_shown_once(const std::string& text) {
    const json::value seen =
        post("/check/once", {{"channel_id", kGeneral}, {"texts", {text}}, {"allow_extra", false}});
    EXPECT_TRUE(seen.at("ok").as_bool()) << json::serialize(seen);
  }
  json::object file(const std::string& name, const std::string& content) {
    const auto blob = run(services_->make_blob(content, "text/plain")).value();
    return {{"blob", blob},
            {"kind", "document"},
            {"mime", "text/plain"},
            {"name", name},
            {"bytes", content.size()}};
  }
};

TEST_F(DiscordSend, R132ATextGoesToItsChannelAndPingsNobody) {
  PluginInstance* bot = up();
  const std::string id = write("question", {{"channel_id", kGeneral}});
  auto sent = send(bot, std::string("**yes** @everyone <@") + kAnn + ">",
                   {{"replyTo", {{"messageId", id}}}});
  ASSERT_TRUE(sent.has_value()) << sent.error().message;
  const json::array all = shown();
  ASSERT_THAT(all, SizeIs(1));
  EXPECT_EQ(all[0].at("id"), sent->at("messageId"));
  EXPECT_EQ(all[0].at("reply_to"), json::value(id));
  const json::value& pings = all[0].at("pings");
  EXPECT_FALSE(pings.at("everyone").as_bool());
  EXPECT_TRUE(pings.at("users").as_array().empty());
  EXPECT_FALSE(pings.at("replied").as_bool());
  const json::array posts = calls("POST", "messages");
  EXPECT_THAT(std::string(posts[0].at("ua").as_string()), StartsWith("DiscordBot ("));
}

TEST_F(DiscordSend, AReplyToWhatIsGoneIsSentAllTheSame) {
  PluginInstance* bot = up();
  const std::string id = write("question", {{"channel_id", kGeneral}});
  post("/inject/delete", {{"channel_id", kGeneral}, {"message_id", id}});
  ASSERT_TRUE(send(bot, "answer", {{"replyTo", {{"messageId", id}}}}).has_value());
  expect_shown_once("answer");
}

TEST_F(DiscordSend, WhereNothingMayBeRepliedToTheAnswerIsSentAllTheSame) {
  PluginInstance* bot = up();
  const std::string id = write("question", {{"channel_id", kGeneral}});
  fault({{"method", "POST"},
         {"path", "messages$"},
         {"contains", "message_reference"},
         {"action", "error"},
         {"status", 403},
         {"count", 9},
         {"body",
          {{"code", 160002},
           {"message", "Cannot reply without permission to read message history"}}}});
  auto sent = send(bot, "answer", {{"replyTo", {{"messageId", id}}}});
  ASSERT_TRUE(sent.has_value()) << sent.error().message;
  expect_shown_once("answer");
}

TEST_F(DiscordSend, ALongTextGoesOutInPiecesWithWholeFences) {
  PluginInstance* bot = up();
  std::string text = "Here it is:\n```cpp\n";
  for (int i = 0; i < 200; ++i) text += "int line_" + std::to_string(i) + " = 0;\n";
  text += "```\nThat was all.";
  std::vector<std::string> progress;
  plugin::ProgressSink sink = [&](plugin::Stream, std::string_view data) {
    progress.emplace_back(data);
    return true;
  };
  auto sent = call(bot, "channel.send",
                   {{"conversation", {{"id", kGeneral}, {"type", "channel"}}},
                    {"text", text},
                    {"format", "markdown"},
                    {"idempotencyKey", "long"}},
                   30s, sink);
  ASSERT_TRUE(sent.has_value()) << sent.error().message;
  const std::vector<std::string> pieces = texts();
  ASSERT_GE(pieces.size(), 2u);
  EXPECT_EQ(sent->at("messageIds").as_array().size(), pieces.size());
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    EXPECT_LE(pieces[i].size(), 1950u);
    std::size_t fences = 0;
    for (std::size_t at = pieces[i].find("```"); at != std::string::npos;
         at = pieces[i].find("```", at + 3))
      ++fences;
    EXPECT_EQ(fences % 2, 0u) << pieces[i];
    if (i > 0) {
      EXPECT_THAT(pieces[i], StartsWith("```cpp\n"));
    }
  }
  EXPECT_EQ(progress.size(), pieces.size());
}

struct FaultCase {
  const char* name;
  json::object fault;
};
void PrintTo(const FaultCase& fault, std::ostream* out) {
  *out << fault.name;
}
class DiscordRepeat : public DiscordSend, public testing::WithParamInterface<FaultCase> {};

TEST_P(DiscordRepeat, P3ARepeatAfterAnUnclearAnswerMakesNoSecondMessage) {
  PluginInstance* bot = up({{"timeoutSeconds", 5}});
  json::object what = GetParam().fault;
  what["method"] = "POST";
  what["path"] = "messages$";
  fault(std::move(what));
  const json::value answer = send_until_sent(bot, "only once", "reply:discord/default:dc:1:2");
  expect_shown_once("only once");
  EXPECT_EQ(shown()[0].at("id"), answer.at("messageId"));
}
INSTANTIATE_TEST_SUITE_P(
    Faults, DiscordRepeat,
    testing::Values(FaultCase{"reset", {{"action", "reset"}}},
                    FaultCase{"drop_after", {{"action", "drop_after"}}},
                    FaultCase{"error_before", {{"action", "error"}, {"status", 500}}},
                    FaultCase{"error_after", {{"action", "error_after"}, {"status", 502}}},
                    FaultCase{"page", {{"action", "html"}, {"status", 503}}},
                    FaultCase{"block_page", {{"action", "html"}, {"status", 403}}},
                    FaultCase{"truncate", {{"action", "truncate"}}},
                    FaultCase{"slow", {{"action", "none"}, {"delay_after_ms", 7000}}}),
    [](const auto& one) { return std::string(one.param.name); });

TEST_F(DiscordSend, P3AfterTheNonceHasRunOutTheChannelIsLookedAt) {
  PluginInstance* bot = up();
  post("/config", {{"nonceWindowMs", 0}});
  ASSERT_TRUE(send(bot, "said before", {{"idempotencyKey", "k1"}}).has_value());
  const std::int64_t long_ago = std::chrono::duration_cast<std::chrono::milliseconds>(
                                    std::chrono::system_clock::now().time_since_epoch())
                                    .count() -
                                150'000;
  const json::object resume{{"sent", 0}, {"tryingSinceMs", long_ago}};
  auto again = send(bot, "said before", {{"idempotencyKey", "k1"}, {"resume", resume}});
  ASSERT_TRUE(again.has_value()) << again.error().message;
  expect_shown_once("said before");
  // One that is not there is sent.
  ASSERT_TRUE(send(bot, "never said", {{"idempotencyKey", "k2"}, {"resume", resume}}).has_value());
  EXPECT_THAT(texts(), ElementsAre("said before", "never said"));
}

TEST_F(DiscordSend, ASendThatWasCutGoesOnAfterWhatWentOut) {
  PluginInstance* bot = up();
  const std::string text = std::string(1500, 'a') + "\n\n" + std::string(1500, 'b');
  auto first = send(bot, text, {{"idempotencyKey", "cut"}});
  ASSERT_TRUE(first.has_value());
  const json::object resume{{"sent", 1}, {"messageId", first->at("messageId")}};
  auto again = send(bot, text, {{"idempotencyKey", "cut"}, {"resume", resume}});
  ASSERT_TRUE(again.has_value());
  EXPECT_EQ(again->at("messageId"), first->at("messageId"));
  EXPECT_THAT(texts(), SizeIs(2));
}

TEST_F(DiscordSend, TheServicesPaceIsKept) {
  PluginInstance* bot = up();
  for (int i = 0; i < 12; ++i) ASSERT_TRUE(send(bot, "line " + std::to_string(i)).has_value());
  EXPECT_THAT(texts(), SizeIs(12));
  for (const json::value& each : calls("POST", "messages")) EXPECT_EQ(each.at("status"), 200);
}

TEST_F(DiscordSend, ALimitIsWaitedForAndTheSameRequestSentAgain) {
  PluginInstance* bot = up();
  fault({{"path", "messages$"}, {"action", "rate_limit"}, {"retry_after", 0.3}, {"count", 2}});
  fault({{"path", "messages$"}, {"action", "rate_limit"}, {"retry_after", 0.2}, {"global", true}});
  ASSERT_TRUE(send(bot, "patience").has_value());
  expect_shown_once("patience");
  EXPECT_EQ(calls("POST", "messages").size(), 4u);
}

TEST_F(DiscordSend, ADraftGrowsByEditsAndTheReplyTakesItsPlace) {
  PluginInstance* bot = up();
  auto draft = send(bot, "I am thi", {{"draft", true}});
  ASSERT_TRUE(draft.has_value());
  const json::value id = draft->at("messageId");
  auto grown = call(bot, "channel.edit",
                    {{"conversation", {{"id", kGeneral}, {"type", "channel"}}},
                     {"messageId", id},
                     {"text", "I am thinking:\n```\nx = "},
                     {"format", "markdown"},
                     {"draft", true}});
  ASSERT_TRUE(grown.has_value());
  EXPECT_THAT(texts(), ElementsAre("I am thinking:\n```\nx =\n```"));
  auto final_text = send(bot, "Done.", {{"replaces", {{"messageId", id}}}});
  ASSERT_TRUE(final_text.has_value());
  EXPECT_EQ(final_text->at("messageId"), id);
  expect_shown_once("Done.");
}

TEST_F(DiscordSend, ADraftThatWasDeletedIsSentAnew) {
  PluginInstance* bot = up();
  auto draft = send(bot, "draft", {{"draft", true}});
  ASSERT_TRUE(draft.has_value());
  post("/inject/delete", {{"channel_id", kGeneral}, {"message_id", draft->at("messageId")}});
  ASSERT_TRUE(
      send(bot, "final", {{"replaces", {{"messageId", draft->at("messageId")}}}}).has_value());
  expect_shown_once("final");
}

TEST_F(DiscordSend, P3AReplyFindsItsDraftByTheKeyWhenTheDraftWasForgotten) {
  PluginInstance* bot = up();
  auto draft = send(bot, "I am thi", {{"draft", true}, {"idempotencyKey", "reply:1"}});
  ASSERT_TRUE(draft.has_value());
  auto reply = send(bot, "I am done.", {{"idempotencyKey", "reply:1"}});
  ASSERT_TRUE(reply.has_value()) << reply.error().message;
  EXPECT_EQ(reply->at("messageId"), draft->at("messageId"));
  expect_shown_once("I am done.");
}

TEST_F(DiscordSend, P5RefusalsThatNoRetryMendsAreFinalAndSayWhy) {
  PluginInstance* bot = up();
  const auto refused = [&](const char* channel) {
    return send(bot, "hello", {{"conversation", {{"id", channel}, {"type", "channel"}}}}).error();
  };
  EXPECT_EQ(refused(kReadOnly).code, Code::kPermissionDenied);
  EXPECT_THAT(refused(kReadOnly).message, HasSubstr("Send Messages"));
  EXPECT_EQ(refused(kHidden).code, Code::kPermissionDenied);
  EXPECT_EQ(refused(kForum).code, Code::kInvalidArgument);
  EXPECT_THAT(refused(kForum).message, HasSubstr("thread"));
  EXPECT_EQ(refused("930000000000000099").code, Code::kNotFound);
  EXPECT_EQ(refused("general").code, Code::kInvalidArgument);
}

TEST_F(DiscordSend, APersonIsReachedByTheirId) {
  PluginInstance* bot = up();
  for (const std::string& id : {std::string("user:") + kAnn, std::string(kAnn)}) {
    auto sent = send(bot, "psst", {{"conversation", {{"id", id}}}});
    ASSERT_TRUE(sent.has_value()) << sent.error().message;
  }
  const json::value chat = post("/dm", {{"user_id", kAnn}});
  EXPECT_THAT(texts(std::string(chat.at("id").as_string())), ElementsAre("psst", "psst"));
  post("/user", {{"id", kBob}, {"dm_closed", true}});
  auto closed = send(bot, "psst", {{"conversation", {{"id", std::string("user:") + kBob}}}});
  ASSERT_TRUE(closed.has_error());
  EXPECT_EQ(closed.error().code, Code::kPermissionDenied);
  EXPECT_THAT(closed.error().message, HasSubstr("share a server"));
}

TEST_F(DiscordSend, ATokenThatIsTakenBackEndsTheAccount) {
  PluginInstance* bot = up();
  post("/token", {{"revoke", stub_.token()}});
  wait_link("failed", "unauthorized");
  auto sent = send(bot, "anyone?");
  ASSERT_TRUE(sent.has_error());
  EXPECT_EQ(sent.error().code, Code::kUnauthenticated);
  EXPECT_THAT(sent.error().message, HasSubstr("openclaw channels add --channel discord"));
}

TEST_F(DiscordSend, ReactionsTypingAndRemoval) {
  PluginInstance* bot = up();
  const std::string id = write("look", {{"channel_id", kGeneral}});
  const json::object where{{"id", kGeneral}, {"type", "channel"}};
  const auto react = [&](const char* emoji, bool remove) {
    return call(bot, "channel.react",
                {{"conversation", where}, {"messageId", id}, {"emoji", emoji}, {"remove", remove}});
  };
  const auto reactions = [&] {
    const json::value all = get(std::string("/messages?channel_id=") + kGeneral);
    return all.at(0).at("reactions").as_object();
  };
  ASSERT_TRUE(react("👀", false).has_value());
  EXPECT_TRUE(reactions().contains("👀"));
  ASSERT_TRUE(react("✅", false).has_value());
  ASSERT_TRUE(react("👀", true).has_value());
  EXPECT_FALSE(reactions().contains("👀"));
  ASSERT_TRUE(react("", false).has_value());
  EXPECT_TRUE(reactions().empty());
  ASSERT_TRUE(
      call(bot, "channel.presence", {{"conversation", where}, {"state", "typing"}}).has_value());
  EXPECT_EQ(typing().size(), 1u);
  auto sent = send(bot, "mine");
  ASSERT_TRUE(sent.has_value());
  for (int i = 0; i < 2; ++i) {
    auto removed = call(bot, "channel.remove",
                        {{"conversation", where}, {"messageId", sent->at("messageId")}});
    EXPECT_TRUE(removed.has_value());  // one that is gone is success
  }
  EXPECT_TRUE(shown().empty());
}

TEST_F(DiscordSend, FilesGoWithTheTextInOneMessageAndOnlyOnce) {
  PluginInstance* bot = up({{"mediaMaxMb", 0.001}});
  fault({{"method", "POST"}, {"path", "messages$"}, {"action", "drop_after"}});
  json::object progress;
  plugin::ProgressSink sink = [&](plugin::Stream, std::string_view data) {
    progress = json::parse(json::string_view(data.data(), data.size())).as_object();
    return true;
  };
  json::object message{{"conversation", {{"id", kGeneral}, {"type", "channel"}}},
                       {"text", "see"},
                       {"idempotencyKey", "files"},
                       {"attachments",
                        {file("a.txt", "first"), file("b \"x\".txt", "second"),
                         file("big.txt", std::string(2000, 'x'))}}};
  auto cut = call(bot, "channel.send", message, 30s, sink);
  ASSERT_TRUE(cut.has_error());
  EXPECT_EQ(cut.error().code, Code::kUnavailable);
  message["resume"] = progress;
  auto sent = call(bot, "channel.send", message, 30s);
  ASSERT_TRUE(sent.has_value()) << sent.error().message;
  const json::array all = shown();
  ASSERT_THAT(all, SizeIs(1));
  EXPECT_EQ(all[0].at("content"), "see\n(too large for Discord: big.txt)");
  EXPECT_EQ(all[0].at("attachments").as_array().size(), 2u);
  EXPECT_EQ(all[0].at("attachments").at(0).at("filename"), "a.txt");
}

TEST_F(DiscordSend, FilesGoWithTheLastPieceOfALongText) {
  PluginInstance* bot = up();
  const std::string text = std::string(1500, 'a') + "\n\n" + std::string(1500, 'b');
  auto sent = send(bot, text, {{"attachments", {file("a.txt", "first")}}});
  ASSERT_TRUE(sent.has_value()) << sent.error().message;
  const json::array all = shown();
  ASSERT_THAT(all, SizeIs(2));
  EXPECT_TRUE(all[0].at("attachments").as_array().empty());
  EXPECT_EQ(all[1].at("content"), json::value(std::string(1500, 'b')));
  EXPECT_EQ(all[1].at("attachments").as_array().size(), 1u);
}

TEST_F(DiscordSend, ADraftTakesTheFilesOfTheReplyThatItBecomes) {
  PluginInstance* bot = up();
  auto draft = send(bot, "Here is", {{"draft", true}, {"idempotencyKey", "reply:2"}});
  ASSERT_TRUE(draft.has_value());
  auto reply = send(bot, "Here is it.",
                    {{"replaces", {{"messageId", draft->at("messageId")}}},
                     {"idempotencyKey", "reply:2"},
                     {"attachments", {file("a.txt", "first")}}});
  ASSERT_TRUE(reply.has_value()) << reply.error().message;
  // The draft's id was forgotten: the key finds it, and nothing is there twice.
  reply = send(bot, "Here is it.",
               {{"idempotencyKey", "reply:2"}, {"attachments", {file("a.txt", "first")}}});
  ASSERT_TRUE(reply.has_value()) << reply.error().message;
  const json::array all = shown();
  ASSERT_THAT(all, SizeIs(1));
  EXPECT_EQ(all[0].at("id"), draft->at("messageId"));
  EXPECT_EQ(all[0].at("content"), "Here is it.");
  EXPECT_EQ(all[0].at("attachments").as_array().size(), 1u);
}

TEST_F(DiscordSend, WhatTheServiceFindsTooLargeIsToldBelowTheText) {
  post("/config", {{"attachmentMax", 100}});
  PluginInstance* bot = up();
  auto sent = send(bot, "see", {{"attachments", {file("big.txt", std::string(200, 'x'))}}});
  ASSERT_TRUE(sent.has_value()) << sent.error().message;
  const json::array all = shown();
  ASSERT_THAT(all, SizeIs(1));
  EXPECT_EQ(all[0].at("content"), "see\n(too large for Discord: big.txt)");
}

class DiscordCommands : public DiscordSend {
 protected:
  json::array registered() { return get("/commands").at("global").as_array(); }
  void register_all() {
    run_until([&] { return registered().size() == 9; });
  }
  json::object command(const std::string& name, json::object more = {}) {
    const std::size_t before = recorder_.events.size();
    more["command"] = name;
    more["channel_id"] = kGeneral;
    more["user_id"] = kAnn;
    post("/inject/interaction", std::move(more));
    wait_events(before + 1);
    return recorder_.events.back();
  }
  Result<json::value> reply_to(PluginInstance* bot, const json::object& event,
                               const std::string& text) {
    return send(bot, text, {{"conversation", event.at("conversation")}});
  }
};

TEST_F(DiscordCommands, AreRegisteredOnce) {
  PluginInstance* bot = up();
  register_all();
  down(bot);
  up();
  post("/gateway/close", {{"code", 4000}});
  run_until([&] { return gateway_log("dir=in&op=6").size() >= 2; });
  EXPECT_EQ(calls("PUT", "commands").size(), 1u);
}

TEST_F(DiscordCommands, AreAnsweredAtOnceAndTheReplyTakesThatPlace) {
  PluginInstance* bot = up();
  register_all();
  const json::object event =
      command("model", {{"options", {{{"name", "input"}, {"type", 3}, {"value", "mock/m"}}}}});
  EXPECT_EQ(event.at("kind"), "message");
  EXPECT_EQ(event.at("text"), "/model mock/m");
  EXPECT_TRUE(event.at("mentioned").as_bool());
  EXPECT_EQ(event.at("sender").at("id"), kAnn);
  EXPECT_EQ(event.at("conversation").at("spaceId"), kGuild);
  run_until([&] { return shown().size() == 1; });
  auto sent = reply_to(bot, event, "The model is m.");
  ASSERT_TRUE(sent.has_value()) << sent.error().message;
  expect_shown_once("The model is m.");
  const json::value interactions = get("/interactions");
  EXPECT_EQ(interactions.at(0).at("ackType"), 5);
  EXPECT_LT(interactions.at(0).at("ms").as_int64(), 3000);
  ASSERT_TRUE(reply_to(bot, event, "And more.").has_value());
  EXPECT_THAT(texts(), ElementsAre("The model is m.", "And more."));
}

TEST_F(DiscordCommands, AReplyThatIsReadyBeforeTheServiceHasTheFirstAnswerTakesItsPlace) {
  PluginInstance* bot = up();
  register_all();
  fault({{"path", "callback$"}, {"action", "none"}, {"delay_ms", 700}});
  const json::object event = command("status");
  ASSERT_TRUE(reply_to(bot, event, "All is well.").has_value());
  run_until([&] { return get("/interactions").at(0).as_object().contains("ackType"); });
  expect_shown_once("All is well.");
}

TEST_F(DiscordCommands, ThatNobodyAnswersDoNotLookAsIfTheBotThoughtAboutThem) {
  PluginInstance* bot = up();
  register_all();
  (void)command("tools");
  const json::object worked_on = command("status");
  ASSERT_TRUE(call(bot, "channel.presence",
                   {{"conversation", worked_on.at("conversation")}, {"state", "typing"}})
                  .has_value());
  run_until([&] { return shown().size() == 2; });
  run_until([&] { return shown().size() == 1; });
  EXPECT_EQ(calls("DELETE", "@original").size(), 1u);
  ASSERT_TRUE(reply_to(bot, worked_on, "All is well.").has_value());
  expect_shown_once("All is well.");
}

TEST_F(DiscordCommands, TheReplyTakesThatPlaceAlsoInASessionThatARestartResumed) {
  PluginInstance* bot = up();
  register_all();
  down(bot);
  bot = up();
  EXPECT_EQ(gateway_log("dir=in&op=6").size(), 1u);
  const json::object event = command("status");
  run_until([&] { return shown().size() == 1; });
  ASSERT_TRUE(reply_to(bot, event, "All is well.").has_value());
  expect_shown_once("All is well.");
}

TEST_F(DiscordCommands, AreOfferedOrNotAsConfiguredAlsoInASessionThatGoesOn) {
  PluginInstance* bot = up();
  register_all();
  down(bot);
  bot = up({{"commands", {{"native", false}}}});
  run_until([&] { return registered().empty(); });
  down(bot);
  up();
  register_all();
  EXPECT_EQ(gateway_log("dir=in&op=2").size(), 1u);
}

TEST_F(DiscordCommands, TheReplyIsShownWithoutPreviewsOfTheAddressesInIt) {
  PluginInstance* bot = up();
  register_all();
  const json::object event = command("status");
  run_until([&] { return shown().size() == 1; });
  ASSERT_TRUE(reply_to(bot, event, "See https://example.com/?q=secret").has_value());
  EXPECT_EQ(shown()[0].at("flags").as_int64() & 4, 4);
}

TEST_F(DiscordCommands, AReplyThatComesTooLateIsAMessageLikeOthers) {
  PluginInstance* bot = up();
  register_all();
  post("/config", {{"interactionTokenMs", 0}});
  const json::object event = command("status");
  run_until([&] { return shown().size() == 1; });
  ASSERT_TRUE(reply_to(bot, event, "Late.").has_value());
  EXPECT_EQ(texts().back(), "Late.");
}

TEST_F(DiscordSend, HistoryIsReadOldestFirstWhoeverWroteIt) {
  PluginInstance* bot = up();
  write("first", {{"channel_id", kGeneral}});
  ASSERT_TRUE(send(bot, "second").has_value());
  const auto read = [&](const std::string& id, std::int64_t limit) {
    return call(bot, "channel.read", {{"conversation", {{"id", id}}}, {"limit", limit}});
  };
  const auto answer = read(kGeneral, 2);
  ASSERT_TRUE(answer.has_value()) << answer.error().message;
  const json::array& messages = answer->at("messages").as_array();
  ASSERT_EQ(messages.size(), 2U);
  EXPECT_EQ(messages[0].at("text"), "first");
  EXPECT_EQ(messages[0].at("senderId"), kAnn);
  EXPECT_EQ(messages[0].at("own"), false);
  EXPECT_EQ(messages[1].at("text"), "second");
  EXPECT_EQ(messages[1].at("own"), true);
  EXPECT_EQ(read(kGeneral, 1)->at("messages").as_array().size(), 1U);
  // A bare id may be a person's: the direct chat is read.
  write("psst");
  const auto direct = read(kAnn, 5);
  ASSERT_TRUE(direct.has_value()) << direct.error().message;
  EXPECT_EQ(direct->at("messages").as_array().back().at("text"), "psst");
  json::object file{{"filename", "a.txt"}, {"text", "x"}};
  write("", {{"forward", {{"content", "look"}, {"attachments", {std::move(file)}}}}});
  EXPECT_EQ(read(kAnn, 1)->at("messages").at(0).at("text"), "[forwarded] look\n[file: a.txt]");
}

TEST_F(DiscordSend, HistoryThatIsHiddenIsRefusedInWords) {
  PluginInstance* bot = up();
  const auto read = [&](json::object payload) {
    return call(bot, "channel.read", std::move(payload)).error();
  };
  const Error hidden = read({{"conversation", {{"id", kHidden}}}, {"limit", 5}});
  EXPECT_EQ(hidden.code, Code::kPermissionDenied);
  EXPECT_THAT(hidden.message, HasSubstr("Read Message History"));
  EXPECT_EQ(read({{"conversation", {{"id", "x"}}}}).code, Code::kInvalidArgument);
  EXPECT_EQ(read(json::object()).code, Code::kInvalidArgument);
}

TEST_F(DiscordSend, TheProbeNamesTheBotAndTheMissingIntent) {
  PluginInstance* bot = up();
  auto healthy = call(bot, "channel.probe", {});
  ASSERT_TRUE(healthy.has_value());
  EXPECT_TRUE(healthy->at("ok").as_bool());
  EXPECT_EQ(healthy->at("bot").at("username"), "lab-bot");
  EXPECT_EQ(healthy->at("application").at("intents").at("messageContent"), "limited");
  post("/config", {{"privileged", {{"messageContent", false}}}});
  auto without = call(bot, "channel.probe", {});
  ASSERT_TRUE(without.has_value());
  EXPECT_FALSE(without->at("ok").as_bool());
  EXPECT_THAT(std::string(without->at("error").as_string()), HasSubstr("Message Content Intent"));
}

}  // namespace
}  // namespace openclaw::discord_test
