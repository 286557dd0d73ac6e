// What people put under messages reaches the host, once each time they put it there.
#include "discord_fixture.h"

namespace openclaw::discord_test {
namespace {

class DiscordReactions : public DiscordFixture {
 protected:
  // The bot says something in the channel "general"; the id of its message.
  std::string said(PluginInstance* bot) {
    auto sent = send(bot, "well?");
    EXPECT_TRUE(sent.has_value()) << sent.error().message;
    return std::string(sent->at("messageId").as_string());
  }
  void react(const std::string& message, json::object more = {}) {
    json::object reaction{
        {"channel_id", kGeneral}, {"message_id", message}, {"emoji", "👍"}, {"user_id", kAnn}};
    for (auto& member : more) reaction[member.key()] = member.value();
    post("/inject/reaction", std::move(reaction));
  }
  json::value event_id(std::size_t index) { return recorder_.events.at(index).at("eventId"); }
};

TEST_F(DiscordReactions, OneToTheBotsMessageIsAnEvent) {
  PluginInstance* bot = up();
  const std::string id = said(bot);
  react(id, {{"user_id", stub_.said("bot_id")}});
  react(id);
  wait_events(1);
  const json::object& event = recorder_.events[0];
  EXPECT_EQ(event.at("kind"), "reaction");
  EXPECT_EQ(event.at("emoji"), "👍");
  EXPECT_EQ(event.at("messageId"), json::value(id));
  EXPECT_EQ(event.at("sender").at("id"), kAnn);
  EXPECT_EQ(event.at("sender").at("name"), "Ann");
  EXPECT_EQ(event.at("conversation").at("spaceId"), kGuild);
  EXPECT_TRUE(event.at("toSelf").as_bool());
}

TEST_F(DiscordReactions, TakenOffAndPutThereAgainAreTwo) {
  PluginInstance* bot = up();
  const std::string id = said(bot);
  react(id);
  react(id, {{"remove", true}});
  react(id);
  wait_events(2);
  EXPECT_NE(event_id(0), event_id(1));
}

TEST_F(DiscordReactions, P1WithoutAnAckItIsReplayedUnderTheSameId) {
  PluginInstance* bot = up();
  const std::string id = said(bot);
  recorder_.withhold = true;
  react(id);
  wait_events(1);
  down(bot);
  recorder_.withhold = false;
  recorder_.kept.clear();
  bot = up();
  wait_events(2);
  EXPECT_EQ(event_id(0), event_id(1));
  EXPECT_EQ(gateway_log("dir=in&op=6").size(), 1u);
  // With it the session has moved on.
  down(bot);
  up();
  write("next");
  wait_events(3);
  EXPECT_EQ(recorder_.events[2].at("text"), "next");
}

TEST_F(DiscordReactions, InADirectChatThePersonIsNamed) {
  PluginInstance* bot = up();
  write("hello");
  wait_events(1);
  const json::value dm = recorder_.events[0].at("conversation");
  auto sent = send_to(bot, dm.as_object(), "hi", {});
  ASSERT_TRUE(sent.has_value());
  react(std::string(sent->at("messageId").as_string()), {{"channel_id", dm.at("id")}});
  wait_events(2);
  EXPECT_EQ(recorder_.events[1].at("conversation"), dm);
  EXPECT_EQ(recorder_.events[1].at("sender").at("name"), "Ann");
}

TEST_F(DiscordReactions, ToOthersTheyComeOnlyWhereAServerWantsAll) {
  PluginInstance* bot = up();
  react(write("mine", {{"channel_id", kGeneral}}));
  wait_events(1);
  react(said(bot));
  wait_events(2);
  EXPECT_TRUE(recorder_.events[1].at("toSelf").as_bool());
  down(bot);
  up({{"guilds", {{kGuild, {{"reactionNotifications", "all"}}}}}});
  react(write("mine, too", {{"channel_id", kGeneral}}));
  wait_events(4);
  EXPECT_EQ(recorder_.events[3].at("kind"), "reaction");
  EXPECT_FALSE(recorder_.events[3].at("toSelf").as_bool());
}

TEST_F(DiscordReactions, WhereTheyAreOffTheServiceIsNotAskedForThem) {
  PluginInstance* bot = up({{"reactionNotifications", "off"}});
  react(said(bot));
  write("next");
  wait_events(1);
  EXPECT_EQ(recorder_.events[0].at("text"), "next");
  EXPECT_TRUE(gateway_log("dir=out&t=MESSAGE_REACTION_ADD").empty());
}

}  // namespace
}  // namespace openclaw::discord_test
