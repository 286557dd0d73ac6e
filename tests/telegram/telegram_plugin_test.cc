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

namespace openclaw::telegram_test {
namespace {

using testing::HasSubstr;

const std::filesystem::path kLibrary =
    std::filesystem::path(OPENCLAW_BUNDLED_PLUGINS) / "telegram" / "libopenclaw-telegram.so";

TEST(TelegramPlugin, KeepsTheRulesOfTheAbi) {
  auto report = plugin::check_conformance(kLibrary);
  ASSERT_TRUE(report);
  EXPECT_TRUE(report->at("ok").as_bool()) << json::serialize(*report);
}

TEST(TelegramPlugin, KeepsTheRulesOfTheAbiWithAToken) {
  auto report = plugin::check_conformance(kLibrary, {{{"botToken", "1:conformance"}}});
  ASSERT_TRUE(report);
  EXPECT_TRUE(report->at("ok").as_bool()) << json::serialize(*report);
}

TEST(TelegramPlugin, ExportsOneSymbol) {
  auto report = plugin::inspect(kLibrary);
  ASSERT_TRUE(report);
  EXPECT_EQ(report->at("exports"), json::parse(R"(["openclaw_plugin_v1"])"));
}

class TelegramConfig : public ::testing::Test {
 protected:
  TelegramConfig() {
    plugin::HostOptions options;
    options.state_dir = temp_.path();
    options.bundled_dirs = {OPENCLAW_BUNDLED_PLUGINS};
    host_ = plugin::PluginHost::create(runtime_, options, *services_);
    host_->scan();
  }
  std::string wrong(const std::string& telegram) {
    const std::string text = R"({"channels":{"telegram":)" + telegram + "}}";
    auto parsed = config::parse(text, "json5", "openclaw.json", host_->foreign_sections());
    return parsed.has_value() ? std::string() : parsed.error().message;
  }
  storage::TempDir temp_;
  Runtime runtime_;
  std::unique_ptr<plugin::HostServices> services_ =
      plugin::HostServices::create(runtime_, temp_.path());
  std::unique_ptr<plugin::PluginHost> host_;
};

TEST_F(TelegramConfig, TakesTheKeysThatOpenClawUsersHave) {
  EXPECT_EQ(wrong(R"({
    enabled: true, botToken: "123:abc", dmPolicy: "pairing", allowFrom: ["tg:123", 456],
    groupPolicy: "allowlist", groupAllowFrom: [456],
    groups: {"*": {requireMention: true}, "-1001": {groupPolicy: "open", topics: {"7": {agentId: "ops"}}}},
    customCommands: [{command: "backup", description: "Git backup"}],
    historyLimit: 50, replyToMode: "first", linkPreview: true, streaming: "partial",
    actions: {reactions: true, sendMessage: true}, reactionNotifications: "own", mediaMaxMb: 5,
    retry: {attempts: 3, minDelayMs: 400, maxDelayMs: 30000, jitter: 0.1},
    network: {autoSelectFamily: false}, textChunkLimit: 4000, chunkMode: "newline",
    webhookUrl: "https://example.com/hook", webhookSecret: "s", webhookPath: "/hook",
    configWrites: false, timeoutSeconds: 60, apiRoot: "http://127.0.0.1:8081",
    defaultAccount: "work", accounts: {
      work: {botToken: "456:def", dmPolicy: "allowlist", name: "Work"},
      home: {tokenFile: "/run/secrets/telegram"}}})"),
            "");
}

TEST_F(TelegramConfig, RefusesWhatItDoesNotKnowAndSaysWhere) {
  EXPECT_THAT(wrong(R"({botTokn: "1:a"})"), HasSubstr("channels.telegram.botTokn"));
  EXPECT_THAT(wrong(R"({dmPolicy: "everyone"})"), HasSubstr("channels.telegram.dmPolicy"));
  EXPECT_THAT(wrong(R"({accounts: {work: {botTokn: "1:a"}}})"),
              HasSubstr("channels.telegram.accounts.work.botTokn"));
}

}  // namespace
}  // namespace openclaw::telegram_test
