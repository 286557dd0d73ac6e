#include <pty.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "channel/channel_service.h"
#include "cli/cli_fixture_for_test.h"

namespace openclaw::cli {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr const char* kKey = "squawk-7731-secret";

class ChannelsCommand : public Cli {
 protected:
  // Runs a command at a terminal of its own and types when the question is seen. Answers what the terminal showed.
  struct Seen {
    std::string shown;
    int code = -1;
    bool echo = false;  // the terminal is left with its echo on
  };
  Seen at_a_terminal(const std::vector<std::string>& command, const std::string& question, const std::string& typed) {
    Seen seen;
    int terminal = -1;
    pid_t child = forkpty(&terminal, nullptr, nullptr, nullptr);
    if (child == 0) {
      std::vector<std::string> words{"openclaw"};
      words.insert(words.end(), command.begin(), command.end());
      std::vector<char*> pointers;
      for (auto& word : words) pointers.push_back(word.data());
      int code = run(static_cast<int>(pointers.size()), pointers.data());
      std::fflush(nullptr);
      _exit(code);
    }
    bool answered = false;
    char buffer[1024];
    for (ssize_t got = 0; (got = ::read(terminal, buffer, sizeof buffer)) > 0;) {
      seen.shown.append(buffer, static_cast<std::size_t>(got));
      if (answered || seen.shown.find(question) == std::string::npos) continue;
      answered = true;
      EXPECT_EQ(::write(terminal, typed.data(), typed.size()), static_cast<ssize_t>(typed.size()));
    }
    int status = 0;
    EXPECT_EQ(waitpid(child, &status, 0), child);
    seen.code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    termios settings{};
    seen.echo = tcgetattr(terminal, &settings) == 0 && (settings.c_lflag & ECHO) != 0;
    close(terminal);
    return seen;
  }
};

TEST_F(ChannelsCommand, ATokenTypedAtTheTerminalIsNotShown) {
  auto seen = at_a_terminal({"channels", "add", "--channel", "parrot"}, "(not shown): ",
                            std::string("x\x7f") + kKey + "\n");
  EXPECT_EQ(seen.code, 0) << seen.shown;
  EXPECT_THAT(seen.shown, HasSubstr("Added"));
  EXPECT_THAT(seen.shown, Not(HasSubstr("squawk")));
  EXPECT_TRUE(seen.echo);
  EXPECT_THAT(read(config()), HasSubstr(std::string("featherKey = \"") + kKey + "\""));
}

TEST_F(ChannelsCommand, CtrlCAtTheQuestionWritesNothingAndLeavesTheTerminalUsable) {
  auto seen = at_a_terminal({"channels", "add", "--channel", "parrot"}, "(not shown): ", "abc\x03");
  EXPECT_EQ(seen.code, 1);
  EXPECT_TRUE(seen.echo);
  EXPECT_FALSE(std::filesystem::exists(config()));
}

TEST_F(ChannelsCommand, R131R133AddStoresTheTokenPrivatelyAndNeverShowsIt) {
  auto added = run_cli({"channels", "add", "--channel", "parrot", "--token", kKey});
  EXPECT_EQ(added.code, 0) << added.err;
  EXPECT_THAT(added.out + added.err, Not(HasSubstr(kKey)));
  EXPECT_THAT(read(config()), HasSubstr(std::string("featherKey = \"") + kKey + "\""));
  EXPECT_EQ(mode_of(config()), 0600);
  auto listed = run_cli({"channels", "list", "--json"});
  EXPECT_THAT(listed.out, Not(HasSubstr(kKey)));
  EXPECT_EQ(listed.value().at("chat").at("parrot"), json::value(json::array{"default"}));
  EXPECT_EQ(listed.value().at("accounts").at(0).at("tokenSource"), json::value("config"));
  EXPECT_THAT(run_cli({"channels", "list"}).out, HasSubstr("parrot"));
  EXPECT_THAT(run_cli({"config", "get", "channels"}).out, HasSubstr("parrot"));
}

TEST_F(ChannelsCommand, WebhookFlagsSetTheKeysThatTheManifestNamesAndMakeASecret) {
  const std::vector<std::string> add{"channels", "add", "--channel", "parrot", "--token", kKey};
  auto with = [&](std::vector<std::string> more) {
    more.insert(more.begin(), add.begin(), add.end());
    return run_cli(more);
  };
  auto added = with({"--webhook-url", "https://x.org/perch", "--webhook-port", "9000"});
  EXPECT_EQ(added.code, 0) << added.err;
  EXPECT_EQ(run_cli({"config", "get", "channels.parrot.perchUrl"}).out, "https://x.org/perch\n");
  EXPECT_EQ(run_cli({"config", "get", "channels.parrot.perchPort"}).out, "9000\n");
  auto written = read(config());
  EXPECT_THAT(written, HasSubstr("perchSecret = \""));
  // One that is there stays, and one that is given is taken.
  EXPECT_EQ(with({"--webhook-url", "https://x.org/perch"}).code, 0);
  EXPECT_EQ(read(config()), written);
  EXPECT_EQ(with({"--webhook-secret", "chosen-by-hand"}).code, 0);
  EXPECT_THAT(read(config()), HasSubstr("perchSecret = \"chosen-by-hand\""));
  EXPECT_THAT(with({"--webhook-host", "127.0.0.1"}).err, HasSubstr("Parrot has no use for --webhook-host"));
  EXPECT_THAT(with({"--webhook-port", "80x"}).err, HasSubstr("--webhook-port must be a number"));
}

TEST_F(ChannelsCommand, WhatAManifestDeclaresIsAFlagOfAddAndInItsHelp) {
  std::filesystem::create_directories(dir_.path() / "plugins" / "heron");
  std::ofstream(dir_.path() / "plugins" / "heron" / "openclaw.plugin.json") << R"({
    "id":"heron","name":"Heron","version":"1.0.0","channels":["heron"],
    "native":{"library":"libopenclaw-heron.so","provides":["openclaw.channel/1"]},
    "channel":{"label":"Heron","secrets":{"nestKey":{"prompt":"Key of the nest"},"signingSecret":{"prompt":"From its page"}}},
    "configSchema":{"type":"object"}})";
  auto help = run_cli({"channels", "add", "--help"});
  EXPECT_THAT(help.out, HasSubstr("--signing-secret"));
  EXPECT_THAT(help.out, HasSubstr("Heron: From its page"));
  const std::vector<std::string> add{"channels", "add", "--channel", "heron", "--token", kKey};
  auto with = [&](std::vector<std::string> more) {
    more.insert(more.begin(), add.begin(), add.end());
    return run_cli(more);
  };
  EXPECT_THAT(with({}).err, HasSubstr("--signing-secret <text>"));
  auto added = with({"--signing-secret", "s3"});
  EXPECT_EQ(added.code, 0) << added.err;
  EXPECT_THAT(added.out, HasSubstr("Added Heron"));
  EXPECT_EQ(run_cli({"config", "get", "channels.heron.enabled"}).out, "true\n");
  EXPECT_THAT(read(config()), HasSubstr("signingSecret = \"s3\""));
  EXPECT_THAT(with({"--nest-key", kKey, "--signing-secret", "s4"}).out, HasSubstr("Changed Heron"));
  auto other = run_cli({"channels", "add", "--channel", "parrot", "--token", kKey, "--signing-secret", "s3"});
  EXPECT_THAT(other.err, HasSubstr("Parrot has no use for --signing-secret"));
  auto unknown = with({"--singing-secret", "s3"});
  EXPECT_EQ(unknown.code, 2);
  EXPECT_THAT(unknown.err, HasSubstr("has no flag --singing-secret. Did you mean --signing-secret?"));
}

