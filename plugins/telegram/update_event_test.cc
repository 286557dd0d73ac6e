#include "update_event.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace telegram {
namespace {

const Bot kBot{42, "lab_bot", false};

Parsed parse(std::string_view text) {
  return parse_update(json::parse(text), kBot, "default");
}

json::object in_group(std::string_view fields) {
  return json::parse(R"({"update_id":7,"message":{"message_id":5,"date":1700000000,
    "from":{"id":99,"first_name":"Ada","last_name":"L","username":"ada","is_bot":false},
    "chat":{"id":-1001,"type":"supergroup","title":"Lab"})" +
                     std::string(fields) + "}}")
      .get_object();
}

Parsed parse_group(std::string_view fields) {
  return parse_update(in_group(fields), kBot, "default");
}

TEST(UpdateEvent, ADirectMessageHasSenderAndStableIds) {
  const Parsed p =
      parse(R"({"update_id":7,"message":{"message_id":5,"date":1700000000,"text":" hi ",
    "from":{"id":99,"first_name":"Ada","is_bot":false},"chat":{"id":99,"type":"private"}}})");
  ASSERT_EQ(p.kind, Parsed::Kind::kEvent);
  EXPECT_EQ(
      json::serialize(p.event),
      R"({"kind":"message","conversation":{"id":"99","type":"direct"},"sender":{"id":"99","name":"Ada","isBot":false},"messageId":"5","text":"hi","mentioned":false,"timestampMs":1700000000000,"platform":{"chatType":"private"},"eventId":"tg:42:7","account":"default"})");
}

TEST(UpdateEvent, MentionsComeFromEntitiesInUtf16AndAreStripped) {
  // The face takes two units: the mention starts at unit 3.
  const Parsed p = parse_group(
      R"(,"text":"😀 @LAB_bot do it","entities":[{"type":"mention","offset":3,"length":8}])");
  EXPECT_EQ(p.event.at("mentioned"), true);
  EXPECT_EQ(p.event.at("text").get_string(), "😀  do it");
}

TEST(UpdateEvent, TextThatOnlyLooksLikeAMentionIsNone) {
  EXPECT_EQ(parse_group(R"(,"text":"@lab_bot hi")").event.at("mentioned"), false);
  EXPECT_EQ(
      parse_group(R"(,"text":"@lab_botany","entities":[{"type":"mention","offset":0,"length":11}])")
          .event.at("mentioned"),
      false);
}

TEST(UpdateEvent, CommandsNameTheirBot) {
  const Parsed mine = parse_group(
      R"(,"text":"/status@lab_bot now","entities":[{"type":"bot_command","offset":0,"length":15}])");
  EXPECT_EQ(mine.event.at("mentioned"), true);
  EXPECT_EQ(mine.event.at("text").get_string(), "/status now");
  const Parsed other = parse_group(
      R"(,"text":"/status@other_bot","entities":[{"type":"bot_command","offset":0,"length":17}])");
  EXPECT_EQ(other.event.at("mentioned"), false);
  EXPECT_EQ(other.event.at("forOther"), true);
}

TEST(UpdateEvent, ATextMentionAndAReplyToTheBotCount) {
  EXPECT_EQ(
      parse_group(
          R"(,"text":"Bot, hi","entities":[{"type":"text_mention","offset":0,"length":3,"user":{"id":42}}])")
          .event.at("mentioned"),
      true);
  const Parsed reply = parse_group(
      R"(,"text":"and now?","reply_to_message":{"message_id":3,"from":{"id":42,"is_bot":true,"first_name":"B"},"text":"before"})");
  EXPECT_EQ(reply.event.at("mentioned"), true);
  EXPECT_EQ(reply.event.at("replyTo").at("toSelf"), true);
  EXPECT_EQ(reply.event.at("replyTo").at("text").get_string(), "before");
}

TEST(UpdateEvent, ThreadIdsCountOnlyInTopics) {
  EXPECT_EQ(parse_group(R"(,"text":"x","message_thread_id":9)")
                .event.at("conversation")
                .get_object()
                .count("threadId"),
            0U);
  EXPECT_EQ(parse_group(R"(,"text":"x","message_thread_id":9,"is_topic_message":true)")
                .event.at("conversation")
                .at("threadId")
                .get_string(),
            "9");
}

