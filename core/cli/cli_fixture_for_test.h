// Runs the program's commands in this process, on a state directory of the test's own.
#pragma once

#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/cli.h"
#include "storage/temp_dir_for_test.h"

namespace openclaw::cli {

class Cli : public testing::Test {
 protected:
  struct Ran {
    int code = 0;
    std::string out, err;
    json::value value() const {
      boost::system::error_code failed;
      auto parsed = json::parse(out, failed);
      EXPECT_FALSE(failed) << out << err;
      return parsed;
    }
  };

  // A channel that exists nowhere else: the commands know only what a manifest says.
  static constexpr std::string_view kManifest = R"({
    "id":"parrot","name":"Parrot","version":"1.0.0","channels":["parrot"],
    "native":{"library":"libopenclaw-parrot.so","provides":["openclaw.channel/1"]},
    "channel":{"label":"Parrot","secrets":{"featherKey":{"fileKey":"featherFile","env":"PARROT_KEY","prompt":"Key"}},
      "webhook":{"urlKey":"perchUrl","secretKey":"perchSecret","secretHeader":"X-Perch","pathKey":"perchPath",
        "portKey":"perchPort","defaultPath":"/perch","defaultPort":8787}},
    "configSchema":{"type":"object"}})";

  void SetUp() override {
    for (const char* name : {"OPENCLAW_CONFIG_PATH", "OPENCLAW_GATEWAY_PORT", "OPENCLAW_GATEWAY_TOKEN",
                             "OPENCLAW_GATEWAY_BIND", "OPENCLAW_GATEWAY_URL", "PARROT_KEY", "OPENAI_API_KEY"}) {
      unsetenv(name);
    }
    setenv("HOME", dir_.path().c_str(), 1);
    setenv("OPENCLAW_STATE_DIR", state().c_str(), 1);
    setenv("OPENCLAW_BUNDLED_PLUGINS_DIR", (dir_.path() / "plugins").c_str(), 1);
    std::filesystem::create_directories(dir_.path() / "plugins" / "parrot");
    std::ofstream(dir_.path() / "plugins" / "parrot" / "openclaw.plugin.json") << kManifest;
  }

  Ran run_cli(const std::vector<std::string>& arguments) {
    std::vector<std::string> words{"openclaw"};
    words.insert(words.end(), arguments.begin(), arguments.end());
    std::vector<char*> pointers;
    for (auto& word : words) pointers.push_back(word.data());
    Ran ran;
    testing::internal::CaptureStdout();
    testing::internal::CaptureStderr();
    ran.code = run(static_cast<int>(pointers.size()), pointers.data());
    ran.out = testing::internal::GetCapturedStdout();
    ran.err = testing::internal::GetCapturedStderr();
    return ran;
  }

  std::filesystem::path state() const { return dir_.path() / "state"; }
  std::filesystem::path config() const { return state() / "openclaw.toml"; }
  void write_config(const std::string& text) const {
    std::filesystem::create_directories(state());
    std::ofstream(config()) << text;
  }
  static std::string read(const std::filesystem::path& file) {
    std::ostringstream out;
    out << std::ifstream(file).rdbuf();
    return out.str();
  }
  static int mode_of(const std::filesystem::path& file) {
    struct stat found {};
    return ::stat(file.c_str(), &found) == 0 ? static_cast<int>(found.st_mode & 0777) : -1;
  }

  storage::TempDir dir_;
};

}  // namespace openclaw::cli