TEST_F(ChannelsCommand, NamedAccountsStandBesideTheDefault) {
  run_cli({"channels", "add", "--channel", "parrot", "--token", kKey});
  auto added = run_cli({"channels", "add", "--channel", "parrot", "--account", "Ops", "--name", "Operations", "--token",
                        "other-key"});
  EXPECT_EQ(added.code, 0) << added.err;
  EXPECT_EQ(run_cli({"config", "get", "channels.parrot.accounts.ops.name"}).out, "Operations\n");
  EXPECT_EQ(run_cli({"channels", "list", "--json"}).value().at("chat").at("parrot"), json::value(json::array{"default", "ops"}));
  // Switching the default off leaves the other one on.
  EXPECT_EQ(run_cli({"channels", "remove", "--channel", "parrot"}).code, 0);
  auto accounts = run_cli({"channels", "list", "--json"}).value().at("accounts");
  for (const auto& account : accounts.as_array()) {
    EXPECT_EQ(account.at("enabled").as_bool(), account.at("accountId") == "ops");
  }
  EXPECT_EQ(run_cli({"channels", "remove", "--channel", "parrot", "--account", "ops", "--delete"}).code, 0);
  EXPECT_THAT(read(config()), Not(HasSubstr("other-key")));
  EXPECT_EQ(run_cli({"channels", "remove", "--channel", "parrot", "--account", "ops"}).code, 1);
}