TEST(UpdateEvent, TheServiceMessageOfATopicIsNoReply) {
  const Parsed p = parse_group(R"(,"text":"x","message_thread_id":9,"is_topic_message":true,
     "reply_to_message":{"message_id":9,"from":{"id":42},"forum_topic_created":{"name":"t"}})");
  EXPECT_EQ(p.event.count("replyTo"), 0U);
  EXPECT_EQ(p.event.at("mentioned"), false);
}

TEST(UpdateEvent, AnonymousSendersAreNoPersons) {
  const Parsed p =
      parse_group(R"(,"text":"x","sender_chat":{"id":-1001,"type":"supergroup","title":"Lab"})");
  EXPECT_EQ(p.event.at("sender").at("id").get_string(), "chat:-1001");
  EXPECT_EQ(p.event.at("sender").at("anonymous"), true);
}

TEST(UpdateEvent, ACaptionIsTheTextAndTheFileIsNamed) {
  const Parsed p = parse_group(
      R"(,"caption":"@lab_bot look","caption_entities":[{"type":"mention","offset":0,"length":8}],
    "photo":[{"file_id":"s","file_size":1},{"file_id":"L","file_size":9}])");
  EXPECT_EQ(p.event.at("text").get_string(), "look");
  EXPECT_EQ(p.event.at("mentioned"), true);
  EXPECT_EQ(json::serialize(p.event.at("attachments")),
            R"([{"kind":"photo","mime":"image/jpeg","bytes":9,"ref":"L"}])");
}

TEST(UpdateEvent, ServiceMessagesAndUnknownKindsAreIgnored) {
  EXPECT_EQ(parse_group(R"(,"new_chat_members":[])").kind, Parsed::Kind::kIgnored);
  EXPECT_EQ(parse(R"({"update_id":8,"poll":{}})").kind, Parsed::Kind::kIgnored);
}

TEST(UpdateEvent, WhatCannotBeReadIsKeptRaw) {
  const Parsed p = parse(R"({"update_id":8,"message":{"text":"x"}})");
  EXPECT_EQ(p.kind, Parsed::Kind::kPoison);
  EXPECT_EQ(p.event.at("eventId").get_string(), "tg:42:8");
  EXPECT_THAT(std::string(p.event.at("platform").at("raw").get_string()),
              testing::HasSubstr("\"text\""));
  EXPECT_EQ(parse("[]").kind, Parsed::Kind::kPoison);
}

TEST(UpdateEvent, UnknownChatKindsAreSaidToBeUnknown) {
  const Parsed p = parse(
      R"({"update_id":7,"message":{"message_id":5,"date":1,"text":"hi","from":{"id":9},"chat":{"id":9,"type":"secret"}}})");
  EXPECT_EQ(p.event.at("conversation").at("type").get_string(), "unknown");
}

TEST(UpdateEvent, CallbacksAndMembership) {
  const Parsed c = parse(
      R"({"update_id":7,"callback_query":{"id":"q","data":"yes","from":{"id":9,"first_name":"A"},
     "message":{"message_id":5,"chat":{"id":9,"type":"private"}}}})");
  EXPECT_EQ(c.callback_id, "q");
  EXPECT_EQ(c.event.at("text").get_string(), "yes");
  const Parsed m = parse(
      R"({"update_id":7,"my_chat_member":{"chat":{"id":9,"type":"private"},"from":{"id":9},"date":1,
     "old_chat_member":{"status":"member"},"new_chat_member":{"status":"kicked"}}})");
  EXPECT_EQ(m.event.at("present"), false);
}

