#include "message_event.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace discord {
namespace {

using testing::HasSubstr;

Directory directory() {
  Directory out("900");
  out.learn("GUILD_CREATE", json::parse(R"({"id":"20",
    "channels":[{"id":"30","type":0,"name":"general"}],
    "threads":[{"id":"31","type":11,"parent_id":"30","owner_id":"900","name":"own"},
               {"id":"32","type":11,"parent_id":"30","owner_id":"7","name":"foreign"}],
    "roles":[{"id":"20"},{"id":"40","tags":{"bot_id":"900"}},{"id":"41","tags":{"bot_id":"901"}}]})"));
  return out;
}

json::object message(const std::string& more = "{}") {
  json::object out =
      json::parse(R"({"id":"1420070400000","type":0,"channel_id":"30","guild_id":"20",
    "content":"hi","author":{"id":"7","username":"ada","global_name":"Ada"},
    "member":{"nick":"Ada L.","roles":["50",51]}})")
          .as_object();
  const json::value changes = json::parse(more);
  for (const auto& [key, value] : changes.as_object()) out[key] = value;
  return out;
}

Parsed parse(const json::value& data, const Directory& known = directory()) {
  return parse_message("MESSAGE_CREATE", data, known, "default", "s:1");
}

TEST(MessageEvent, RoomsNameTheirServerAndPeopleTheirRoles) {
  const Parsed parsed = parse(message());
  ASSERT_EQ(parsed.kind, Parsed::Kind::kEvent);
  EXPECT_EQ(parsed.event.at("conversation"),
            json::parse(R"({"id":"30","type":"channel","spaceId":"20","title":"#general"})"));
  EXPECT_EQ(
      parsed.event.at("sender"),
      json::parse(R"({"id":"7","name":"Ada L.","username":"ada","isBot":false,"roles":["50"]})"));
  EXPECT_EQ(parsed.event.at("eventId"), "dc:900:1420070400000");
}

TEST(MessageEvent, MentionsAreTheBotItsRoleAReplyOrItsOwnThread) {
  EXPECT_FALSE(parse(message()).event.at("mentioned").as_bool());
  const char* const kForTheBot[] = {
      R"({"mentions":[{"id":"900"}]})", R"({"mention_roles":["40"]})",
      R"({"type":19,"referenced_message":{"id":"5","author":{"id":"900"}}})",
      R"({"channel_id":"31"})"};
  for (const char* more : kForTheBot)
    EXPECT_TRUE(parse(message(more)).event.at("mentioned").as_bool()) << more;
  const char* const kForOthers[] = {
      R"({"mentions":[{"id":"901"}]})",
      R"({"mention_roles":["41"]})",
      R"({"mention_everyone":true})",
      R"({"type":19,"referenced_message":{"id":"5","author":{"id":"8"}}})",
      R"({"type":19,"referenced_message":null})",
      R"({"channel_id":"32"})",
      R"({"referenced_message":{"id":"5","author":{"id":"900"}}})"};
  for (const char* more : kForOthers)
    EXPECT_FALSE(parse(message(more)).event.at("mentioned").as_bool()) << more;
}

TEST(MessageEvent, TheMentionIsNoPartOfTheText) {
  const Parsed parsed = parse(
      message(R"({"content":" <@900> run <@&40> <@7> this<@!900>","mentions":[{"id":"900"}]})"));
  EXPECT_EQ(parsed.event.at("text"), "run  <@7> this");
}

TEST(MessageEvent, A25OnlyAMessageOutsideServersIsDirect) {
  json::object plain = message();
  plain.erase("guild_id");
  plain["channel_id"] = "99";
  EXPECT_EQ(parse(plain).event.at("conversation"), json::parse(R"({"id":"99","type":"direct"})"));
  // A known room stays one, also when the message does not say so.
  plain["channel_id"] = "30";
  EXPECT_EQ(parse(plain).event.at("conversation").at("type"), "channel");
  EXPECT_EQ(parse(plain).event.at("conversation").at("spaceId"), "20");
}

TEST(MessageEvent, BotsWebhooksAndServiceMessagesAreIgnored) {
  const char* const kNotPeople[] = {R"({"author":{"id":"900"}})",
                                    R"({"author":{"id":"8","bot":true}})",
                                    R"({"webhook_id":"12"})",
                                    R"({"type":7})",
                                    R"({"type":21})",
                                    R"({"content":""})"};
  for (const char* more : kNotPeople)
    EXPECT_EQ(parse(message(more)).kind, Parsed::Kind::kIgnored) << more;
}

TEST(MessageEvent, UpdatesWithoutAnEditAreNobodysWords) {
  const Directory known = directory();
  const auto update = [&](const std::string& more) {
    return parse_message("MESSAGE_UPDATE", message(more), known, "default", "s:1");
  };
  EXPECT_EQ(update("{}").kind, Parsed::Kind::kIgnored);
  const Parsed edit = update(R"({"edited_timestamp":"2026-01-01T00:00:00+00:00"})");
  EXPECT_EQ(edit.event.at("kind"), "edit");
  EXPECT_EQ(edit.event.at("eventId"), "dc:900:1420070400000:2026-01-01T00:00:00+00:00");
}

TEST(MessageEvent, FilesAreNamedByIdAndVoiceNotesAreVoice) {
  const Parsed parsed = parse(message(
      R"({"content":"","flags":8192,"attachments":[{"id":"60","filename":"v.ogg","content_type":"audio/ogg",
          "size":9,"url":"https://elsewhere.example/"},"odd"]})"));
  EXPECT_EQ(
      parsed.event.at("attachments"),
      json::parse(R"([{"kind":"voice","mime":"audio/ogg","name":"v.ogg","bytes":9,"ref":"60"}])"));
}

