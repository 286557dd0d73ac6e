// What the agent says appears in the chat as it was meant, at the service's pace, and once.
#include "telegram_fixture.h"

namespace openclaw::telegram_test {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

class TelegramSend : public TelegramFixture {
 protected:
  TelegramSend() { bot_ = up(); }
  void fault(json::object what) { post("/faults", std::move(what)); }
  json::array messages(const std::string& chat = "1001") {
    return get("/messages?by=bot&chat_id=" + chat).as_array();
  }
  static std::string id_of(const Result<json::value>& sent) {
    return sent.has_value() ? std::string(sent->at("messageId").as_string()) : sent.error().message;
  }
  json::object edit_of(const std::string& id, const std::string& text, bool draft = false) {
    json::object out{{"conversation", {{"id", "1001"}}},
                     {"messageId", id},
                     {"text", text},
                     {"format", "markdown"}};
    if (draft) out["draft"] = true;
    return out;
  }
  // 429 answers of the service.
  std::size_t refusals(const std::string& method) {
    std::size_t count = 0;
    for (const json::value& call : calls(method)) {
      const json::object& c = call.as_object();
      if (c.contains("status") && c.at("status") == json::value(429)) ++count;
    }
    return count;
  }
  PluginInstance* bot_ = nullptr;
};

TEST_F(TelegramSend, MarkdownIsShownAsTelegramShowsIt) {
  const auto sent = send(bot_, "**Done** <ok> & `x<y`\n\n```cpp\nint a = 1 < 2;\n```");
  ASSERT_TRUE(sent.has_value()) << sent.error().message;
  const json::array seen = messages();
  ASSERT_EQ(seen.size(), 1u);
  const std::string html(seen[0].at("html").as_string());
  EXPECT_THAT(html, HasSubstr("<b>Done</b> &lt;ok&gt; &amp; <code>x&lt;y</code>"));
  EXPECT_THAT(html, HasSubstr("language-cpp"));
  EXPECT_EQ(id_of(sent), std::to_string(seen[0].at("message_id").as_int64()));
  EXPECT_TRUE(
      calls("sendMessage")[0].at("params").at("link_preview_options").at("is_disabled").as_bool());
}

TEST_F(TelegramSend, ALongReplyIsSplitAndAFenceStaysAFence) {
  std::string text = "Intro.\n\n```python\n";
  for (int i = 0; i < 500; ++i) text += "print(" + std::to_string(i) + ")  # line\n";
  text += "```\n\nEnd.";
  std::vector<std::string> progress;
  plugin::ProgressSink sink = [&](plugin::Stream, std::string_view piece) {
    progress.emplace_back(piece);
    return true;
  };
  json::object payload{{"conversation", {{"id", "1001"}}}, {"text", text}, {"format", "markdown"}};
  const auto sent = call(bot_, "channel.send", payload, 30s, sink);
  ASSERT_TRUE(sent.has_value()) << sent.error().message;
  const json::array seen = messages();
  ASSERT_GE(seen.size(), 3u);
  EXPECT_EQ(progress.size(), seen.size() - 1);
  EXPECT_EQ(sent->at("messageIds").as_array().size(), seen.size());
  std::string all;
  for (const json::value& message : seen) {
    const std::string html(message.at("html").as_string());
    EXPECT_LE(message.at("text").as_string().size(), 4096u);
    EXPECT_THAT(html, HasSubstr("language-python")) << html;
    all += std::string(message.at("text").as_string()) + "\n";
  }
  for (int i = 0; i < 500; ++i) EXPECT_THAT(all, HasSubstr("print(" + std::to_string(i) + ")"));
}

TEST_F(TelegramSend, ASendThatWasCutGoesOnAfterWhatIsOut) {
  const std::string text = std::string(3990, 'a') + "\n\n" + std::string(3999, 'b') + "\n\nc";
  const auto sent = send(bot_, text, {{"resume", {{"sent", 1}, {"messageId", "77"}}}});
  ASSERT_TRUE(sent.has_value()) << sent.error().message;
  EXPECT_EQ(id_of(sent), "77");
  const auto seen = shown();
  ASSERT_EQ(seen.size(), 2u);
  EXPECT_EQ(seen[0][0], 'b');
  EXPECT_EQ(seen[1], "c");
}

TEST_F(TelegramSend, EditsChangeTheMessageAndTheSameTextIsNoCall) {
  const std::string id = id_of(send(bot_, "one"));
  ASSERT_TRUE(call(bot_, "channel.edit", edit_of(id, "two")).has_value());
  EXPECT_THAT(shown(), ElementsAre("two"));
  ASSERT_TRUE(call(bot_, "channel.edit", edit_of(id, "two")).has_value());
  EXPECT_EQ(calls("editMessageText").size(), 1u);
  // What the service calls "not modified" is no failure either.
  fault({{"method", "editMessageText"},
         {"action", "error"},
         {"code", 400},
         {"count", 1},
         {"description", "Bad Request: message is not modified: x"}});
  EXPECT_TRUE(call(bot_, "channel.edit", edit_of(id, "three")).has_value());
}

TEST_F(TelegramSend, TheFinalReplyTakesThePlaceOfTheDraftOrIsSentAnew) {
  const std::string draft = id_of(send(bot_, "Think", {{"draft", true}}));
  const auto reply = send(bot_, "Thinking is done", {{"replaces", {{"messageId", draft}}}});
  EXPECT_EQ(id_of(reply), draft);
  EXPECT_THAT(shown(), ElementsAre("Thinking is done"));
  ASSERT_TRUE(
      call(bot_, "channel.remove", {{"conversation", {{"id", "1001"}}}, {"messageId", draft}})
          .has_value());
  const auto anew = send(bot_, "Once more", {{"replaces", {{"messageId", draft}}}});
  ASSERT_TRUE(anew.has_value()) << anew.error().message;
  EXPECT_NE(id_of(anew), draft);
  EXPECT_THAT(shown(), ElementsAre("Once more"));
  // An edit has nothing to change then.
  const auto edit = call(bot_, "channel.edit", edit_of(draft, "x"));
  ASSERT_TRUE(edit.has_error());
  EXPECT_EQ(edit.error().code, Code::kNotFound);
  // And what is gone is removed.
  EXPECT_TRUE(
      call(bot_, "channel.remove", {{"conversation", {{"id", "1001"}}}, {"messageId", draft}})
          .has_value());
}

TEST_F(TelegramSend, DraftEditsGiveWayToThePace) {
  const std::string id = id_of(send(bot_, "0", {{"draft", true}}));
  std::size_t skipped = 0;
  for (int i = 1; i <= 10; ++i) {
    const auto edit = call(bot_, "channel.edit", edit_of(id, std::to_string(i), true));
    ASSERT_TRUE(edit.has_value()) << edit.error().message;
    if (edit->as_object().contains("skipped")) ++skipped;
  }
  EXPECT_GE(skipped, 5u);
  EXPECT_EQ(id_of(send(bot_, "all of it", {{"replaces", {{"messageId", id}}}})), id);
  EXPECT_THAT(shown(), ElementsAre("all of it"));
  EXPECT_EQ(refusals("editMessageText"), 0u);
}

TEST_F(TelegramSend, TypingIsShownInTheChatAndTopic) {
  const json::object payload{{"conversation", {{"id", "1001"}}}, {"state", "typing"}};
  ASSERT_TRUE(call(bot_, "channel.presence", payload).has_value());
  const json::value actions = get("/actions");
  ASSERT_EQ(actions.as_array().size(), 1u);
  EXPECT_EQ(actions.as_array()[0].at("action"), "typing");
  const auto unknown =
      call(bot_, "channel.presence", {{"conversation", {{"id", "4242"}}}, {"state", "typing"}});
  ASSERT_TRUE(unknown.has_error());
  EXPECT_EQ(unknown.error().code, Code::kNotFound);
}

TEST_F(TelegramSend, MarkupThatTheServiceRefusesIsSentAsPlainText) {
  fault({{"method", "sendMessage"},
         {"action", "error"},
         {"code", 400},
         {"count", 1},
         {"description", "Bad Request: can't parse entities: unsupported start tag"}});
  const auto sent = send(bot_, "**Bold** and [a link](https://example.org/x)");
  ASSERT_TRUE(sent.has_value()) << sent.error().message;
  EXPECT_THAT(shown(), ElementsAre("Bold and a link (https://example.org/x)"));
  EXPECT_FALSE(calls("sendMessage")[1].at("params").as_object().contains("parse_mode"));
}

TEST_F(TelegramSend, ATextThatIsStillTooLongIsCutAgain) {
  post("/config", {{"textMax", 1200}});
  const auto sent = send(bot_, std::string(1900, 'x'));
  ASSERT_TRUE(sent.has_value()) << sent.error().message;
  EXPECT_EQ(shown().size(), 2u);
}

TEST_F(TelegramSend, ARefusalForTheRateIsWaitedOutAndTheMessageIsSentOnce) {
  fault({{"method", "sendMessage"},
         {"action", "error"},
         {"code", 429},
         {"retry_after", 2},
         {"count", 1}});
  const auto began = std::chrono::steady_clock::now();
  const auto sent = send(bot_, "patience");
  ASSERT_TRUE(sent.has_value()) << sent.error().message;
  EXPECT_GE(std::chrono::steady_clock::now() - began, 2s);
  EXPECT_THAT(shown(), ElementsAre("patience"));
  EXPECT_EQ(calls("sendMessage").size(), 2u);
}

TEST_F(TelegramSend, P3AWaitThatTheCallerDoesNotWantIsReportedAndNothingIsSent) {
  fault({{"method", "sendMessage"},
         {"action", "error"},
         {"code", 429},
         {"retry_after", 2},
         {"count", 1}});
  const auto quick = send(bot_, "quick", {{"maxWaitMs", 100}});
  ASSERT_TRUE(quick.has_error());
  EXPECT_EQ(quick.error().code, Code::kResourceExhausted);
  EXPECT_GT(quick.error().retry_after->count(), 1'500);
  EXPECT_EQ(calls("sendMessage").size(), 1u);
  // Also the pace of our own: four at once are more than a chat takes.
  ASSERT_TRUE(send(bot_, "patient").has_value());
  std::size_t refused = 0;
  for (int i = 0; i < 4; ++i) {
    if (send(bot_, "burst", {{"maxWaitMs", 0}}).has_error()) ++refused;
  }
  EXPECT_GE(refused, 1u);
  EXPECT_EQ(shown().size(), 5u - refused);
}

TEST_F(TelegramSend, P3ADraftDoesNotWaitBehindAnotherTopic) {
  fault({{"method", "sendMessage"}, {"action", "hang"}, {"count", 1}});
  const auto hanging =
      begin(bot_, "channel.send",
            {{"conversation", {{"id", "1001"}, {"threadId", "7"}}}, {"text", "x"}}, 3s);
  run_until([&] { return calls("sendMessage").size() == 1; });
  const auto began = std::chrono::steady_clock::now();
  const auto draft = send(bot_, "Thi", {{"draft", true}, {"maxWaitMs", 0}});
  ASSERT_TRUE(draft.has_error());
  EXPECT_EQ(draft.error().code, Code::kResourceExhausted) << "surely not sent";
  EXPECT_LT(std::chrono::steady_clock::now() - began, 2s);
  run_until([&] { return hanging->has_value(); });
}

TEST_F(TelegramSend, ARefusalLongerThanTheCallerWaitsIsReportedWithItsTime) {
  fault({{"method", "sendMessage"},
         {"action", "error"},
         {"code", 429},
         {"retry_after", 300},
         {"count", 1}});
  const auto sent = send(bot_, "later");
  ASSERT_TRUE(sent.has_error());
  EXPECT_EQ(sent.error().code, Code::kResourceExhausted);
  ASSERT_TRUE(sent.error().retry_after.has_value());
  EXPECT_GT(sent.error().retry_after->count(), 290'000);
  // The chat is left alone meanwhile: no typing, and an answer at once.
  const json::object typing{{"conversation", {{"id", "1001"}}}, {"state", "typing"}};
  EXPECT_TRUE(call(bot_, "channel.presence", typing).has_value());
  EXPECT_TRUE(get("/actions").as_array().empty());
  EXPECT_EQ(send(bot_, "later").error().code, Code::kResourceExhausted);
  EXPECT_EQ(calls("sendMessage").size(), 1u);
}

TEST_F(TelegramSend, ABurstKeepsItsOrderAndIsNotRefused) {
  std::vector<std::shared_ptr<std::optional<Result<json::value>>>> all;
  for (int i = 0; i < 6; ++i) {
    all.push_back(begin(bot_, "channel.send",
                        {{"conversation", {{"id", "1001"}}}, {"text", std::to_string(i)}}, 30s));
  }
  for (const auto& each : all) run_until([&] { return each->has_value(); });
  EXPECT_THAT(shown(), ElementsAre("0", "1", "2", "3", "4", "5"));
  EXPECT_EQ(refusals("sendMessage"), 0u);
}

TEST_F(TelegramSend, OneChatsQueueIsBounded) {
  std::vector<std::shared_ptr<std::optional<Result<json::value>>>> all;
  for (int i = 0; i < 40; ++i) {
    all.push_back(begin(bot_, "channel.send",
                        {{"conversation", {{"id", "1001"}}}, {"text", std::to_string(i)}}, 2s));
  }
  std::size_t refused = 0;
  for (const auto& each : all) {
    run_until([&] { return each->has_value(); });
    if ((*each)->has_error() && (*each)->error().code == Code::kResourceExhausted) ++refused;
  }
  EXPECT_GE(refused, 8u);
}

TEST_F(TelegramSend, AnAnswerThatIsLostIsNotSentAgain) {
  ASSERT_TRUE(send(bot_, "first").has_value());  // there is a kept connection now
  fault({{"method", "sendMessage"}, {"action", "drop_after"}, {"count", 1}});
  const auto sent = send(bot_, "once");
  ASSERT_TRUE(sent.has_error());
  EXPECT_EQ(sent.error().code, Code::kProtocol);  // may have been sent: the host decides
  EXPECT_THAT(shown(), ElementsAre("first", "once"));
  for (const char* action : {"html", "truncate"}) {
    fault({{"method", "sendMessage"}, {"action", action}, {"count", 1}});
    EXPECT_EQ(send(bot_, action).error().code, Code::kProtocol) << action;
  }
}

TEST_F(TelegramSend, ABrokenEditMayBeRepeated) {
  const std::string id = id_of(send(bot_, "one"));
  fault({{"method", "editMessageText"}, {"action", "html"}, {"count", 1}});
  const auto edit = call(bot_, "channel.edit", edit_of(id, "two"));
  ASSERT_TRUE(edit.has_error());
  EXPECT_EQ(edit.error().code, Code::kUnavailable);
  EXPECT_TRUE(call(bot_, "channel.edit", edit_of(id, "two")).has_value());
  EXPECT_THAT(shown(), ElementsAre("two"));
  // Done, and the answer lost: a second time changes nothing.
  fault({{"method", "editMessageText"}, {"action", "drop_after"}, {"count", 1}});
  auto again = call(bot_, "channel.edit", edit_of(id, "three"));
  if (again.has_error()) again = call(bot_, "channel.edit", edit_of(id, "three"));
  EXPECT_TRUE(again.has_value()) << again.error().message;
  EXPECT_THAT(shown(), ElementsAre("three"));
}

TEST_F(TelegramSend, WhatIsSentAnewInThePlaceOfAnEditMayNotBeRepeatedBlindly) {
  const std::string draft = id_of(send(bot_, "Think", {{"draft", true}}));
  ASSERT_TRUE(
      call(bot_, "channel.remove", {{"conversation", {{"id", "1001"}}}, {"messageId", draft}})
          .has_value());
  fault({{"method", "sendMessage"}, {"action", "drop_after"}, {"count", 1}});
  const auto reply = send(bot_, "Done", {{"replaces", {{"messageId", draft}}}});
  ASSERT_TRUE(reply.has_error());
  EXPECT_EQ(reply.error().code, Code::kProtocol) << "it is in the chat";
  EXPECT_THAT(shown(), ElementsAre("Done"));
}

TEST_F(TelegramSend, RefusalsAreToldApart) {
  EXPECT_EQ(send(bot_, "x", {{"conversation", {{"id", "999"}}}}).error().code, Code::kNotFound);
  post("/user", {{"id", 1002}, {"first_name", "Bo"}, {"started", false}});
  const auto stranger = send(bot_, "x", {{"conversation", {{"id", "1002"}}}});
  EXPECT_EQ(stranger.error().code, Code::kPermissionDenied);
  EXPECT_THAT(stranger.error().message, HasSubstr("/start"));
  post("/user", {{"id", 1001}, {"blocked", true}});
  EXPECT_EQ(send(bot_, "x").error().code, Code::kPermissionDenied);
  EXPECT_EQ(send(bot_, "x", {{"conversation", {{"id", "nobody"}}}}).error().code,
            Code::kInvalidArgument);
  EXPECT_EQ(send(bot_, "  ").error().code, Code::kInvalidArgument);
}

TEST_F(TelegramSend, AnswersGoToTheTopicAndToTheChatWhenItIsGone) {
  post("/chat", {{"id", -1001},
                 {"type", "supergroup"},
                 {"title", "Team"},
                 {"topics", json::array{{{"id", 7}, {"name", "Ops"}}}}});
  const json::object topic{
      {"conversation", {{"id", "-1001"}, {"type", "group"}, {"threadId", "7"}}}};
  ASSERT_TRUE(send(bot_, "in the topic", topic).has_value());
  const json::object general{{"conversation", {{"id", "-1001"}, {"threadId", "1"}}}};
  ASSERT_TRUE(send(bot_, "in general", general).has_value());
  const json::object gone{{"conversation", {{"id", "-1001"}, {"threadId", "99"}}}};
  ASSERT_TRUE(send(bot_, "nowhere else to go", gone).has_value());
  const json::array seen = messages("-1001");
  ASSERT_EQ(seen.size(), 3u);
  EXPECT_EQ(seen[0].at("message_thread_id"), json::value(7));
  EXPECT_FALSE(seen[1].as_object().contains("message_thread_id"));
  EXPECT_FALSE(seen[2].as_object().contains("message_thread_id"));
}

TEST_F(TelegramSend, AGroupThatBecameASupergroupIsFollowed) {
  post("/chat", {{"id", -55}, {"type", "group"}, {"title", "Old"}});
  const json::value moved = post("/inject/migrate", {{"chat_id", -55}});
  const std::string to = std::to_string(moved.at("to").as_int64());
  const json::object old{{"conversation", {{"id", "-55"}, {"type", "group"}}}};
  ASSERT_TRUE(send(bot_, "one", old).has_value());
  ASSERT_TRUE(send(bot_, "two", old).has_value());
  EXPECT_THAT(shown(to), ElementsAre("one", "two"));
  EXPECT_LE(calls("sendMessage").size(), 3u);  // the old id at most once
}

TEST_F(TelegramSend, AnswersQuoteTheQuestionWhileItIsThere) {
  const json::value asked = post("/inject/message", {{"user_id", 1001}, {"text", "why?"}});
  const std::string id = std::to_string(asked.at("message_id").as_int64());
  ASSERT_TRUE(send(bot_, "because", {{"replyTo", {{"messageId", id}}}}).has_value());
  ASSERT_TRUE(send(bot_, "lost", {{"replyTo", {{"messageId", "999999"}}}}).has_value());
  const json::array seen = messages();
  EXPECT_EQ(seen[0].at("reply_to"), asked.at("message_id"));
  EXPECT_FALSE(seen[1].as_object().contains("reply_to"));
}

TEST_F(TelegramSend, ReactionsAreSetAndTakenBack) {
  const json::value asked = post("/inject/message", {{"user_id", 1001}, {"text", "hi"}});
  json::object payload{{"conversation", {{"id", "1001"}}},
                       {"messageId", std::to_string(asked.at("message_id").as_int64())},
                       {"emoji", "👀"}};
  ASSERT_TRUE(call(bot_, "channel.react", payload).has_value());
  payload["emoji"] = "✅";
  EXPECT_EQ(call(bot_, "channel.react", payload).error().code, Code::kInvalidArgument);
  payload["emoji"] = "⚡️";  // with the sign that asks for a picture
  EXPECT_TRUE(call(bot_, "channel.react", payload).has_value());
  EXPECT_EQ(calls("setMessageReaction").back().at("params").at("reaction").at(0).at("emoji"), "⚡");
  payload["remove"] = true;
  EXPECT_TRUE(call(bot_, "channel.react", payload).has_value());
}

TEST_F(TelegramSend, ASendThatHangsEndsWithItsCallerAndTheAccountStopsAtOnce) {
  fault({{"method", "sendMessage"}, {"action", "hang"}, {"count", 2}});
  json::object payload{{"conversation", {{"id", "1001"}}}, {"text", "x"}};
  const auto late = call(bot_, "channel.send", payload, 300ms);
  ASSERT_TRUE(late.has_error());
  EXPECT_EQ(late.error().code, Code::kDeadlineExceeded);
  const auto hanging = begin(bot_, "channel.send", payload, 30s);
  const auto waiting = begin(bot_, "channel.send", payload, 30s);
  run_until([&] { return calls("sendMessage").size() == 2; });
  const auto began = std::chrono::steady_clock::now();
  down(bot_);
  EXPECT_LT(std::chrono::steady_clock::now() - began, 4s);
  run_until([&] { return hanging->has_value() && waiting->has_value(); });
  EXPECT_EQ((*hanging)->error().code, Code::kCancelled);
  EXPECT_EQ((*waiting)->error().code, Code::kCancelled);
}

TEST_F(TelegramSend, AProbeNamesTheBotAndTheTrouble) {
  const auto well = call(bot_, "channel.probe", {});
  ASSERT_TRUE(well.has_value()) << well.error().message;
  EXPECT_EQ(well->at("ok"), true);
  EXPECT_EQ(well->at("bot").at("username"), "lab_bot");
  fault({{"method", "getMe"}, {"action", "error"}, {"code", 500}, {"count", 1}});
  const auto ill = call(bot_, "channel.probe", {});
  ASSERT_TRUE(ill.has_value()) << ill.error().message;
  EXPECT_EQ(ill->at("ok"), false);
}

TEST_F(TelegramSend, TextThatNamesASecretIsOnlyText) {
  const std::string text = "{{secret:telegram.default.botToken}}";
  ASSERT_TRUE(send(bot_, text).has_value());
  EXPECT_THAT(shown(), ElementsAre(text));
}

}  // namespace
}  // namespace openclaw::telegram_test
