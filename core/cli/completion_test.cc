#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <functional>

#include "cli/cli_fixture_for_test.h"

namespace openclaw::cli {
namespace {

using testing::HasSubstr;

class Completion : public Cli {};

// Every verb that --help lists, at every level.
void verbs_of(const std::function<std::string(std::vector<std::string>)>& help, std::vector<std::string> path,
              std::vector<std::vector<std::string>>& out) {
  std::istringstream lines(help(path));
  bool listed = false;
  for (std::string line; std::getline(lines, line);) {
    if (line == "Subcommands:") {
      listed = true;
    } else if (listed && line.starts_with("  ") && line.size() > 2 && line[2] != ' ') {
      auto verb = path;
      verb.push_back(line.substr(2, line.find(' ', 2) - 2));
      out.push_back(verb);
      verbs_of(help, verb, out);
    } else if (listed && !line.starts_with("  ")) {
      listed = false;
    }
  }
}

TEST_F(Completion, ScriptsMentionEveryVerbOfEveryLevel) {
  std::vector<std::vector<std::string>> verbs;
  verbs_of(
      [this](std::vector<std::string> path) {
        path.emplace_back("--help");
        auto ran = run_cli(path);
        EXPECT_EQ(ran.code, 0);
        return ran.out;
      },
      {}, verbs);
  EXPECT_GT(verbs.size(), 30U);
  for (const char* shell : {"bash", "zsh", "fish"}) {
    auto script = run_cli({"completion", "--shell", shell}).out;
    for (const auto& verb : verbs) {
      std::string path;
      for (const auto& word : verb) path += (path.empty() ? "" : " ") + word;
      EXPECT_THAT(script, HasSubstr("'" + path + "'")) << shell;
    }
  }
}

// What bash offers for a command line whose last word is being typed.
std::string offered(const std::filesystem::path& dir, const std::string& words, int typed) {
  auto driver = dir / "driver.bash", out = dir / "offered";
  std::ofstream(driver) << "source '" << (dir / "openclaw.bash").string() << "'\nCOMP_WORDS=(" << words
                        << ")\nCOMP_CWORD=" << typed << "\n_openclaw\necho \"${COMPREPLY[*]}\" > '" << out.string()
                        << "'\n";
  std::string program = "bash", file = driver.string();
  char* arguments[] = {program.data(), file.data(), nullptr};
  pid_t child = 0;
  int status = -1;
  EXPECT_EQ(posix_spawnp(&child, "bash", nullptr, nullptr, arguments, environ), 0);
  waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
  std::ostringstream text;
  text << std::ifstream(out).rdbuf();
  return text.str();
}

TEST_F(Completion, BashOffersVerbsFlagsAndChoicesOfTheCommandTyped) {
  std::ofstream(dir_.path() / "openclaw.bash") << run_cli({"completion", "-s", "bash"}).out;
  EXPECT_EQ(offered(dir_.path(), "openclaw conf", 1), "config\n");
  EXPECT_EQ(offered(dir_.path(), "openclaw config va", 2), "validate\n");
  EXPECT_THAT(offered(dir_.path(), "openclaw gateway run --", 3), HasSubstr("--allow-unconfigured"));
  EXPECT_EQ(offered(dir_.path(), "openclaw gateway run --bind lo", 4), "loopback\n");
  // The value of a flag is no verb, even when it looks like one.
  EXPECT_THAT(offered(dir_.path(), "openclaw channels add --channel list --to", 5), HasSubstr("--token-file"));
}

TEST_F(Completion, UnknownVerbsAreRefusedWithASuggestion) {
  auto verb = run_cli({"gatway", "run"});
  EXPECT_EQ(verb.code, kUsage);
  EXPECT_THAT(verb.err, HasSubstr("Did you mean gateway?"));
  auto inner = run_cli({"config", "gte", "x"});
  EXPECT_EQ(inner.code, kUsage);
  EXPECT_THAT(inner.err, HasSubstr("Did you mean get?"));
  auto flag = run_cli({"channels", "list", "--jsn"});
  EXPECT_EQ(flag.code, kUsage);
  EXPECT_THAT(flag.err, HasSubstr("--json"));
  EXPECT_EQ(run_cli({"config"}).code, kUsage);
  EXPECT_EQ(run_cli({"config", "get"}).code, kUsage);
}

}  // namespace
}  // namespace openclaw::cli
