// The parts of `openclaw onboard`: flags or questions fill OnboardFlags; a plan turns them into changes of the
// configuration and secrets; onboard_command.cc carries it out.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "cli/channel_setup.h"
#include "cli/cli.h"
#include "config/config.h"
#include "config/edit.h"
#include "plugin/plugin_host.h"

namespace openclaw::cli {

struct OnboardFlags {
  bool non_interactive = false, accept_risk = false, skip_channels = false, skip_health = false, skip_skills = false;
  bool skip_bootstrap = false, install_daemon = false, reset = false;
  std::string mode, flow, reset_scope = "config+creds+sessions";
  std::string workspace, sandbox_mode, sandbox_backend;
  std::string bind, custom_bind_host, auth, token, token_env, password, tailscale;
  int port = 0;  // 0: not given
  std::string remote_url, remote_token;
  std::string auth_choice, secret_input = "plaintext";
  std::string provider_token, token_provider;                       // --auth-choice token
  std::map<std::string, std::string> keys;                          // "openai-api-key" -> key
  std::string custom_url, custom_model, custom_key, custom_id, custom_api = "openai";
  std::string model;                                                // provider/model, ours
  std::string channel, channel_account, channel_token, channel_token_file;
};

void add_onboard_flags(CLI::App& command, OnboardFlags& flags);

// What could run the sandboxes of this host.
struct BackendChoice {
  std::string name, description;
  std::string trouble;  // what keeps it from working and the command to type; empty: nothing
};
// Loads the plugins that have backends and asks them.
std::vector<BackendChoice> look_at_backends(const config::Paths& paths, const config::Config& config,
                                            const std::vector<plugin::PluginInfo>& plugins);

struct OnboardChoices {
  std::vector<ChannelKind> channels;
  std::vector<BackendChoice> backends;
};
// Asks for what the flags left open. kCancelled: nothing is to be done.
Result<void> ask_onboard_questions(const config::Config& config, const OnboardChoices& choices,
                                   OnboardFlags& flags);

// "openai-api-key" -> "openai". Empty: the flag is known from OpenClaw, its provider is not.
std::string provider_of_key_flag(std::string_view flag);
const std::vector<std::string>& key_flag_names();

struct OnboardPlan {
  std::string auth_choice = "skip";
  std::vector<config::Change> changes;  // only what differs from the configuration
  std::vector<std::pair<std::string, std::string>> secrets;  // name and value for the secret store
};
Result<OnboardPlan> plan_onboarding(const config::Config& config, const config::Paths& paths,
                                    const std::vector<ChannelKind>& kinds, const OnboardFlags& flags);

}  // namespace openclaw::cli
