// From flags to changes. Pure but for the environment variables that --secret-input-mode ref names.
#include <algorithm>
#include <array>
#include <cctype>
#include <cstdlib>

#include "agent/known_providers.h"
#include "cli/onboard.h"
#include "config/key_path.h"
#include "identity/device_identity.h"

namespace openclaw::cli {
namespace {

namespace fs = std::filesystem;

struct KeyFlag {
  const char *flag, *provider;  // provider "": OpenClaw has it, we have no address for it
};
constexpr std::array<KeyFlag, 28> kKeyFlags{{{"anthropic-api-key", "anthropic"},
                                             {"openai-api-key", "openai"},
                                             {"openrouter-api-key", "openrouter"},
                                             {"gemini-api-key", "google"},
                                             {"groq-api-key", "groq"},
                                             {"mistral-api-key", "mistral"},
                                             {"deepseek-api-key", "deepseek"},
                                             {"xai-api-key", "xai"},
                                             {"moonshot-api-key", "moonshot"},
                                             {"zai-api-key", "zai"},
                                             {"together-api-key", "together"},
                                             {"venice-api-key", "venice"},
                                             {"minimax-api-key", "minimax"},
                                             {"xiaomi-api-key", "xiaomi"},
                                             {"qianfan-api-key", "qianfan"},
                                             {"ai-gateway-api-key", ""},
                                             {"byteplus-api-key", ""},
                                             {"cloudflare-ai-gateway-api-key", ""},
                                             {"huggingface-api-key", ""},
                                             {"kilocode-api-key", ""},
                                             {"kimi-code-api-key", ""},
                                             {"litellm-api-key", ""},
                                             {"modelstudio-api-key", ""},
                                             {"modelstudio-api-key-cn", ""},
                                             {"opencode-go-api-key", ""},
                                             {"opencode-zen-api-key", ""},
                                             {"synthetic-api-key", ""},
                                             {"volcengine-api-key", ""}}};

struct LocalServer {
  const char *choice, *url;
};
constexpr std::array<LocalServer, 4> kLocalServers{{{"ollama", "http://127.0.0.1:11434/v1"},
                                                    {"vllm", "http://127.0.0.1:8000/v1"},
                                                    {"sglang", "http://127.0.0.1:30000/v1"},
                                                    {"lmstudio", "http://127.0.0.1:1234/v1"}}};

Error bad_flags(std::string message) { return Error(Code::kInvalidArgument, std::move(message)); }

// Collects changes, leaving out those that change nothing.
class Changes {
 public:
  explicit Changes(const config::Config& config) : config_(config) {}
  template <class Value>
  void set(const std::string& path, Value&& plain) {
    json::value value(std::forward<Value>(plain));
    const auto* now = config_.find(path);
    if (now != nullptr && *now == value) return;
    list_.push_back({path, std::move(value)});
  }
  template <class Value>
  void set_if_absent(const std::string& path, Value&& value) {
    if (config_.find(path) == nullptr) set(path, std::forward<Value>(value));
  }
  void remove(const std::string& path) {
    if (config_.find(path) != nullptr) list_.push_back({path, nullptr});
  }
  void take(const std::vector<config::Change>& changes) {
    for (const auto& change : changes) {
      change.value.is_null() ? remove(change.path) : set(change.path, change.value);
    }
  }
  std::vector<config::Change>& list() { return list_; }

