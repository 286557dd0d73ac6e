#include "cli/cli_fixture_for_test.h"

namespace openclaw::cli {
namespace {

using testing::HasSubstr;
using testing::Not;

class ConfigCommand : public Cli {};

TEST_F(ConfigCommand, SetGetAndUnsetKeepTheCommentsOfTheFile) {
  write_config("# mine\n[gateway]\nmode = \"local\" # here\nport = 18789\n");
  EXPECT_EQ(run_cli({"config", "set", "gateway.port", "19001"}).code, 0);
  EXPECT_EQ(run_cli({"config", "get", "gateway.port"}).out, "19001\n");
  EXPECT_EQ(run_cli({"config", "get", "gateway.mode"}).out, "local\n");
  EXPECT_EQ(run_cli({"config", "get", "gateway.mode", "--json"}).out, "\"local\"\n");
  EXPECT_EQ(run_cli({"config", "unset", "gateway.port"}).code, 0);
  EXPECT_EQ(read(config()), "# mine\n[gateway]\nmode = \"local\" # here\n");
  EXPECT_EQ(mode_of(config()), 0600);
}

TEST_F(ConfigCommand, R145R151R152EveryBindModeIsTakenAndReadBack) {
  for (const char* mode : {"lan", "loopback", "custom", "tailnet", "auto"}) {
    if (std::string_view(mode) == "custom") run_cli({"config", "set", "gateway.customBindHost", "10.0.0.5"});
    auto set = run_cli({"config", "set", "gateway.bind", mode});
    EXPECT_EQ(set.code, 0) << mode << set.err;
    EXPECT_EQ(run_cli({"config", "get", "gateway.bind"}).out, std::string(mode) + "\n");
  }
  EXPECT_EQ(run_cli({"config", "set", "gateway.mode", "local"}).code, 0);
  EXPECT_EQ(run_cli({"config", "get", "gateway.mode"}).out, "local\n");
}

TEST_F(ConfigCommand, AValueIsJson5WhereItCanBeAndTextOtherwise) {
  EXPECT_EQ(run_cli({"config", "set", "tools.deny", "['exec', 'write',]"}).code, 0);
  EXPECT_EQ(run_cli({"config", "get", "tools.deny", "--json"}).value(), json::value(json::array{"exec", "write"}));
  EXPECT_EQ(run_cli({"config", "set", "agents.defaults.userTimezone", "Europe/Berlin"}).code, 0);
  EXPECT_EQ(run_cli({"config", "get", "agents.defaults.userTimezone"}).out, "Europe/Berlin\n");
  // The shell has eaten the quotes of "4711".
  EXPECT_EQ(run_cli({"config", "set", "agents.defaults.userTimezone", "4711"}).code, 0);
  EXPECT_EQ(run_cli({"config", "get", "agents.defaults.userTimezone", "--json"}).out, "\"4711\"\n");
  for (const char* flag : {"--json", "--strict-json"}) {
    auto refused = run_cli({"config", "set", "agents.defaults.userTimezone", "Europe/Berlin", flag});
    EXPECT_EQ(refused.code, 1);
    EXPECT_THAT(refused.err, HasSubstr("not JSON5"));
  }
  // A value must not bring other keys with it.
  EXPECT_EQ(run_cli({"config", "set", "gateway.port", "1, gateway: 2", "--strict-json"}).code, 1);
}

TEST_F(ConfigCommand, AnInvalidSetSaysWhyAndChangesNothing) {
  write_config("[gateway]\nport = 18789\n");
  auto ran = run_cli({"config", "set", "gateway.port", "soon"});
  EXPECT_EQ(ran.code, kConfigError);
  EXPECT_THAT(ran.err, HasSubstr("gateway.port"));
  auto unknown = run_cli({"config", "set", "gateway.prot", "1"});
  EXPECT_NE(unknown.code, 0);
  EXPECT_THAT(unknown.err, HasSubstr("port"));
  EXPECT_EQ(read(config()), "[gateway]\nport = 18789\n");
}

TEST_F(ConfigCommand, SecretsAreHiddenInSectionsAndAlone) {
  write_config("[gateway.auth]\nmode = \"token\"\ntoken = \"hush-hush-hush-hush-hush\"\n");
  for (const char* key : {"gateway", "gateway.auth", "gateway.auth.token"}) {
    auto ran = run_cli({"config", "get", key});
    EXPECT_EQ(ran.code, 0);
    EXPECT_THAT(ran.out, HasSubstr("__OPENCLAW_REDACTED__"));
    EXPECT_THAT(ran.out + ran.err, Not(HasSubstr("hush")));
  }
}

TEST_F(ConfigCommand, WhatIsNotThereIsAnErrorThatHelps) {
  auto unset = run_cli({"config", "get", "gateway.port"});
  EXPECT_EQ(unset.code, 1);
  EXPECT_THAT(unset.err, HasSubstr("18789"));
  EXPECT_THAT(run_cli({"config", "get", "gateway.prot"}).err, HasSubstr("did you mean gateway.port?"));
  EXPECT_EQ(run_cli({"config", "unset", "gateway.port"}).code, 1);
  EXPECT_EQ(run_cli({"config", "validate"}).code, 1);
}

TEST_F(ConfigCommand, AVariableDoesNotHideWhatWasSet) {
  setenv("OPENCLAW_GATEWAY_PORT", "20000", 1);
  auto set = run_cli({"config", "set", "gateway.port", "19001"});
  EXPECT_THAT(set.err, HasSubstr("OPENCLAW_GATEWAY_PORT"));
  EXPECT_EQ(run_cli({"config", "get", "gateway.port"}).out, "19001\n");
}

TEST_F(ConfigCommand, ValidateListsFileLineAndColumn) {
  write_config("[gateway]\nmode = \"local\"\nprot = 1\n");
  auto text = run_cli({"config", "validate"});
  EXPECT_EQ(text.code, kConfigError);
  EXPECT_THAT(text.err, HasSubstr("openclaw.toml:3:"));
  auto answer = run_cli({"config", "validate", "--json"});
  EXPECT_EQ(answer.code, kConfigError);
  const auto value = answer.value();
  EXPECT_EQ(value.at("valid"), json::value(false));
  EXPECT_EQ(value.at("issues").at(0).at("line"), json::value(3));
  write_config("[gateway]\nmode = \"local\"\n");
  EXPECT_EQ(run_cli({"config", "validate", "--json"}).value().at("valid"), json::value(true));
}

TEST_F(ConfigCommand, EveryCommandThatReadsABrokenFileSaysWhereAndEndsWith78) {
  write_config("[gateway]\nport = = 1\n");
  const std::vector<std::vector<std::string>> commands{
      {"config", "get", "gateway.port"}, {"config", "set", "gateway.port", "1"},
      {"config", "unset", "gateway.port"}, {"config", "validate"},
      {"channels", "list"}, {"channels", "add", "--channel", "parrot", "--token", "k"},
      {"channels", "remove", "--channel", "parrot"}, {"channels", "status"},
      {"onboard", "--non-interactive", "--accept-risk"}, {"health"}, {"status"}, {"gateway", "probe"},
      {"devices", "list"}, {"dashboard", "--no-open"}, {"agent", "-m", "x"}};
  for (const auto& command : commands) {
    auto ran = run_cli(command);
    EXPECT_EQ(ran.code, kConfigError) << command[0] << " " << command.back() << ": " << ran.out << ran.err;
    EXPECT_THAT(ran.err, HasSubstr("openclaw.toml:2:")) << command[0];
  }
}

TEST_F(ConfigCommand, FilePrintsThePath) {
  EXPECT_EQ(run_cli({"config", "file"}).out, config().string() + "\n");
}

}  // namespace
}  // namespace openclaw::cli
