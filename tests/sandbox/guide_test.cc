// docs/sandboxing.md says what is so: its example works, and what users look for is in it. Needs no
// engine.
#include <cstdlib>
#include <fstream>
#include <iterator>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/cli.h"
#include "json_pointer.h"
#include "storage/temp_dir_for_test.h"

namespace openclaw::sandbox {
namespace {

using ::testing::HasSubstr;

std::string guide() {
  std::ifstream in(OPENCLAW_SOURCE_DIR "/docs/sandboxing.md");
  return {std::istreambuf_iterator<char>(in), {}};
}

class Guide : public ::testing::Test {
 protected:
  Guide() {
    setenv("OPENCLAW_STATE_DIR", temp_.path().c_str(), 1);
    setenv("OPENCLAW_BUNDLED_PLUGINS_DIR", OPENCLAW_BUNDLED_PLUGINS, 1);
    setenv("HOME", temp_.path().c_str(), 1);
  }
  void write(const char* name, const std::string& text) {
    auto file = temp_.path() / name;
    std::ofstream(file) << text;
    std::filesystem::permissions(
        file, std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
  }
  int openclaw(std::vector<std::string> words) {
    words.insert(words.begin(), "openclaw");
    std::vector<char*> argv;
    for (auto& word : words) argv.push_back(word.data());
    ::testing::internal::CaptureStdout();
    int code = cli::run(static_cast<int>(argv.size()), argv.data());
    std::fflush(stdout);
    printed_ = ::testing::internal::GetCapturedStdout();
    return code;
  }
  bool allowed(const std::string& agent, const std::string& tool) {
    EXPECT_EQ(openclaw({"sandbox", "explain", "--agent", agent, "--tool", tool, "--json"}), 0)
        << printed_;
    boost::system::error_code failed;
    auto value = json::parse(printed_, failed);
    const auto* answer = failed ? nullptr : find_at(value, "/tool/allowed");
    return answer && *answer == json::value(true);
  }

  storage::TempDir temp_;
  std::string printed_;
};

TEST_F(Guide, R199TheThreeProfilesWorkTogether) {
  auto text = guide();
  auto begin = text.find("```toml\n"), end = text.find("```", begin + 8);
  ASSERT_NE(begin, std::string::npos);
  write("openclaw.toml", text.substr(begin + 8, end - begin - 8));
  struct Row {
    const char* tool;
    bool home, reader, talker;
  };
  for (const Row& row : {Row{"exec", true, false, false}, Row{"process", true, false, false},
                         Row{"read", true, true, false}, Row{"write", true, false, false},
                         Row{"edit", true, false, false}, Row{"session_status", true, true, true},
                         Row{"sessions_list", true, true, true}}) {
    EXPECT_EQ(allowed("home", row.tool), row.home) << row.tool;
    EXPECT_EQ(allowed("reader", row.tool), row.reader) << row.tool;
    EXPECT_EQ(allowed("talker", row.tool), row.talker) << row.tool;
  }
}

TEST_F(Guide, R200R223R251R252R253SaysWhatUsersLookFor) {
  auto text = guide();
  for (const char* part :
       {"not around the gateway", "Who wins", "Tools that need the host", "breaks the isolation",
        "scripts/sandbox-setup.sh", "comes back at the next use", "docker.env.PATH", "docker.user",
        "overrides"}) {
    EXPECT_THAT(text, HasSubstr(part));
  }
  std::ifstream in(OPENCLAW_SOURCE_DIR "/README.md");
  std::string readme{std::istreambuf_iterator<char>(in), {}};
  EXPECT_THAT(readme, HasSubstr("docs/sandboxing.md"));
}

// Every option that sandboxes have, as JSON5 with comments and trailing commas.
TEST_F(Guide, R172AFullJson5SectionIsTakenAsItIs) {
  write("openclaw.json", R"({
    // where tools run
    agents: {
      defaults: {
        sandbox: {
          mode: "non-main", scope: "agent", workspaceAccess: "none", workspaceRoot: "~/.openclaw/sandboxes",
          docker: {
            image: "openclaw-sandbox:bookworm-slim", workdir: "/workspace", readOnlyRoot: true,
            tmpfs: ["/tmp", "/var/tmp", "/run"], network: "none", user: "1000:1000", capDrop: ["ALL"],
            env: { LANG: "C.UTF-8" }, pidsLimit: 256, memory: "1g", memorySwap: "2g", cpus: 1,
            ulimits: { nofile: { soft: 1024, hard: 2048 }, nproc: 256, },
            seccompProfile: "/path/to/seccomp.json", apparmorProfile: "openclaw-sandbox",
            dns: ["1.1.1.1", "8.8.8.8"], extraHosts: ["internal.service:10.0.0.5"],
          },
          browser: { enabled: false, image: "openclaw-sandbox-browser:bookworm-slim", cdpPort: 9222, vncPort: 5900, noVncPort: 6080, },
          prune: { idleHours: 24, maxAgeDays: 7, }, /* 0 switches a rule off */
        },
      },
    },
    tools: { sandbox: { tools: {
      allow: ["exec", "process", "read", "write", "edit", "sessions_list", "sessions_history", "sessions_send", "sessions_spawn", "session_status"],
      deny: ["browser", "canvas", "nodes", "cron", "discord", "gateway"],
    } } },
  })");
  EXPECT_EQ(openclaw({"config", "validate"}), 0) << printed_;
}

}  // namespace
}  // namespace openclaw::sandbox
