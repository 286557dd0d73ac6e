// The questions of `openclaw onboard`. They only fill in flags: everything that can be answered here can be
// given on the command line.
#include <algorithm>
#include <cstdlib>

#include "agent/known_providers.h"
#include "cli/onboard.h"
#include "cli/prompt.h"
#include "sandbox/settings.h"

namespace openclaw::cli {
namespace {

bool set_in_environment(const char* name) {
  const char* value = std::getenv(name);  // NOLINT(concurrency-mt-unsafe)
  return value != nullptr && *value != '\0';
}

Result<void> accept_risk(Prompt& prompt, OnboardFlags& flags) {
  if (flags.accept_risk) return {};
  auto yes = prompt.confirm(
      "An agent runs commands and reads and writes files, on request of whoever may talk to it. Sandboxing and\n"
      "the tool policy limit that; read SECURITY.md. Go on?",
      false);
  if (yes.has_error()) return yes.error();
  if (!*yes) return Error(Code::kCancelled, "Cancelled; nothing was written.");
  flags.accept_risk = true;
  return {};
}

Result<void> ask_gateway(Prompt& prompt, const config::Config& config, OnboardFlags& flags) {
  if (flags.flow.empty() || flags.flow == "quickstart") return {};
  if (flags.port == 0) {
    auto port = prompt.text("Gateway port", std::to_string(config.get_int("gateway.port", 18789)));
    if (port.has_error()) return port.error();
    flags.port = std::atoi(port->c_str());
    if (flags.port < 1 || flags.port > 65535) return Error(Code::kInvalidArgument, "A port is 1 to 65535");
  }
  if (!flags.bind.empty()) return {};
  auto bind = prompt.choose("Who may reach the gateway?",
                            {{"loopback", "loopback: programs on this machine"},
                             {"lan", "lan: every network this machine is on"},
                             {"tailnet", "tailnet: the Tailscale network"},
                             {"auto", "auto: loopback, else lan"}},
                            config.get_string("gateway.bind", "loopback"));
  if (bind.has_error()) return bind.error();
  flags.bind = *bind;
  return {};
}

Result<void> ask_custom(Prompt& prompt, OnboardFlags& flags, const std::string& otherwise) {
  auto url = prompt.text("Address of the server", otherwise);
  if (url.has_error()) return url.error();
  flags.custom_url = *url;
  auto model = prompt.text("Name of the model there");
  if (model.has_error()) return model.error();
  flags.custom_model = *model;
  if (flags.auth_choice != "custom-api-key") return {};
  auto key = prompt.secret("API key, empty for none");
  if (key.has_error()) return key.error();
  flags.custom_key = *key;
  return {};
}

Result<void> ask_key(Prompt& prompt, OnboardFlags& flags) {
  const auto* facts = agent::known_provider(provider_of_key_flag(flags.auth_choice));
  if (facts == nullptr || flags.keys.contains(flags.auth_choice)) return {};
  if (set_in_environment(facts->variable)) {
    auto use = prompt.confirm(std::string(facts->variable) + " is set. Use it?", true);
    if (use.has_error()) return use.error();
    if (*use) return {};
  }
  auto key = prompt.secret(std::string(facts->label) + " API key");
  if (key.has_error()) return key.error();
  if (key->empty()) return Error(Code::kInvalidArgument, "The key is empty; nothing was written.");
  flags.keys[flags.auth_choice] = *key;
  return {};
}

Result<void> ask_model(Prompt& prompt, const config::Config& config, OnboardFlags& flags) {
  if (flags.auth_choice.empty() && flags.keys.empty() && flags.custom_url.empty()) {
    std::vector<Prompt::Choice> choices;
    std::string first = "skip";
    for (const auto& flag : key_flag_names()) {
      const auto* facts = agent::known_provider(provider_of_key_flag(flag));
      if (facts == nullptr) continue;
      bool ready = set_in_environment(facts->variable);
      choices.push_back({flag, std::string(facts->label) + (ready ? " (" + std::string(facts->variable) + " is set)"
                                                                  : "")});
      if (ready && first == "skip") first = flag;
    }
    choices.push_back({"ollama", "Ollama on this machine"});
    choices.push_back({"custom-api-key", "Another server that speaks OpenAI's or Anthropic's format"});
    choices.push_back({"skip", config.find("models.providers") ? "Leave as it is" : "Later"});
    auto choice = prompt.choose("Which model does the agent think with?", choices, first);
    if (choice.has_error()) return choice.error();
    flags.auth_choice = *choice;
  }
  if (flags.auth_choice == "custom-api-key" && flags.custom_url.empty()) return ask_custom(prompt, flags, "");
  if (flags.auth_choice == "ollama" && flags.custom_model.empty()) {
    return ask_custom(prompt, flags, "http://127.0.0.1:11434/v1");
  }
  return ask_key(prompt, flags);
}

// Only when the usual backend does not work here: whoever has it is asked nothing.
Result<void> ask_backend(Prompt& prompt, const config::Config& config,
                         const std::vector<BackendChoice>& backends, OnboardFlags& flags) {
  if (!flags.sandbox_backend.empty() || config.find("agents.defaults.sandbox.backend")) return {};
  std::string usual = sandbox::Settings::merge(config.root(), "").text("backend"), first;
  std::vector<Prompt::Choice> choices;
  for (const auto& backend : backends) {
    bool works = backend.trouble.empty();
    if (works && backend.name == usual) return {};
    if (works && first.empty()) first = backend.name;
    choices.push_back(
        {backend.name, backend.name + ": " +
                           (works ? backend.description : "does not work yet, " + backend.trouble)});
  }
  if (choices.size() < 2) return {};
  auto choice = prompt.choose("What shall make the sandboxes?", choices, first.empty() ? usual : first);
  if (choice.has_error()) return choice.error();
  flags.sandbox_backend = *choice;
  return {};
}

Result<void> ask_sandbox(Prompt& prompt, const config::Config& config,
                         const std::vector<BackendChoice>& backends, OnboardFlags& flags) {
  if (flags.sandbox_mode.empty()) {
    bool any = std::any_of(backends.begin(), backends.end(),
                           [](const auto& backend) { return backend.trouble.empty(); });
    std::string now = config.get_string("agents.defaults.sandbox.mode");
    auto mode = prompt.choose(
        std::string("Where do the agent's tools run?") + (any ? "" : " (no sandbox works here yet)"),
        {{"off", "off: on this machine, as you"},
         {"non-main", "non-main: in a sandbox, but for your own main session"},
         {"all", "all: always in a sandbox"}},
        !now.empty() ? now
        : any        ? "non-main"
                     : "off");
    if (mode.has_error()) return mode.error();
    flags.sandbox_mode = *mode;
  }
  return flags.sandbox_mode == "off" ? Result<void>() : ask_backend(prompt, config, backends, flags);
}

Result<void> ask_channel(Prompt& prompt, const config::Config& config, const std::vector<ChannelKind>& kinds,
                         OnboardFlags& flags) {
  if (flags.skip_channels || !flags.channel.empty()) return {};
  std::vector<Prompt::Choice> choices;
  for (const auto& kind : kinds) {
    if (kind.traits.secrets.size() != 1) continue;  // several secrets: openclaw channels add asks for each
    bool there = config.find("channels.\"" + kind.id + "\"") != nullptr;
    choices.push_back({kind.id, kind.traits.label + (there ? " (is set up; set up again)" : "")});
  }
  if (choices.empty()) return {};
  choices.push_back({"skip", "None now"});
  auto choice = prompt.choose("Through which chat do you want to reach the agent?", choices, "skip");
  if (choice.has_error()) return choice.error();
  if (*choice == "skip") return {};
  auto kind = find_kind(kinds, *choice);
  if (kind.has_error()) return kind.error();
  auto token = prompt.secret(kind->traits.label + ", " + kind->traits.secrets.front().prompt);
  if (token.has_error()) return token.error();
  if (token->empty()) return Error(Code::kInvalidArgument, "The token is empty; nothing was written.");
  flags.channel = *choice;
  flags.channel_token = *token;
  return {};
}

}  // namespace

Result<void> ask_onboard_questions(const config::Config& config, const OnboardChoices& choices,
                                   OnboardFlags& flags) {
  Prompt prompt;
  if (auto done = accept_risk(prompt, flags); done.has_error()) return done;
  if (flags.mode.empty()) flags.mode = "local";
  if (flags.mode == "remote") {
    if (!flags.remote_url.empty()) return {};
    auto url = prompt.text("Address of the gateway (ws:// or wss://)", config.get_string("gateway.remote.url"));
    if (url.has_error()) return url.error();
    flags.remote_url = *url;
    auto token = prompt.secret("Its token, empty to keep");
    if (token.has_error()) return token.error();
    flags.remote_token = *token;
    return {};
  }
  if (auto done = ask_gateway(prompt, config, flags); done.has_error()) return done;
  if (auto done = ask_model(prompt, config, flags); done.has_error()) return done;
  if (auto done = ask_sandbox(prompt, config, choices.backends, flags); done.has_error()) return done;
  return ask_channel(prompt, config, choices.channels, flags);
}

}  // namespace openclaw::cli
