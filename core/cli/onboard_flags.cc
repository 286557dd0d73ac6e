// The flags of `openclaw onboard`: those of OpenClaw 2026.3.x, and --sandbox-mode, --model, --channel... of ours.
#include <CLI/CLI.hpp>

#include "cli/onboard.h"

namespace openclaw::cli {
namespace {

constexpr const char* kGateway = "Gateway";
constexpr const char* kModel = "Model";
constexpr const char* kChannel = "Channel";
constexpr const char* kOlder = "";  // in no group: accepted, not shown

void add_gateway(CLI::App& command, OnboardFlags& flags) {
  command.add_option("--gateway-port", flags.port, "Port")->check(CLI::Range(1, 65535))->group(kGateway);
  command.add_option("--gateway-bind", flags.bind, "Where to listen")
      ->check(CLI::IsMember({"loopback", "lan", "tailnet", "auto", "custom"}))->group(kGateway);
  command.add_option("--gateway-custom-bind-host", flags.custom_bind_host, "Address for --gateway-bind custom")
      ->group(kGateway);
  command.add_option("--gateway-auth", flags.auth, "How clients prove themselves")
      ->check(CLI::IsMember({"token", "password"}))->group(kGateway);
  command.add_option("--gateway-token", flags.token, "Token (default: the one there is, or a new one)")->group(kGateway);
  command.add_option("--gateway-token-ref-env", flags.token_env, "Variable that holds the token")->group(kGateway);
  command.add_option("--gateway-password", flags.password, "Password")->group(kGateway);
  command.add_option("--remote-url", flags.remote_url, "Address of the gateway for --mode remote")->group(kGateway);
  command.add_option("--remote-token", flags.remote_token, "Its token")->group(kGateway);
  command.add_option("--tailscale", flags.tailscale, "off")
      ->check(CLI::IsMember({"off", "serve", "funnel"}))->group(kGateway);
}

void add_model(CLI::App& command, OnboardFlags& flags) {
  command.add_option("--auth-choice", flags.auth_choice,
                     "Model access: <name>-api-key, custom-api-key, ollama, vllm, lmstudio, token or skip")
      ->group(kModel);
  for (const auto& name : key_flag_names()) {
    auto provider = provider_of_key_flag(name);
    command.add_option_function<std::string>("--" + name, [&flags, name](const std::string& key) {
             flags.keys[name] = key;
           }, "Key of " + provider)->group(provider.empty() ? kOlder : kModel);
  }
  command.add_option("--custom-base-url", flags.custom_url, "Address of another provider")->group(kModel);
  command.add_option("--custom-model-id", flags.custom_model, "Its model")->group(kModel);
  command.add_option("--custom-api-key", flags.custom_key, "Its key, when it needs one")->group(kModel);
  command.add_option("--custom-provider-id", flags.custom_id, "Its name here (default: from the address)")
      ->group(kModel);
  command.add_option("--custom-compatibility", flags.custom_api, "Its wire format")
      ->check(CLI::IsMember({"openai", "anthropic"}))->group(kModel);
  command.add_option("--model", flags.model, "Model to use, provider/model")->group(kModel);
  command.add_option("--secret-input-mode", flags.secret_input,
                     "plaintext: keys go to secrets.json (0600). ref: only the variable's name is kept")
      ->check(CLI::IsMember({"plaintext", "ref"}))->group(kModel);
  command.add_option("--token", flags.provider_token, "Token for --auth-choice token")->group(kModel);
  command.add_option("--token-provider", flags.token_provider, "Its provider (default: anthropic)")->group(kModel);
}

void add_channel(CLI::App& command, OnboardFlags& flags) {
  command.add_option("--channel", flags.channel, "Channel to set up, for example telegram")->group(kChannel);
  command.add_option("--channel-account", flags.channel_account, "Account id (default: default)")->group(kChannel);
  command.add_option("--channel-token", flags.channel_token, "Its token")->group(kChannel);
  command.add_option("--channel-token-file", flags.channel_token_file, "File that holds its token")->group(kChannel);
  command.add_flag("--skip-channels", flags.skip_channels, "No channel")->group(kChannel);
}

// What installs other programs there and has no counterpart here.
void add_older(CLI::App& command, OnboardFlags& flags) {
  static std::string text;
  static bool flag = false;
  for (const char* name : {"--skip-daemon", "--skip-search", "--skip-ui", "--no-install-daemon",
                           "--tailscale-reset-on-exit"}) {
    command.add_flag(name, flag)->group(kOlder);
  }
  for (const char* name : {"--node-manager", "--daemon-runtime", "--token-profile-id", "--token-expires-in",
                           "--cloudflare-ai-gateway-account-id", "--cloudflare-ai-gateway-gateway-id"}) {
    command.add_option(name, text)->group(kOlder);
  }
  command.add_flag("--install-daemon", flags.install_daemon)->group(kOlder);
  command.add_flag("--skip-skills", flags.skip_skills)->group(kOlder);
}

}  // namespace

void add_onboard_flags(CLI::App& command, OnboardFlags& flags) {
  command.add_flag("--non-interactive", flags.non_interactive, "Ask nothing; needs --accept-risk");
  command.add_flag("--accept-risk", flags.accept_risk, "An agent with tools acts on this machine: understood");
  command.add_option("--mode", flags.mode, "local: this machine runs the gateway. remote: another one does")
      ->check(CLI::IsMember({"local", "remote"}));
  command.add_option("--flow", flags.flow, "quickstart asks least")
      ->check(CLI::IsMember({"quickstart", "advanced", "manual"}));
  command.add_option("--workspace", flags.workspace, "Folder of the agent");
  command.add_option("--sandbox-mode", flags.sandbox_mode, "Which sessions run their tools in a container")
      ->check(CLI::IsMember({"off", "non-main", "all"}));
  command.add_option("--sandbox-backend", flags.sandbox_backend, "What makes the sandboxes; a plugin has it (openclaw plugins list)");
  command.add_flag("--skip-bootstrap", flags.skip_bootstrap, "Create no workspace files");
  command.add_flag("--skip-health", flags.skip_health, "Do not ask a running gateway how it does");
  command.add_flag("--reset", flags.reset, "Put the old configuration aside first");
  command.add_option("--reset-scope", flags.reset_scope, "What --reset puts aside")
      ->check(CLI::IsMember({"config", "config+creds+sessions", "full"}));
  add_gateway(command, flags);
  add_model(command, flags);
  add_channel(command, flags);
  add_older(command, flags);
}

}  // namespace openclaw::cli
