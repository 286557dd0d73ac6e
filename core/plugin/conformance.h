// `openclaw plugins check FILE`: whether a plugin keeps the rules of the ABI when it is treated
// badly.
#pragma once

#include <filesystem>

#include "result.h"

namespace openclaw::plugin {

struct ConformanceOptions {
  json::object config;  // for create; keys that the schema requires and this lacks are made up
};

// Loads the plugin into this process and runs the suite, with host services that are all absent.
// {"plugin","ok", "checks":[{"name","ok","detail"}]}. Makes its own loop; blocks.
json::value run_conformance(const std::filesystem::path& file, ConformanceOptions options = {});

// The same in a child process, so that a crash or a hang is a failed check. Forks: call it while
// this process has one thread. Fails only when there is no such file or no child can be made.
Result<json::value> check_conformance(const std::filesystem::path& file,
                                      ConformanceOptions options = {});

}  // namespace openclaw::plugin
