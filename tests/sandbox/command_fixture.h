// A sandbox fixture in which the command line can be used as people use it.
#pragma once

#include <cstdlib>

#include "cli/cli.h"
#include "sandbox_fixture.h"

namespace openclaw::sandbox {

class CommandFixture : public SandboxFixture {
 protected:
  CommandFixture() {
    setenv("OPENCLAW_STATE_DIR", paths_.state_dir.c_str(), 1);
    setenv("OPENCLAW_BUNDLED_PLUGINS_DIR", OPENCLAW_BUNDLED_PLUGINS, 1);
    setenv("HOME", paths_.home.c_str(), 1);
  }
  // What `openclaw WORDS... --json` prints.
  json::value openclaw(std::vector<std::string> words) {
    words.insert(words.begin(), "openclaw");
    words.emplace_back("--json");
    std::vector<char*> argv;
    for (auto& word : words) argv.push_back(word.data());
    ::testing::internal::CaptureStdout();
    code_ = cli::run(static_cast<int>(argv.size()), argv.data());
    std::fflush(stdout);
    auto text = ::testing::internal::GetCapturedStdout();
    boost::system::error_code failed;
    auto value = json::parse(text, failed);
    EXPECT_FALSE(failed) << text;
    return failed ? json::value() : value;
  }

  int code_ = -1;  // of the last command
};

}  // namespace openclaw::sandbox