TEST(UpdateEvent, OnlyNewReactionsOfPersonsCount) {
  const auto reaction = [](std::string_view fields) {
    return parse(R"({"update_id":7,"message_reaction":{"message_id":5,"date":1,
        "chat":{"id":9,"type":"private"})" +
                 std::string(fields) + "}}");
  };
  const Parsed added = reaction(R"(,"user":{"id":9,"first_name":"A"},
      "old_reaction":[{"type":"emoji","emoji":"👍"}],
      "new_reaction":[{"type":"emoji","emoji":"👍"},{"type":"emoji","emoji":"🔥"},7,{}])");
  ASSERT_EQ(added.kind, Parsed::Kind::kEvent);
  EXPECT_EQ(added.event.at("kind"), "reaction");
  EXPECT_EQ(added.event.at("emoji"), "🔥");
  EXPECT_EQ(added.event.at("messageId"), "5");
  EXPECT_EQ(reaction(R"(,"user":{"id":9},"old_reaction":[{"type":"emoji","emoji":"👍"}])").kind,
            Parsed::Kind::kIgnored);
  EXPECT_EQ(reaction(R"(,"actor_chat":{"id":-1},"new_reaction":[{"emoji":"👍"}])").kind,
            Parsed::Kind::kIgnored);
}

TEST(UpdateEvent, PartsOfAnAlbumNameIt) {
  const Parsed p = parse_group(R"(,"media_group_id":"77","photo":[{"file_id":"L"}])");
  EXPECT_EQ(p.event.at("groupId"), "77");
  EXPECT_FALSE(parse_group(R"(,"text":"x")").event.contains("groupId"));
}

TEST(UpdateEvent, AStickerIsAPictureUnlessItMoves) {
  const Parsed still = parse_group(
      R"(,"sticker":{"file_id":"S","emoji":"😀","is_animated":false,"is_video":false,"file_size":9})");
  EXPECT_EQ(still.event.at("text").get_string(), "😀");
  EXPECT_EQ(json::serialize(still.event.at("attachments")),
            R"([{"kind":"photo","mime":"image/webp","bytes":9,"ref":"S","name":"sticker.webp"}])");
  const Parsed moving =
      parse_group(R"(,"sticker":{"file_id":"S","emoji":"😀","set_name":"Cats","is_animated":true})");
  EXPECT_EQ(moving.event.at("text").get_string(), "[sticker 😀 of the set Cats]");
  EXPECT_FALSE(moving.event.contains("attachments"));
  EXPECT_EQ(parse_group(R"(,"sticker":{"file_id":"S","is_video":true})").event.at("text"),
            "[sticker]");
}

std::string text_of(std::string_view fields) {
  const Parsed p = parse_group(fields);
  return p.kind == Parsed::Kind::kEvent ? std::string(p.event.at("text").get_string()) : "";
}

TEST(UpdateEvent, AGroupWithANewIdIsNamed) {
  const Parsed p = parse_group(R"(,"migrate_to_chat_id":-10056)");
  EXPECT_EQ(p.kind, Parsed::Kind::kIgnored);
  EXPECT_EQ(p.group, "-1001");
  EXPECT_EQ(p.group_now, "-10056");
}

TEST(UpdateEvent, LinksBehindWordsAreWrittenOut) {
  EXPECT_EQ(text_of(R"(,"text":"read this, and that","entities":[
      {"type":"text_link","offset":5,"length":4,"url":"https://x.org/a"},
      {"type":"bold","offset":5,"length":4},
      {"type":"text_link","offset":15,"length":4,"url":"https://x.org/b"}])"),
            "read this (https://x.org/a), and that (https://x.org/b)");
  EXPECT_EQ(text_of(R"(,"text":"https://x.org","entities":[
      {"type":"text_link","offset":0,"length":13,"url":"https://x.org"}])"),
            "https://x.org");
  EXPECT_EQ(text_of(R"(,"caption":"@lab_bot see it","caption_entities":[
      {"type":"mention","offset":0,"length":8},
      {"type":"text_link","offset":9,"length":3,"url":"https://x.org/c"}],
      "photo":[{"file_id":"L"}])"),
            "see (https://x.org/c) it");
}

