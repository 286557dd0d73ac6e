// What `doctor` looks at, without a gateway: each check says what is wrong and what to type.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "config/config.h"
#include "plugin/plugin_host.h"
#include "result.h"
#include "sandbox/sandbox_manager.h"

namespace openclaw::cli {

struct Check {
  enum class Status { kOk, kInfo, kWarn, kFail };
  std::string id, title;
  Status status = Status::kOk;
  std::string detail;
  std::string fix;                       // command to type
  std::function<Result<void>()> repair;  // what --fix does; empty when a person has to decide
  bool fixed = false;
};
std::string_view status_name(Check::Status status);

void check_config_file(const config::Paths& paths, const Result<config::Snapshot>& config,
                       std::vector<Check>& out);
void check_mode(const config::Paths& paths, const config::Config& config, std::vector<Check>& out);
void check_disk(const config::Paths& paths, std::vector<Check>& out);
void check_plugins(const std::vector<plugin::PluginInfo>& plugins, std::vector<Check>& out);
// Asks the backend of `view` what it finds on this host.
using SandboxProbe =
    std::function<Result<std::vector<sandbox::Finding>>(const sandbox::View& view)>;
void check_sandbox(const config::Paths& paths, const config::Config& config,
                   const std::vector<plugin::PluginInfo>& plugins, const SandboxProbe& probe,
                   std::vector<Check>& out);
// Without asking a gateway which models it has.
void check_model(const config::Config& config, std::vector<Check>& out);
// Nobody holds the state directory: is the port free for a gateway?
void check_port(const config::Config& config, std::vector<Check>& out);

}  // namespace openclaw::cli
