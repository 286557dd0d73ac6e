// Runs commands of the real command line on a state directory of their own, and catches what they
// print.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/cli.h"
#include "json_pointer.h"
#include "storage/temp_dir_for_test.h"

namespace openclaw::cli {

class CommandTest : public ::testing::Test {
 protected:
  CommandTest() {
    for (const char* name : {"OPENCLAW_CONFIG_PATH", "OPENCLAW_GATEWAY_PORT", "OPENCLAW_GATEWAY_TOKEN",
                             "OPENCLAW_GATEWAY_PASSWORD", "OPENCLAW_GATEWAY_BIND", "OPENCLAW_GATEWAY_URL",
                             "OPENCLAW_ALLOW_INSECURE_PRIVATE_WS"}) {
      unsetenv(name);
    }
    state = temp_.path() / "state";
    bundled = temp_.path() / "bundled";
    for (const auto& folder : {state, bundled}) {
      std::filesystem::create_directories(folder);
      std::filesystem::permissions(folder, std::filesystem::perms::owner_all);
    }
    setenv("OPENCLAW_STATE_DIR", state.c_str(), 1);
    setenv("OPENCLAW_BUNDLED_PLUGINS_DIR", bundled.c_str(), 1);
    setenv("HOME", temp_.path().c_str(), 1);
  }

  void write(const std::filesystem::path& file, const std::string& text, unsigned mode = 0600) {
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file) << text;
    std::filesystem::permissions(file, std::filesystem::perms(mode));
  }
  void config(const std::string& toml) { write(state / "openclaw.toml", toml); }

  // A copy of a test plugin, with modes that the trust checks accept.
  std::filesystem::path put_plugin(const std::filesystem::path& root, const std::string& name) {
    auto from = std::filesystem::path(OPENCLAW_TEST_PLUGINS) / name, to = root / name;
    std::filesystem::create_directories(to);
    std::filesystem::permissions(to, std::filesystem::perms(0755));
    for (const std::string& file : {"libopenclaw-" + name + ".so", std::string("openclaw.plugin.json")}) {
      std::filesystem::copy_file(from / file, to / file);
      std::filesystem::permissions(to / file, std::filesystem::perms(0644));
    }
    return to;
  }

  struct Outcome {
    int code = -1;
    std::string out, err;
    json::value json;  // null when `out` is none
  };
  Outcome run(std::vector<std::string> words) {
    words.insert(words.begin(), "openclaw");
    std::vector<char*> argv;
    for (auto& word : words) argv.push_back(word.data());
    ::testing::internal::CaptureStdout();
    ::testing::internal::CaptureStderr();
    Outcome outcome;
    outcome.code = cli::run(static_cast<int>(argv.size()), argv.data());
    std::fflush(stdout);
    outcome.out = ::testing::internal::GetCapturedStdout();
    outcome.err = ::testing::internal::GetCapturedStderr();
    boost::system::error_code failed;
    outcome.json = json::parse(outcome.out, failed);
    if (failed) outcome.json = nullptr;
    return outcome;
  }

  // The element of an array whose member has this text; null when there is none.
  static json::value element(const json::value& whole, std::string_view list, std::string_view member,
                             std::string_view text) {
    const auto* array = find_at(whole, list);
    if (!array || !array->is_array()) return nullptr;
    for (const auto& item : array->get_array()) {
      if (text_at(item, member) == text) return item;
    }
    return nullptr;
  }

  storage::TempDir temp_;
  std::filesystem::path state, bundled;
};

}  // namespace openclaw::cli