TEST_F(ChannelsCommand, DeletingTheOnlyAccountTakesItsSettingsOut) {
  run_cli({"channels", "add", "--channel", "parrot", "--token", kKey});
  EXPECT_EQ(run_cli({"channels", "remove", "--channel", "parrot", "--delete"}).code, 0);
  EXPECT_THAT(read(config()), Not(HasSubstr(kKey)));
  EXPECT_EQ(run_cli({"channels", "list", "--json"}).value().at("chat"), json::value(json::object()));
}

TEST_F(ChannelsCommand, ATokenFileOrTheEnvironmentReplacesTheStoredToken) {
  run_cli({"channels", "add", "--channel", "parrot", "--token", kKey});
  auto file = dir_.path() / "key.txt";
  std::ofstream(file) << "from-a-file\n";
  EXPECT_EQ(run_cli({"channels", "add", "--channel", "parrot", "--token-file", file.string()}).code, 0);
  EXPECT_THAT(read(config()), Not(HasSubstr(kKey)));
  EXPECT_EQ(run_cli({"config", "get", "channels.parrot.featherFile"}).out, file.string() + "\n");
  setenv("PARROT_KEY", "from-the-environment", 1);
  EXPECT_EQ(run_cli({"channels", "add", "--channel", "parrot", "--use-env"}).code, 0);
  auto account = run_cli({"channels", "list", "--json"}).value().at("accounts").at(0);
  EXPECT_EQ(account.at("tokenSource"), json::value("env"));
  EXPECT_THAT(read(config()), Not(HasSubstr("from-the-environment")));
}

TEST_F(ChannelsCommand, MistakesAreNamed) {
  EXPECT_THAT(run_cli({"channels", "add", "--channel", "icq", "--token", "x"}).err, HasSubstr("parrot"));
  EXPECT_THAT(run_cli({"channels", "add", "--channel", "parrot"}).err, HasSubstr("--token"));
  EXPECT_THAT(run_cli({"channels", "add", "--channel", "parrot", "--app-token", "x"}).err, HasSubstr("--app-token"));
  EXPECT_EQ(run_cli({"channels", "add", "--channel", "parrot", "--account", "../x", "--token", "k"}).code, 1);
  EXPECT_EQ(run_cli({"channels", "add", "--channel", "parrot", "--token-file", "/nowhere/key"}).code, 1);
  EXPECT_THAT(run_cli({"channels", "login", "--channel", "parrot"}).err, HasSubstr("channels add"));
  EXPECT_FALSE(std::filesystem::exists(config()));
}

TEST_F(ChannelsCommand, LogoutTakesTheTokenAndKeepsTheRest) {
  run_cli({"channels", "add", "--channel", "parrot", "--token", kKey, "--name", "Polly"});
  auto left = run_cli({"channels", "logout", "--channel", "parrot"});
  EXPECT_EQ(left.code, 0) << left.err;
  EXPECT_THAT(left.out, HasSubstr("channels add --channel parrot"));
  EXPECT_THAT(read(config()), Not(HasSubstr(kKey)));
  EXPECT_EQ(run_cli({"config", "get", "channels.parrot.name"}).out, "Polly\n");
  auto again = run_cli({"channels", "logout", "--channel", "parrot"});
  EXPECT_EQ(again.code, 1);
  EXPECT_THAT(again.err, HasSubstr("not logged in"));
  EXPECT_EQ(run_cli({"channels", "logout"}).code, 2);
  EXPECT_THAT(run_cli({"channels", "logout", "--channel", "icq"}).err, HasSubstr("parrot"));
}

TEST_F(ChannelsCommand, LogoutSwitchesOffWhatTheEnvironmentWouldBringBack) {
  setenv("PARROT_KEY", "from-the-environment", 1);
  auto left = run_cli({"channels", "logout", "--channel", "parrot", "--json"}).value();
  EXPECT_EQ(left.at("envToken"), json::value(true));
  EXPECT_EQ(left.at("environment"), json::value(json::array{"PARROT_KEY"}));
  EXPECT_EQ(left.at("cleared"), json::value(false));
  auto account = run_cli({"channels", "list", "--json"}).value().at("accounts").at(0);
  EXPECT_EQ(account.at("enabled"), json::value(false));
}

