// Setting up channel accounts without naming a platform: which channels there are, and which keys an account
// is written to, follows from the plugins' manifests ("channel.secrets" in openclaw.plugin.json).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "channel/account_plan.h"
#include "cli/cli.h"
#include "config/config.h"
#include "config/edit.h"
#include "plugin/plugin_host.h"

namespace openclaw::cli {

struct InstalledPlugins {
  std::vector<plugin::PluginInfo> plugins;
  std::vector<config::ForeignSection> sections;
};
InstalledPlugins installed_plugins(const Context& context);

struct ChannelKind {
  std::string id;
  channel::ChannelTraits traits;
  std::string trouble;  // why its plugin will not load, with the command to type
};
std::vector<ChannelKind> channel_kinds(const std::vector<plugin::PluginInfo>& plugins);
// kNotFound names the channels there are.
Result<ChannelKind> find_kind(const std::vector<ChannelKind>& kinds, std::string_view id);

// The accounts that the configuration and this process's environment give.
std::vector<channel::AccountPlan> accounts_in_use(const config::Config& config, const InstalledPlugins& installed);

// Not empty, of bounded length, without blanks.
bool is_plain_secret(std::string_view text);

std::optional<std::string> environment_variable(const std::string& name);

// Lower case; letters, digits, '-' and '_'. Empty means "default".
Result<std::string> account_id(std::string_view written);

struct AccountSetup {
  std::string account = "default", name;
  std::vector<std::pair<std::string, std::string>> secrets;  // key -> text
  std::string secret_file;                                   // for the first secret that may come from a file
  bool from_environment = false;                             // takes stored secrets away
  std::vector<std::pair<std::string, json::value>> settings; // other keys of the account
};
Result<std::vector<config::Change>> setup_changes(const config::Config& config, const ChannelKind& kind,
                                                  const AccountSetup& setup);
// Switches the account off, or takes it out. kNotFound when there is none.
Result<std::vector<config::Change>> removal_changes(const config::Config& config, const ChannelKind& kind,
                                                    const std::string& account, bool forget);

}  // namespace openclaw::cli