 private:
  const config::Config& config_;
  std::vector<config::Change> list_;
};

// --- gateway ---

Result<void> plan_remote(const OnboardFlags& flags, Changes& changes) {
  if (!flags.remote_url.starts_with("ws://") && !flags.remote_url.starts_with("wss://")) {
    return bad_flags("--mode remote needs --remote-url ws://... or wss://...");
  }
  changes.set("gateway.mode", "remote");
  changes.set("gateway.remote.url", flags.remote_url);
  if (!flags.remote_token.empty()) changes.set("gateway.remote.token", flags.remote_token);
  return {};
}

Result<void> plan_auth(const config::Config& config, const OnboardFlags& flags, Changes& changes) {
  std::string mode = !flags.auth.empty() ? flags.auth : config.get_string("gateway.auth.mode");
  if (mode.empty()) mode = !flags.password.empty() || config.find("gateway.auth.password") ? "password" : "token";
  if (mode == "none" || mode == "trusted-proxy") return {};  // somebody decided so; not this command
  changes.set("gateway.auth.mode", mode);
  if (mode == "password") {
    if (flags.password.empty() && !config.find("gateway.auth.password")) {
      return bad_flags("--gateway-auth password needs --gateway-password");
    }
    if (!flags.password.empty()) changes.set("gateway.auth.password", flags.password);
    return {};
  }
  if (!flags.token_env.empty()) {
    if (!flags.token.empty()) return bad_flags("--gateway-token and --gateway-token-ref-env exclude each other");
    const char* value = std::getenv(flags.token_env.c_str());  // NOLINT(concurrency-mt-unsafe)
    if (value == nullptr || *value == '\0') {
      return bad_flags("The variable " + flags.token_env + " of --gateway-token-ref-env is not set");
    }
    // Compared by the text it stands for, for that is what the configuration shows.
    if (config.get_string("gateway.auth.token") != value) {
      changes.set("gateway.auth.token",
                  json::object{{"source", "env"}, {"provider", "default"}, {"id", flags.token_env}});
    }
  } else if (!flags.token.empty()) {
    changes.set("gateway.auth.token", flags.token);
  } else if (config.find("gateway.auth.token") == nullptr) {
    const char* given = std::getenv("OPENCLAW_GATEWAY_TOKEN");  // NOLINT(concurrency-mt-unsafe)
    changes.set("gateway.auth.token", given && *given ? std::string(given) : identity::random_token(32));
  }
  return {};
}

Result<void> plan_gateway(const config::Config& config, const OnboardFlags& flags, Changes& changes) {
  if (!flags.tailscale.empty() && flags.tailscale != "off") {
    return bad_flags("--tailscale " + flags.tailscale + " is not offered; run `tailscale serve` beside the gateway, and "
                 "bind with --gateway-bind loopback");
  }
  changes.set("gateway.mode", "local");
  if (!flags.bind.empty()) {
    changes.set("gateway.bind", flags.bind);
  } else {
    changes.set_if_absent("gateway.bind", "loopback");
  }
  if (!flags.custom_bind_host.empty()) changes.set("gateway.customBindHost", flags.custom_bind_host);
  if (flags.port != 0) {
    changes.set("gateway.port", flags.port);
  } else {
    changes.set_if_absent("gateway.port", 18789);
  }
  return plan_auth(config, flags, changes);
}

// --- model ---

struct ModelPlan {
  std::string provider, key, key_variable, url, api, model;
  bool known = false;
};

std::string derived_id(std::string_view url) {
  auto scheme = url.find("://");
  auto host = url.substr(scheme == std::string_view::npos ? 0 : scheme + 3);
  std::string id = "custom";
  bool gap = true;
  for (char c : host.substr(0, host.find('/'))) {
    if (std::isalnum(static_cast<unsigned char>(c)) == 0) {
      gap = true;
      continue;
    }
    if (gap) id += '-';
    gap = false;
    id += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  return id;
}

Result<ModelPlan> custom_model(const OnboardFlags& flags, std::string url, std::string id) {
  if (!url.starts_with("http://") && !url.starts_with("https://")) {
    return bad_flags("--custom-base-url must be an http:// or https:// address, for example http://127.0.0.1:8080/v1");
  }
  if (flags.custom_model.empty()) return bad_flags("--custom-model-id is missing: which model does " + url + " serve?");
  while (url.ends_with('/')) url.pop_back();
  ModelPlan plan;
  plan.provider = !flags.custom_id.empty() ? flags.custom_id : !id.empty() ? std::move(id) : derived_id(url);
  if (plan.provider.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.") !=
      std::string::npos) {
    return bad_flags("--custom-provider-id has letters, digits, '-', '_' and '.' only");
  }
  plan.url = std::move(url);
  plan.api = flags.custom_api == "anthropic" ? "anthropic-messages" : "openai-completions";
  plan.model = flags.custom_model;
  plan.key = flags.custom_key;
  return plan;
}

Result<ModelPlan> known_model(const std::string& id, const std::string& key, const OnboardFlags& flags) {
  const auto* facts = agent::known_provider(id);
  if (facts == nullptr) return bad_flags("There is no built-in provider \"" + id + "\"");
  ModelPlan plan;
  plan.provider = id;
  plan.known = true;
  plan.model = facts->model;
  plan.key = key;
  const char* given = std::getenv(facts->variable);  // NOLINT(concurrency-mt-unsafe)
  bool in_environment = given != nullptr && *given != '\0';
  if (flags.secret_input == "ref") {
    if (!in_environment) return bad_flags("--secret-input-mode ref needs the variable " + std::string(facts->variable));
    plan.key.clear();
    plan.key_variable = facts->variable;
  } else if (key.empty() && in_environment) {
    plan.key = given;
  }
  return plan;
}

Error no_address(const std::string& what) {
  return bad_flags(what + " has no built-in address here. Give it: --auth-choice custom-api-key --custom-base-url <url> "
                      "--custom-model-id <model> --custom-api-key <key>");
}

// The choice that the flags imply when --auth-choice is not given.
std::string implied_choice(const OnboardFlags& flags) {
  for (const auto& known : kKeyFlags) {
    if (flags.keys.contains(known.flag)) return known.flag;
  }
  return flags.custom_url.empty() ? "skip" : "custom-api-key";
}

Result<ModelPlan> chosen_model(const std::string& choice, const OnboardFlags& flags) {
  if (choice == "custom-api-key") return custom_model(flags, flags.custom_url, {});
  for (const auto& server : kLocalServers) {
    if (choice != server.choice) continue;
    return custom_model(flags, flags.custom_url.empty() ? server.url : flags.custom_url, server.choice);
  }
  if (choice == "token" || choice == "setup-token") {
    if (flags.provider_token.empty()) return bad_flags("--auth-choice " + choice + " needs --token");
    return known_model(flags.token_provider.empty() ? "anthropic" : flags.token_provider, flags.provider_token, flags);
  }
  std::string flag = choice == "apiKey"               ? "anthropic-api-key"
                     : choice == "minimax-global-api" ? "minimax-api-key"
                     : choice == "zai-global"         ? "zai-api-key"
                                                      : choice;
  for (const auto& known : kKeyFlags) {
    if (flag != known.flag) continue;
    if (*known.provider == '\0') return no_address("--" + flag);
    auto given = flags.keys.find(flag);
    return known_model(known.provider, given == flags.keys.end() ? std::string() : given->second, flags);
  }
  return no_address("--auth-choice " + choice);
}

void plan_primary(const config::Config& config, const std::string& ref, Changes& changes) {
  const auto* model = config.find("agents.defaults.model");
  changes.set(model && model->is_string() ? "agents.defaults.model" : "agents.defaults.model.primary", ref);
  // A catalogue limits the choice to its entries.
  const auto* catalogue = config.find("agents.defaults.models");
  if (catalogue && catalogue->is_object() && !catalogue->get_object().empty()) {
    changes.set_if_absent(config::join_key("agents.defaults.models", ref), json::object());
  }
}

void plan_provider(const config::Config& config, const ModelPlan& model, Changes& changes, OnboardPlan& out) {
  auto section = config::join_key("models.providers", model.provider);
  if (!model.known) {
    changes.set(section + ".baseUrl", model.url);
    changes.set(section + ".api", model.api);
    const auto* listed = config.find(section + ".models");
    json::array models = listed && listed->is_array() ? listed->get_array() : json::array();
    bool there = std::any_of(models.begin(), models.end(), [&](const json::value& entry) {
      const auto* id = entry.is_object() ? entry.get_object().if_contains("id") : nullptr;
      return id && *id == json::value(model.model);
    });
    if (!there) models.emplace_back(json::object{{"id", model.model}});
    changes.set(section + ".models", std::move(models));
  }
  if (!model.key_variable.empty()) {
    const char* value = std::getenv(model.key_variable.c_str());  // NOLINT(concurrency-mt-unsafe)
    if (value == nullptr || config.get_string(section + ".apiKey") != value) {
      changes.set(section + ".apiKey",
                  json::object{{"source", "env"}, {"provider", "default"}, {"id", model.key_variable}});
    }
  } else if (!model.key.empty()) {
    // The key itself is no part of the configuration: it may be shown and sent around.
    std::string name = "model." + model.provider + ".apiKey";
    changes.set(section + ".apiKey", json::object{{"$secret", name}});
    out.secrets.emplace_back(name, model.key);
  }
}

Result<void> plan_model(const config::Config& config, const OnboardFlags& flags, Changes& changes, OnboardPlan& out) {
  out.auth_choice = flags.auth_choice.empty() ? implied_choice(flags) : flags.auth_choice;
  if (out.auth_choice != "skip") {
    auto model = chosen_model(out.auth_choice, flags);
    if (model.has_error()) return model.error();
    bool has_key = !model->key.empty() || !model->key_variable.empty() ||
                   config.find(config::join_key("models.providers", model->provider) + ".apiKey");
    if (model->known && !has_key) {
      return bad_flags("--auth-choice " + out.auth_choice + " needs a key: give the flag of that name, or set " +
                   agent::known_provider(model->provider)->variable);
    }
    plan_provider(config, *model, changes, out);
    if (flags.model.empty()) plan_primary(config, model->provider + "/" + model->model, changes);
  }
  if (!flags.model.empty()) {
    if (flags.model.find('/') == std::string::npos) return bad_flags("--model is written provider/model");
    plan_primary(config, flags.model, changes);
  }
  return {};
}

// --- the rest ---

fs::path absolute_path(const std::string& text, const config::Paths& paths) {
  if (text == "~") return paths.home;
  if (text.starts_with("~/")) return paths.home / text.substr(2);
  return fs::absolute(text).lexically_normal();
}

Result<void> plan_channel(const config::Config& config, const std::vector<ChannelKind>& kinds,
                          const OnboardFlags& flags, Changes& changes) {
  if (flags.channel.empty()) {
    return flags.channel_token.empty() && flags.channel_token_file.empty()
               ? Result<void>()
               : Result<void>(bad_flags("--channel-token belongs to --channel <name>"));
  }
  auto kind = find_kind(kinds, flags.channel);
  if (kind.has_error()) return kind.error();
  AccountSetup setup;
  auto account = account_id(flags.channel_account);
  if (account.has_error()) return account.error();
  setup.account = *account;
  if (!flags.channel_token.empty()) {
    if (kind->traits.secrets.empty()) return bad_flags(kind->traits.label + " takes no token");
    setup.secrets.emplace_back(kind->traits.secrets.front().key, flags.channel_token);
  }
  if (!flags.channel_token_file.empty()) setup.secret_file = fs::absolute(flags.channel_token_file).string();
  auto planned = setup_changes(config, *kind, setup);
  if (planned.has_error()) return planned.error();
  changes.take(*planned);
  return {};
}

}  // namespace

std::string provider_of_key_flag(std::string_view flag) {
  auto found = std::find_if(kKeyFlags.begin(), kKeyFlags.end(), [&](const auto& known) { return known.flag == flag; });
  return found == kKeyFlags.end() ? "" : found->provider;
}

const std::vector<std::string>& key_flag_names() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> out;
    for (const auto& known : kKeyFlags) out.emplace_back(known.flag);
    return out;
  }();
  return names;
}