TEST(MessageEvent, WhatIsNotUnderstoodIsKeptRaw) {
  for (const char* text : {"null", "[]", "{}", R"({"id":"1","channel_id":5})",
                           R"({"id":"1","channel_id":"5","author":"me"})",
                           R"({"id":"1","channel_id":"5","author":{"id":"x"}})"}) {
    const Parsed parsed = parse(json::parse(text));
    EXPECT_EQ(parsed.kind, Parsed::Kind::kPoison) << text;
    EXPECT_EQ(parsed.event.at("kind"), "unparsed");
    EXPECT_TRUE(parsed.event.contains("eventId"));
  }
}

json::object reaction(const std::string& more = "{}") {
  json::object out = json::parse(R"({"user_id":"7","channel_id":"31","message_id":"1420070400000",
    "guild_id":"20","emoji":{"id":null,"name":"👍"},"message_author_id":"900","burst":false,"type":0,
    "member":{"nick":"Ada L.","roles":["50"],"user":{"id":"7","username":"ada"}}})")
                         .as_object();
  const json::value changes = json::parse(more);
  for (const auto& [key, value] : changes.as_object()) out[key] = value;
  return out;
}

Parsed parse_reaction(const json::value& data, const std::string& key = "s:1") {
  return parse_reaction(data, directory(), "default", key);
}

TEST(ReactionEvent, NamesThePersonThePlaceAndTheMessage) {
  const Parsed parsed = parse_reaction(reaction());
  ASSERT_EQ(parsed.kind, Parsed::Kind::kEvent);
  EXPECT_EQ(parsed.event, json::parse(R"({"kind":"reaction",
    "eventId":"dc:900:reaction:31:1420070400000:7:👍:s:1","account":"default",
    "conversation":{"id":"31","type":"channel","spaceId":"20","parentId":"30","title":"#own"},
    "sender":{"id":"7","name":"Ada L.","username":"ada","isBot":false,"roles":["50"]},
    "messageId":"1420070400000","emoji":"👍","toSelf":true})"));
  EXPECT_FALSE(
      parse_reaction(reaction(R"({"message_author_id":"8"})")).event.at("toSelf").as_bool());
  EXPECT_FALSE(parse_reaction(reaction(R"({"message_author_id":null})")).event.contains("toSelf"));
}

