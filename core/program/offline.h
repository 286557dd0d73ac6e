// Sandboxes without a running gateway: for commands that must work when it is down. Each call makes
// the rooms it needs, asks the engine through its backend plugin, and takes the rooms down again.
// Blocks.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "config/config.h"
#include "result.h"
#include "sandbox/sandbox_manager.h"

namespace openclaw::gateway {

struct Offline {
  config::Paths paths;
  config::Snapshot config;
  std::chrono::milliseconds limit{20000};
};

struct SandboxList {
  std::vector<sandbox::ContainerInfo> containers, browsers;
};
Result<SandboxList> list_sandboxes(const Offline& offline);

struct RecreateFilter {
  std::string session_key, agent_id;  // empty: all
  bool only_browsers = false;
  bool force = false;  // also while a command runs in it
};
// The names of the containers that were removed.
Result<std::vector<std::string>> recreate_sandboxes(const Offline& offline, RecreateFilter filter);

// What the backend of `view` says about this host.
Result<std::vector<sandbox::Finding>> probe_sandbox(const Offline& offline,
                                                    const sandbox::View& view);

// The names of those that were idle, too old or out of date.
std::vector<std::string> prune_sandboxes(const Offline& offline);

}  // namespace openclaw::gateway
