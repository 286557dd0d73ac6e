#include "channel/reply_tag.h"

#include "channel/channel_fixture_for_test.h"

namespace openclaw::channel {
namespace {

TEST(ReplyTag, StandsAtTheStartAndIsNotShown) {
  const TaggedReply current = split_reply_tag(" [[ reply_to_current ]]\nYes.");
  EXPECT_TRUE(current.tagged);
  EXPECT_EQ(current.message_id, "");
  EXPECT_EQ(current.text, "Yes.");
  const TaggedReply other = split_reply_tag("[[reply_to: 123]] No.");
  EXPECT_EQ(other.message_id, "123");
  EXPECT_EQ(other.text, "No.");
}

TEST(ReplyTag, WhatIsNoneStays) {
  for (const char* text :
       {"", "[[", "[[link]] x", "[[reply_to:]] x", "[[reply_to_someone]] x", "  as it was\n"}) {
    EXPECT_FALSE(split_reply_tag(text).tagged) << text;
    EXPECT_EQ(split_reply_tag(text).text, text);
  }
}

TEST(ReplyTag, IsTakenOutWhereverItStandsButNotOutOfCode) {
  const TaggedReply behind = split_reply_tag("Yes. [[reply_to:5]]\n");
  EXPECT_EQ(behind.text, "Yes.");
  EXPECT_EQ(behind.message_id, "5");
  const TaggedReply between = split_reply_tag("One [[reply_to_current]] two [[reply_to:7]] three");
  EXPECT_EQ(between.text, "One two three");
  EXPECT_EQ(between.message_id, "");
  for (const char* code : {"write `[[reply_to_current]]` first", "```\n[[reply_to:5]]\n```",
                           "```\n[[reply_to_current]]", "``a ` [[reply_to:5]]``"}) {
    EXPECT_FALSE(split_reply_tag(code).tagged) << code;
    EXPECT_EQ(split_reply_tag(code).text, code);
  }
  EXPECT_EQ(split_reply_tag("a ` b [[reply_to:5]]").message_id, "5");
  EXPECT_EQ(split_reply_tag("[[reply_to_current]]").text, "");
}

TEST(ReplyTag, ATagThatIsBeingWrittenIsNotShown) {
  EXPECT_EQ(split_reply_tag("[[reply_t").text, "");
  EXPECT_EQ(split_reply_tag("[[reply_to:12").text, "");
  EXPECT_EQ(split_reply_tag("[[link").text, "[[link");
  EXPECT_EQ(split_reply_tag("Yes. [[reply_to_cur").text, "Yes. ");
}

class ReplyTags : public ChannelServiceTest {
 protected:
  void answer_with(const std::string& text) {
    life_->agent.answer = [text](const agent::TurnRequest&) {
      agent::TurnResult result;
      result.status = "ok";
      result.text = text;
      return result;
    };
  }
};

TEST_F(ReplyTags, NameTheMessageThatIsAnswered) {
  boot();
  answer_with("[[reply_to_current]] Yes.");
  offer(message("e1", "ok?"));
  ASSERT_TRUE(until([&] { return sent.size() == 1; }));
  EXPECT_EQ(sent[0].at("text"), "Yes.");
  EXPECT_EQ(sent[0].at("replyTo").at("messageId"), "e1");
  answer_with("[[reply_to:77]] That one.");
  offer(message("e2", "which?"));
  ASSERT_TRUE(until([&] { return sent.size() == 2; }));
  EXPECT_EQ(sent[1].at("replyTo").at("messageId"), "77");
}

TEST_F(ReplyTags, TheDraftAnswersTheMessageToo) {
  prepare = [](Life& life) {
    life.agent.held = true;
    life.host.traits()["streaming"] = json::object{{"minIntervalMs", 5}, {"minChars", 3}};
  };
  boot();
  answer_with("[[reply_to_current]] Once upon a time");
  offer(message("e1", "tell me"));
  ASSERT_TRUE(until([&] { return life_->agent.active_runs() == 1; }));
  life_->agent.emit("fake/default:e1", "assistant", {{"text", "[[reply_to_cur"}});
  life_->agent.emit("fake/default:e1", "assistant", {{"text", "[[reply_to_current]] Once upon"}});
  const auto draft = [&]() -> const json::object* {
    for (const auto& [slot, payload] : calls) {
      if (slot == "channel.send" && payload.contains("draft")) return &payload;
    }
    return nullptr;
  };
  ASSERT_TRUE(until([&] { return draft() != nullptr; }));
  EXPECT_EQ(draft()->at("text"), "Once upon");
  EXPECT_EQ(draft()->at("replyTo").at("messageId"), "e1");
  life_->agent.release();
  ASSERT_TRUE(until([&] { return sent.size() == 1; }));
}

TEST_F(ReplyTags, SilenceWithSpacesAroundOrBehindATagIsSilence) {
  boot();
  answer_with("NO_REPLY\n");
  offer(message("e1", "hm"));
  answer_with("[[reply_to_current]] NO_REPLY");
  offer(message("e2", "hm"));
  ASSERT_TRUE(until([&] { return life_->agent.requests.size() == 2; }));
  settle();
  EXPECT_TRUE(sent.empty());
}

}  // namespace
}  // namespace openclaw::channel