TEST(ReactionEvent, AReplayIsOneEventAndPuttingItThereAgainAnother) {
  const json::value id = parse_reaction(reaction()).event.at("eventId");
  EXPECT_EQ(parse_reaction(reaction()).event.at("eventId"), id);
  EXPECT_NE(parse_reaction(reaction(), "s:2").event.at("eventId"), id);
  EXPECT_NE(parse_reaction(reaction(), "t:1").event.at("eventId"), id);
  EXPECT_NE(parse_reaction(reaction(R"({"emoji":{"name":"👎"}})")).event.at("eventId"), id);
}

TEST(ReactionEvent, AServersOwnEmojiIsKnownByItsIdAndShownByItsName) {
  const Parsed named = parse_reaction(reaction(R"({"emoji":{"id":"60","name":"blob"}})"));
  EXPECT_EQ(named.event.at("emoji"), ":blob:");
  const Parsed gone = parse_reaction(reaction(R"({"emoji":{"id":"60","name":null}})"));
  EXPECT_EQ(gone.event.at("emoji"), "a custom emoji");
  EXPECT_EQ(gone.event.at("eventId"), named.event.at("eventId"));
}

TEST(ReactionEvent, InADirectChatItIsTheOtherPerson) {
  Directory known("900");
  const json::value data =
      json::parse(R"({"user_id":"7","channel_id":"99","message_id":"5","emoji":{"name":"👍"}})");
  const Parsed stranger = parse_reaction(data, known, "default", "s:1");
  EXPECT_EQ(stranger.event.at("conversation"), json::parse(R"({"id":"99","type":"direct"})"));
  EXPECT_EQ(stranger.event.at("sender").at("name"), "");
  known.add_channel(json::parse(R"({"id":"99","type":1,
      "recipients":[{"id":"7","username":"ada","global_name":"Ada"}]})")
                        .as_object());
  EXPECT_EQ(parse_reaction(data, known, "default", "s:1").event.at("sender").at("name"), "Ada");
}

TEST(ReactionEvent, OfBotsAndWhatIsNotUnderstoodIsIgnored) {
  const char* const kNobodys[] = {R"({"user_id":"900"})",
                                  R"({"member":{"user":{"id":"7","bot":true}}})",
                                  R"({"user_id":7})",
                                  R"({"message_id":null})",
                                  R"({"channel_id":"x"})",
                                  R"({"emoji":"👍"})",
                                  R"({"emoji":{"id":null,"name":null}})"};
  for (const char* more : kNobodys)
    EXPECT_EQ(parse_reaction(reaction(more)).kind, Parsed::Kind::kIgnored) << more;
  EXPECT_EQ(parse_reaction(json::parse("[]")).kind, Parsed::Kind::kIgnored);
}

TEST(MessageEvent, WhatHasToBeLookedUpFirst) {
  const Directory known = directory();
  EXPECT_EQ(unknown_in(message(), known).channel_id, "");
  EXPECT_EQ(unknown_in(message(R"({"channel_id":"99"})"), known).channel_id, "99");
  EXPECT_EQ(unknown_in(message(R"({"guild_id":"21","mention_roles":["40"]})"), known).guild_id,
            "21");
  // Not for what is not answered anyhow.
  EXPECT_EQ(unknown_in(message(R"({"channel_id":"99","webhook_id":"1"})"), known).channel_id, "");
}

TEST(MessageEvent, TheDirectoryForgetsWhatIsGoneAndNothingInAnOutage) {
  Directory known = directory();
  known.learn("GUILD_DELETE", json::parse(R"({"id":"20","unavailable":true})"));
  EXPECT_NE(known.channel("30"), nullptr);
  known.learn("CHANNEL_DELETE", json::parse(R"({"id":"32"})"));
  EXPECT_EQ(known.channel("32"), nullptr);
  known.learn("GUILD_DELETE", json::parse(R"({"id":"20"})"));
  EXPECT_EQ(known.channel("30"), nullptr);
  EXPECT_EQ(known.own_role("20"), "");
}

}  // namespace
}  // namespace discord
