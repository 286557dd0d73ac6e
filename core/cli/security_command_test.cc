#include "cli/command_fixture_for_test.h"

namespace openclaw::cli {
namespace {

using ::testing::HasSubstr;
namespace fs = std::filesystem;

constexpr const char* kGoodToken = "0123456789abcdef0123456789abcdef0123456789a";

class SecurityCommand : public CommandTest {
 protected:
  Outcome audit(const std::string& toml, std::vector<std::string> more = {}) {
    config(toml);
    std::vector<std::string> words{"security", "audit", "--json"};
    words.insert(words.end(), more.begin(), more.end());
    return run(words);
  }
  json::value finding(const Outcome& outcome, std::string_view id) {
    return element(outcome.json, "/findings", "/checkId", id);
  }
};

TEST_F(SecurityCommand, ADefaultInstallationHasNothingCritical) {
  auto outcome = audit(std::string("[gateway.auth]\ntoken = \"") + kGoodToken + "\"\n");
  EXPECT_EQ(outcome.code, 0) << outcome.out;
  EXPECT_EQ(outcome.json.at("summary").at("critical"), 0);
  EXPECT_EQ(outcome.json.at("summary").at("warn"), 0);
}

TEST_F(SecurityCommand, AnOpenGatewayIsCritical) {
  auto outcome = audit("[gateway]\nbind = \"lan\"\n");
  EXPECT_EQ(outcome.code, 1);
  EXPECT_EQ(text_at(finding(outcome, "gateway.bind_no_auth"), "/severity"), "critical");
  EXPECT_THAT(text_at(finding(outcome, "gateway.bind_no_auth"), "/remediation"),
              HasSubstr("openclaw config set gateway.auth.token"));
}

TEST_F(SecurityCommand, WeakTokensAndInsecureSwitchesAreFound) {
  auto outcome = audit(
      "[gateway.auth]\ntoken = \"hunter2hunter2\"\n[gateway.controlUi]\nallowInsecureAuth = true\n");
  EXPECT_EQ(text_at(finding(outcome, "gateway.token_too_short"), "/severity"), "warn");
  EXPECT_THAT(text_at(finding(outcome, "gateway.control_ui.insecure_auth"), "/detail"),
              HasSubstr("openclaw.toml:4:21"));
  EXPECT_THAT(outcome.out, ::testing::Not(HasSubstr("hunter2")));
}

TEST_F(SecurityCommand, StrangersAtAnUnconfinedAgentAreCritical) {
  put_plugin(bundled, "chaos");
  auto outcome = audit("[channels.chaos]\ndmPolicy = \"open\"\nallowFrom = [\"*\"]\n");
  EXPECT_EQ(text_at(finding(outcome, "channels.dm_open"), "/severity"), "critical") << outcome.out;
  EXPECT_EQ(text_at(finding(outcome, "sandbox.off_with_open_dm"), "/severity"), "critical");
  EXPECT_THAT(text_at(finding(outcome, "channels.dm_open"), "/remediation"),
              HasSubstr("channels.chaos.dmPolicy pairing"));
  EXPECT_EQ(text_at(finding(outcome, "session.dm_scope_shared"), "/severity"), "warn");
}

TEST_F(SecurityCommand, BreakGlassKeysOfTheSandboxAreCritical) {
  auto outcome = audit(
      "[agents.defaults.sandbox]\nmode = \"all\"\n[agents.defaults.sandbox.docker]\n"
      "dangerouslyAllowExternalBindSources = true\nreadOnlyRoot = false\n");
  EXPECT_THAT(text_at(finding(outcome, "sandbox.break_glass"), "/detail"),
              HasSubstr("dangerouslyAllowExternalBindSources (openclaw.toml:4:"));
  EXPECT_EQ(text_at(finding(outcome, "sandbox.writable_root"), "/severity"), "warn");
}

TEST_F(SecurityCommand, FilesAndFoldersOpenToOthersAreFoundAndClosed) {
  std::string toml = std::string("[gateway.auth]\ntoken = \"") + kGoodToken + "\"\n";
  auto pairing = state / "credentials" / "x-pairing.json";
  write(pairing, "{}", 0644);
  fs::permissions(state / "credentials", fs::perms(0700));
  fs::create_directories(state / "plugins");
  fs::permissions(state / "plugins", fs::perms(0777));
  auto outcome = audit(toml);
  EXPECT_EQ(text_at(finding(outcome, "fs.readable_by_others"), "/severity"), "critical");
  EXPECT_EQ(text_at(finding(outcome, "plugins.folder_writable"), "/severity"), "critical");
  auto fixed = audit(toml, {"--fix"});
  EXPECT_TRUE(finding(fixed, "fs.readable_by_others").is_null());
  EXPECT_EQ(fs::status(pairing).permissions(), fs::perms(0600));
}

TEST_F(SecurityCommand, DeepSaysWhenThereIsNothingToProbe) {
  auto outcome = audit("[gateway]\nport = 9\n", {"--deep"});
  EXPECT_EQ(outcome.json.at("deep").at("gateway").at("reached"), false) << outcome.out;
  EXPECT_EQ(text_at(finding(outcome, "gateway.not_reached"), "/severity"), "info");
}

}  // namespace
}  // namespace openclaw::cli
