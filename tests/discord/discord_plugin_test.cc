// The plugin as a file: the rules of the ABI, and what its schema accepts.
#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "async/runtime.h"
#include "config/config.h"
#include "plugin/conformance.h"
#include "plugin/host_services.h"
#include "plugin/inspect.h"
#include "plugin/plugin_host.h"
#include "storage/temp_dir_for_test.h"

namespace openclaw::discord_test {
namespace {

using testing::HasSubstr;

const std::filesystem::path kLibrary =
    std::filesystem::path(OPENCLAW_BUNDLED_PLUGINS) / "discord" / "libopenclaw-discord.so";

TEST(DiscordPlugin, KeepsTheRulesOfTheAbi) {
  auto report = plugin::check_conformance(kLibrary);
  ASSERT_TRUE(report);
  EXPECT_TRUE(report->at("ok").as_bool()) << json::serialize(*report);
}

TEST(DiscordPlugin, KeepsTheRulesOfTheAbiWithAToken) {
  auto report = plugin::check_conformance(kLibrary, {{{"token", "conformance"}}});
  ASSERT_TRUE(report);
  EXPECT_TRUE(report->at("ok").as_bool()) << json::serialize(*report);
}

TEST(DiscordPlugin, ExportsOneSymbol) {
  auto report = plugin::inspect(kLibrary);
  ASSERT_TRUE(report);
  EXPECT_EQ(report->at("exports"), json::parse(R"(["openclaw_plugin_v1"])"));
}

class DiscordConfig : public ::testing::Test {
 protected:
  DiscordConfig() {
    plugin::HostOptions options;
    options.state_dir = temp_.path();
    options.bundled_dirs = {OPENCLAW_BUNDLED_PLUGINS};
    host_ = plugin::PluginHost::create(runtime_, options, *services_);
    host_->scan();
  }
  std::string wrong(const std::string& discord) {
    const std::string text = R"({"channels":{"discord":)" + discord + "}}";
    auto parsed = config::parse(text, "json5", "openclaw.json", host_->foreign_sections());
    return parsed.has_value() ? std::string() : parsed.error().message;
  }
  storage::TempDir temp_;
  Runtime runtime_;
  std::unique_ptr<plugin::HostServices> services_ =
      plugin::HostServices::create(runtime_, temp_.path());
  std::unique_ptr<plugin::PluginHost> host_;
};

TEST_F(DiscordConfig, TakesTheKeysThatOpenClawUsersHave) {
  EXPECT_EQ(wrong(R"({
    enabled: true, token: "abc", dmPolicy: "pairing", allowFrom: ["discord:123", 456],
    dm: {enabled: true, policy: "allowlist", allowFrom: ["123"], groupEnabled: false},
    groupPolicy: "allowlist",
    guilds: {"*": {requireMention: true}, "920000000000000001": {
      slug: "lab", requireMention: false, users: ["910000000000000001"], roles: ["940000000000000001"],
      reactionNotifications: "own",
      channels: {general: {allow: true}, "930000000000000002": {allow: true, requireMention: true,
        users: ["910000000000000001"], skills: ["search"], systemPrompt: "Short answers."}}}},
    historyLimit: 20, replyToMode: "first", streaming: "partial", textChunkLimit: 2000,
    maxLinesPerMessage: 17, mediaMaxMb: 8, chunkMode: "newline", allowBots: false,
    actions: {reactions: true, messages: true}, ackReaction: "eyes", commands: {native: "auto"},
    retry: {attempts: 3, minDelayMs: 500, maxDelayMs: 30000, jitter: 0.1},
    intents: {presence: false, guildMembers: false}, configWrites: false,
    threadBindings: {enabled: true}, voice: {enabled: false}, proxy: "http://127.0.0.1:3128",
    status: "idle", activity: "chess", activityType: 0, activityUrl: "https://twitch.tv/lab",
    defaultAccount: "work", accounts: {
      work: {token: "def", dmPolicy: "allowlist", name: "Work"},
      home: {tokenFile: "/run/secrets/discord"}}})"),
            "");
}

TEST_F(DiscordConfig, RefusesWhatItDoesNotKnowAndSaysWhere) {
  EXPECT_THAT(wrong(R"({tokn: "a"})"), HasSubstr("channels.discord.tokn"));
  EXPECT_THAT(wrong(R"({dmPolicy: "everyone"})"), HasSubstr("channels.discord.dmPolicy"));
  EXPECT_THAT(wrong(R"({guilds: {"1": {requireMentions: true}}})"), HasSubstr("requireMentions"));
  EXPECT_THAT(wrong(R"({status: "away"})"), HasSubstr("channels.discord.status"));
  EXPECT_THAT(wrong(R"({activityType: 6})"), HasSubstr("channels.discord.activityType"));
  EXPECT_THAT(wrong(R"({accounts: {work: {tokn: "a"}}})"),
              HasSubstr("channels.discord.accounts.work.tokn"));
}

}  // namespace
}  // namespace openclaw::discord_test
