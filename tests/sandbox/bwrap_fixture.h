// The fixture of the tests that run bubblewrap.
#pragma once

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "sandbox_fixture.h"

namespace openclaw::sandbox {

class Bwrap : public SandboxFixture {
 protected:
  void bwrap(json::object sandbox = {}, json::object docker = {}) {
    sandbox["backend"] = "bwrap";
    configure(json::serialize(sandbox), json::serialize(docker));
  }
  std::filesystem::path workspace() {
    std::filesystem::path folder = paths_.state_dir / "workspace";
    std::filesystem::create_directories(folder);
    return folder;
  }
  // Does any process of this machine have these words on its command line?
  static bool runs(const std::string& words) {
    for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
      std::ifstream in(entry.path() / "cmdline");
      std::string text((std::istreambuf_iterator<char>(in)), {});
      std::replace(text.begin(), text.end(), '\0', ' ');
      if (text.find(words) != std::string::npos) return true;
    }
    return false;
  }
  Ran perl(const std::string& program) {
    ExecRequest request;
    request.argv = {"perl", "-e", program};
    return exec(std::move(request), "agent:main:x", Limits::within(std::chrono::seconds(30)));
  }
};

}  // namespace openclaw::sandbox