Result<OnboardPlan> plan_onboarding(const config::Config& config, const config::Paths& paths,
                                    const std::vector<ChannelKind>& kinds, const OnboardFlags& flags) {
  OnboardPlan out;
  Changes changes(config);
  if (flags.mode == "remote") {
    auto planned = plan_remote(flags, changes);
    if (planned.has_error()) return planned.error();
    out.changes = std::move(changes.list());
    return out;
  }
  if (auto planned = plan_gateway(config, flags, changes); planned.has_error()) return planned.error();
  if (!flags.workspace.empty()) {
    changes.set("agents.defaults.workspace", absolute_path(flags.workspace, paths).string());
  }
  if (!flags.sandbox_mode.empty()) changes.set("agents.defaults.sandbox.mode", flags.sandbox_mode);
  if (!flags.sandbox_backend.empty()) changes.set("agents.defaults.sandbox.backend", flags.sandbox_backend);
  // People who write to the agent directly do not read each other's conversation.
  changes.set_if_absent("session.dmScope", "per-channel-peer");
  if (auto planned = plan_model(config, flags, changes, out); planned.has_error()) return planned.error();
  if (!flags.skip_channels) {
    if (auto planned = plan_channel(config, kinds, flags, changes); planned.has_error()) return planned.error();
  }
  out.changes = std::move(changes.list());
  return out;
}

}  // namespace openclaw::cli