TEST_F(ChannelsCommand, CapabilitiesAreToldOfChannelsWithoutAccountsToo) {
  auto told = run_cli({"channels", "capabilities", "--json"}).value().at("channels").at(0);
  EXPECT_EQ(told.at("channel"), json::value("parrot"));
  EXPECT_EQ(told.at("support").at("streaming"), json::value(false));
  EXPECT_EQ(told.at("accounts"), json::value(json::array()));
  auto shown = run_cli({"channels", "capabilities", "--channel", "parrot"});
  EXPECT_EQ(shown.code, 0) << shown.err;
  EXPECT_THAT(shown.out, HasSubstr("channels add --channel parrot"));
  EXPECT_EQ(run_cli({"channels", "capabilities", "--account", "x"}).code, 2);
  EXPECT_EQ(run_cli({"channels", "capabilities", "--channel", "icq"}).code, 1);
  EXPECT_EQ(run_cli({"channels", "capabilities", "--channel", "parrot", "--account", "x"}).code, 1);
}

TEST_F(ChannelsCommand, LogsAreThoseOfChannels) {
  const auto entry = [](const std::string& text) {
    return R"({"0":"{\"subsystem\":\"gateway\"}","1":")" + text +
           R"(","_meta":{"logLevelName":"INFO"},"time":"2026-11-24T08:00:00.000Z"})" + "\n";
  };
  std::filesystem::create_directories(state() / "logs");
  std::ofstream(state() / "logs" / "openclaw-2026-11-24.log")
      << entry("channel parrot/default: online") << entry("listening") << entry("channel owl/default: online")
      << entry("parrot/default: squawk") << entry("parrotfish: no");
  auto lines = [&](std::vector<std::string> more) {
    std::vector<std::string> words{"channels", "logs", "--json"};
    words.insert(words.end(), more.begin(), more.end());
    std::vector<std::string> out;
    auto told = run_cli(words).value();
    for (const auto& line : told.at("lines").as_array()) out.emplace_back(line.at("1").as_string());
    return out;
  };
  EXPECT_THAT(lines({}), testing::ElementsAre("channel parrot/default: online", "channel owl/default: online",
                                              "parrot/default: squawk"));
  EXPECT_THAT(lines({"--channel", "parrot"}),
              testing::ElementsAre("channel parrot/default: online", "parrot/default: squawk"));
  EXPECT_THAT(lines({"--lines", "1"}), testing::ElementsAre("parrot/default: squawk"));
  EXPECT_THAT(run_cli({"channels", "logs"}).out, HasSubstr("INFO"));
  EXPECT_EQ(run_cli({"channels", "logs", "--lines", "0"}).code, 2);
  EXPECT_THAT(run_cli({"channels", "logs", "--channel", "icq"}).err, HasSubstr("parrot"));
}

TEST_F(ChannelsCommand, PairingApproveMovesTheSenderToTheAllowList) {
  channel::PairingStore store(state());
  auto code = store.request("parrot", "default", "4711", {{"firstName", "Ann"}}).value().code;
  auto listed = run_cli({"pairing", "list", "parrot", "--json"}).value();
  EXPECT_EQ(listed.at("channel"), json::value("parrot"));
  EXPECT_EQ(listed.at("requests").at(0).at("code"), json::value(code));
  EXPECT_EQ(listed.at("requests").at(0).at("id"), json::value("4711"));
  EXPECT_THAT(run_cli({"pairing", "list"}).out, HasSubstr(code));
  auto approved = run_cli({"pairing", "approve", "parrot", code});
  EXPECT_EQ(approved.code, 0) << approved.err;
  auto allowed = state() / "credentials" / "parrot-default-allowFrom.json";
  EXPECT_EQ(json::parse(read(allowed)), json::parse(R"({"version":1,"allowFrom":["4711"]})"));
  EXPECT_EQ(mode_of(allowed), 0600);
  EXPECT_EQ(run_cli({"pairing", "list", "parrot", "--json"}).value().at("requests"), json::value(json::array()));
  auto again = run_cli({"pairing", "approve", "parrot", code});
  EXPECT_EQ(again.code, 1);
  EXPECT_THAT(again.err, HasSubstr(code));
}

TEST_F(ChannelsCommand, ACodeAloneIsEnoughAndTheAccountCounts) {
  channel::PairingStore store(state());
  auto code = store.request("parrot", "ops", "12", {}).value().code;
  EXPECT_EQ(run_cli({"pairing", "approve", code, "--account", "default"}).code, 1);
  EXPECT_EQ(run_cli({"pairing", "approve", code, "--account", "ops"}).code, 0);
  EXPECT_TRUE(std::filesystem::exists(state() / "credentials" / "parrot-ops-allowFrom.json"));
}

}  // namespace
}  // namespace openclaw::cli
