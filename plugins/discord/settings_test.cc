#include "settings.h"

#include <gtest/gtest.h>

namespace discord {
namespace {

constexpr std::uint32_t kServers = 1U << 10;
constexpr std::uint32_t kDirect = 1U << 13;

Settings settings(const char* text) {
  return read_settings("discord/default", text);
}

std::uint32_t reactions_in(const char* text) {
  return settings(text).intents() & (kServers | kDirect);
}

TEST(Settings, ReactionsAreAskedForUnlessTheyAreOffEverywhere) {
  EXPECT_EQ(settings("{}").intents(), 46593U);
  EXPECT_EQ(settings(R"({"reactionNotifications":"off"})").intents(), 37377U);
  EXPECT_EQ(reactions_in(R"({"reactionNotifications":"off","guilds":{"1":{}}})"), 0U);
  EXPECT_EQ(reactions_in(R"({"reactionNotifications":"off",
      "guilds":{"1":{"reactionNotifications":"off"},"2":{"reactionNotifications":"own"}}})"),
            kServers);
  EXPECT_EQ(reactions_in(R"({"guilds":{"1":{"reactionNotifications":"off"}}})"),
            kServers | kDirect);
  EXPECT_EQ(reactions_in(R"({"guilds":[7],"reactionNotifications":false})"), kServers | kDirect);
}

TEST(Settings, ReactionsToOthersAreWantedWhereverAServerSaysSo) {
  EXPECT_FALSE(settings("{}").reactions_to_others);
  EXPECT_TRUE(settings(R"({"reactionNotifications":"all"})").reactions_to_others);
  EXPECT_TRUE(
      settings(R"({"guilds":{"*":{"reactionNotifications":"allowlist"}}})").reactions_to_others);
  EXPECT_FALSE(
      settings(R"({"guilds":{"*":{"reactionNotifications":"own"},"2":7}})").reactions_to_others);
}

TEST(Settings, PresenceIsWhatTheGatewayTakes) {
  EXPECT_TRUE(settings("{}").presence.empty());
  EXPECT_TRUE(settings(R"({"activityType":0,"activityUrl":"https://x"})").presence.empty());
  EXPECT_EQ(settings(R"({"status":"invisible"})").presence,
            json::parse(R"({"since":null,"activities":[],"status":"invisible","afk":false})"));
  EXPECT_EQ(settings(R"({"activity":"reading"})").presence.at("activities"),
            json::parse(R"([{"name":"Custom Status","type":4,"state":"reading"}])"));
  EXPECT_EQ(settings(R"({"status":"dnd","activity":"chess","activityType":0,
                "activityUrl":"https://x"})")
                .presence,
            json::parse(R"({"since":null,"activities":[{"name":"chess","type":0}],"status":"dnd",
                "afk":false})"));
  EXPECT_EQ(settings(R"({"activity":"live","activityType":1,"activityUrl":"https://twitch.tv/x"})")
                .presence.at("activities"),
            json::parse(R"([{"name":"live","type":1,"url":"https://twitch.tv/x"}])"));
}

}  // namespace
}  // namespace discord
