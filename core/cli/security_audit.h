// What `security audit` looks at: the configuration and the files, by the rules of SECURITY.md. Runs
// nothing and connects to nothing.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "config/config.h"
#include "plugin/plugin_host.h"
#include "result.h"

namespace openclaw::cli {

enum class Severity { kCritical, kWarn, kInfo };
std::string_view severity_name(Severity severity);

struct Finding {
  std::string check_id;
  Severity severity = Severity::kInfo;
  std::string title, detail;
  std::string remediation;                // what to type
  std::function<Result<void>()> repair;  // what --fix does; empty when a person has to decide
};

struct AuditInput {
  const config::Paths& paths;
  const config::Config& config;
  std::vector<plugin::PluginInfo> plugins;
  std::vector<std::filesystem::path> plugin_folders;
};

void audit_gateway(const AuditInput& input, std::vector<Finding>& out);
void audit_channels(const AuditInput& input, std::vector<Finding>& out);
void audit_sandbox(const AuditInput& input, std::vector<Finding>& out);
void audit_tools(const AuditInput& input, std::vector<Finding>& out);
void audit_files(const AuditInput& input, std::vector<Finding>& out);

}  // namespace openclaw::cli