TEST(UpdateEvent, WhatHasNoTextIsSaidInWords) {
  EXPECT_EQ(text_of(R"(,"location":{"latitude":52.52,"longitude":-13})"),
            "[location 52.520000, -13.000000]");
  EXPECT_EQ(text_of(R"(,"location":{"latitude":1.5,"longitude":2.5},
      "venue":{"title":"Cafe","address":"Road 1","location":{"latitude":1.5,"longitude":2.5}})"),
            "[location 1.500000, 2.500000, Cafe, Road 1]");
  EXPECT_EQ(text_of(R"(,"contact":{"first_name":"Ada","last_name":"L","phone_number":"+491"})"),
            "[contact Ada L, +491]");
  EXPECT_EQ(text_of(R"(,"poll":{"question":"Tea?","options":[{"text":"yes"},{"text":"no"}]})"),
            "[poll \"Tea?\": yes / no]");
  EXPECT_EQ(text_of(R"(,"dice":{"emoji":"🎲","value":4})"), "[🎲 shows 4]");
  EXPECT_EQ(text_of(R"(,"location":{"latitude":"x"})"), "");
  // A live location is edited every few seconds.
  EXPECT_EQ(parse(R"({"update_id":8,"edited_message":{"message_id":5,"date":1,"edit_date":2,
      "from":{"id":9},"chat":{"id":9,"type":"private"},
      "location":{"latitude":1.5,"longitude":2.5,"live_period":60}}})")
                .kind,
            Parsed::Kind::kIgnored);
}

TEST(UpdateEvent, WhatIsForwardedSaysSoAndIsNoCommand) {
  EXPECT_EQ(text_of(R"(,"text":"/new","forward_origin":{"type":"user",
      "sender_user":{"id":3,"first_name":"Bo","last_name":"B"}})"),
            "[forwarded from Bo B]\n/new");
  EXPECT_EQ(text_of(R"(,"text":"x","forward_origin":{"type":"channel","chat":{"title":"News"}})"),
            "[forwarded from News]\nx");
  EXPECT_EQ(text_of(R"(,"photo":[{"file_id":"L"}],
      "forward_origin":{"type":"hidden_user","sender_user_name":"Cy"})")
                .substr(0, 19),
            "[forwarded from Cy]");
}

TEST(UpdateEvent, TheFileOfAnAnsweredMessageComesWithTheQuestion) {
  const Parsed p = parse_group(R"(,"text":"what is this?","reply_to_message":{"message_id":3,
      "from":{"id":7,"first_name":"Bo"},"photo":[{"file_id":"L","file_size":9}]})");
  EXPECT_EQ(p.event.at("replyTo").at("text"), "[photo]");
  EXPECT_EQ(json::serialize(p.event.at("attachments")),
            R"([{"kind":"photo","mime":"image/jpeg","bytes":9,"ref":"L"}])");
  // What the bot sent is in the workspace already, and a command needs no file.
  const Parsed own = parse_group(R"(,"text":"once more","reply_to_message":{"message_id":3,
      "from":{"id":42},"document":{"file_id":"D","file_name":"a.pdf"}})");
  EXPECT_EQ(own.event.at("replyTo").at("text"), "[document a.pdf]");
  EXPECT_FALSE(own.event.contains("attachments"));
  EXPECT_FALSE(parse_group(R"(,"text":"/status","reply_to_message":{"message_id":3,
      "from":{"id":7},"photo":[{"file_id":"L"}]})")
                   .event.contains("attachments"));
}

TEST(UpdateEvent, AQuoteFromAnotherChatIsRead) {
  const Parsed p = parse_group(R"(,"text":"true?","quote":{"text":"the sky is green"},
      "external_reply":{"message_id":77,"origin":{"type":"channel","chat":{"title":"News"}}})");
  EXPECT_EQ(json::serialize(p.event.at("replyTo")),
            R"({"text":"the sky is green","messageId":"77","sender":{"name":"News"}})");
  EXPECT_EQ(p.event.at("mentioned"), false);
}

TEST(UpdateEvent, HostileOffsetsAreHarmless) {
  const Parsed p = parse_group(
      R"(,"text":"ab","entities":[{"type":"mention","offset":-5,"length":900},{"type":"mention","offset":1,"length":99999},{"type":5},7])");
  EXPECT_EQ(p.event.at("text").get_string(), "ab");
}

}  // namespace
}  // namespace telegram
