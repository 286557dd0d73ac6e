#include "cli/cli_fixture_for_test.h"

namespace openclaw::cli {
namespace {

using testing::HasSubstr;
using testing::Not;

class OnboardCommand : public Cli {
 protected:
  Ran onboard(std::vector<std::string> more) {
    std::vector<std::string> words{"onboard", "--non-interactive", "--accept-risk", "--json"};
    words.insert(words.end(), more.begin(), more.end());
    return run_cli(words);
  }
};

TEST_F(OnboardCommand, R143FromNothingToConfigWorkspaceAndSessions) {
  auto ran = onboard({"--sandbox-mode", "non-main", "--gateway-port", "18811", "--openai-api-key", "sk-quiet-1"});
  ASSERT_EQ(ran.code, 0) << ran.out << ran.err;
  EXPECT_THAT(ran.out + ran.err, Not(HasSubstr("sk-quiet-1")));
  EXPECT_THAT(read(config()), Not(HasSubstr("sk-quiet-1")));
  EXPECT_THAT(read(state() / "secrets.json"), HasSubstr("sk-quiet-1"));
  EXPECT_EQ(mode_of(state() / "secrets.json"), 0600);
  EXPECT_EQ(mode_of(config()), 0600);
  EXPECT_EQ(mode_of(state()), 0700);
  EXPECT_EQ(run_cli({"config", "get", "gateway.mode"}).out, "local\n");
  EXPECT_EQ(run_cli({"config", "get", "gateway.port"}).out, "18811\n");
  EXPECT_EQ(run_cli({"config", "get", "agents.defaults.sandbox.mode"}).out, "non-main\n");
  EXPECT_THAT(run_cli({"config", "get", "agents.defaults.model.primary"}).out, HasSubstr("openai/"));
  EXPECT_EQ(run_cli({"config", "validate"}).code, 0);
  for (const char* name : {"AGENTS.md", "SOUL.md", "TOOLS.md", "IDENTITY.md", "USER.md", "HEARTBEAT.md",
                           "BOOTSTRAP.md"}) {
    EXPECT_TRUE(std::filesystem::exists(state() / "workspace" / name)) << name;
  }
  EXPECT_TRUE(std::filesystem::is_directory(state() / "agents" / "main" / "sessions"));
}

TEST_F(OnboardCommand, ASecondRunChangesNothingAndBringsNothingBack) {
  const std::vector<std::string> flags{"--auth-choice",     "custom-api-key", "--custom-base-url",
                                       "http://127.0.0.1:9/v1", "--custom-model-id", "m1", "--custom-api-key", "k-1"};
  ASSERT_EQ(onboard(flags).code, 0);
  auto before = read(config());
  EXPECT_THAT(before, HasSubstr("custom-127-0-0-1-9"));
  std::filesystem::remove(state() / "workspace" / "BOOTSTRAP.md");
  std::ofstream(state() / "workspace" / "SOUL.md") << "mine\n";
  for (const auto& again : {flags, std::vector<std::string>{}}) {
    auto ran = onboard(again);
    ASSERT_EQ(ran.code, 0) << ran.out << ran.err;
    EXPECT_EQ(ran.value().at("changed"), json::value(false));
    EXPECT_EQ(read(config()), before);
  }
  EXPECT_EQ(read(state() / "workspace" / "SOUL.md"), "mine\n");
  EXPECT_FALSE(std::filesystem::exists(state() / "workspace" / "BOOTSTRAP.md"));
}

TEST_F(OnboardCommand, WhatIsThereStays) {
  write_config("# mine\n[gateway]\nbind = \"lan\"\nport = 19999\n[gateway.auth]\ntoken = \"0123456789abcdef0123456789abcdef\"\n");
  ASSERT_EQ(onboard({}).code, 0);
  auto text = read(config());
  for (const char* kept : {"# mine", "bind = \"lan\"", "port = 19999", "0123456789abcdef0123456789abcdef"}) {
    EXPECT_THAT(text, HasSubstr(kept));
  }
}

TEST_F(OnboardCommand, FlagsOfOpenClawAreTaken) {
  auto ran = onboard({"--flow", "quickstart", "--mode", "local", "--skip-channels", "--skip-skills", "--skip-daemon",
                      "--skip-ui", "--skip-health", "--skip-search", "--no-install-daemon", "--node-manager", "npm",
                      "--tailscale", "off", "--gateway-bind", "loopback", "--gateway-auth", "token", "--auth-choice",
                      "skip", "--secret-input-mode", "plaintext"});
  ASSERT_EQ(ran.code, 0) << ran.out << ran.err;
  EXPECT_EQ(ran.value().at("gateway").at("authMode"), json::value("token"));
}

TEST_F(OnboardCommand, AReferenceKeepsTheKeyOutOfEveryFile) {
  setenv("OPENAI_API_KEY", "sk-in-the-environment", 1);
  ASSERT_EQ(onboard({"--auth-choice", "openai-api-key", "--secret-input-mode", "ref"}).code, 0);
  EXPECT_THAT(read(config()), HasSubstr("OPENAI_API_KEY"));
  EXPECT_THAT(read(config()), Not(HasSubstr("sk-in-the-environment")));
  EXPECT_FALSE(std::filesystem::exists(state() / "secrets.json"));
}

TEST_F(OnboardCommand, AChannelCanBeSetUpOnTheWay) {
  ASSERT_EQ(onboard({"--channel", "parrot", "--channel-token", "squawk-1"}).code, 0);
  EXPECT_EQ(run_cli({"channels", "list", "--json"}).value().at("chat").at("parrot"), json::value(json::array{"default"}));
}

TEST_F(OnboardCommand, ResetPutsTheOldConfigurationAside) {
  write_config("[gateway]\nport = = broken\n");
  ASSERT_EQ(onboard({"--reset", "--reset-scope", "config"}).code, 0);
  EXPECT_EQ(run_cli({"config", "validate"}).code, 0);
  int kept = 0;
  for (const auto& entry : std::filesystem::directory_iterator(state())) {
    kept += entry.path().filename().string().find(".reset.") != std::string::npos ? 1 : 0;
  }
  EXPECT_EQ(kept, 1);
}

TEST_F(OnboardCommand, MistakesWriteNothing) {
  EXPECT_EQ(run_cli({"onboard", "--non-interactive"}).code, kUsage);
  EXPECT_EQ(onboard({"--mode", "remote"}).code, kUsage);
  EXPECT_EQ(onboard({"--auth-choice", "openai-api-key"}).code, kUsage);
  EXPECT_EQ(onboard({"--auth-choice", "custom-api-key", "--custom-base-url", "ftp://x"}).code, kUsage);
  EXPECT_EQ(onboard({"--gateway-bind", "everywhere"}).code, kUsage);
  EXPECT_FALSE(std::filesystem::exists(config()));
}

}  // namespace
}  // namespace openclaw::cli
