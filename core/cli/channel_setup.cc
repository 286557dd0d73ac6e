#include "cli/channel_setup.h"

#include <algorithm>
#include <cctype>
#include <cstdlib>

#include "config/key_path.h"
#include "identity/device_identity.h"
#include "installation/installation.h"

namespace openclaw::cli {
namespace {

std::string section_of(const config::Config& config, const std::string& channel, const std::string& account) {
  auto base = config::join_key("channels", channel);
  auto own = config::join_key(base + ".accounts", account);
  return account != "default" || config.find(own) ? own : base;
}

bool has_accounts(const config::Config& config, const std::string& channel) {
  const auto* accounts = config.find(config::join_key("channels", channel) + ".accounts");
  return accounts && accounts->is_object() && !accounts->get_object().empty();
}

// A webhook needs a secret; who gives none gets a random one.
void add_webhook_secret(const config::Config& config, const ChannelKind& kind, const std::string& section,
                        std::vector<config::Change>& changes) {
  const auto& keys = kind.traits.webhook;
  auto changed = [&](const std::string& key) {
    return std::any_of(changes.begin(), changes.end(),
                       [&](const auto& change) { return change.path == config::join_key(section, key); });
  };
  auto base = config::join_key(config::join_key("channels", kind.id), keys.secret_key);
  if (keys.url_key.empty() || !changed(keys.url_key) || changed(keys.secret_key)) return;
  if (config.find(config::join_key(section, keys.secret_key)) || config.find(base)) return;
  changes.push_back({config::join_key(section, keys.secret_key), json::value(identity::random_token(32))});
}

Error no_account(const std::string& channel, const std::string& account) {
  return Error(Code::kNotFound,
               "There is no account \"" + account + "\" of " + channel + ". See: openclaw channels list");
}

}  // namespace

InstalledPlugins installed_plugins(const Context& context) {
  Runtime runtime;
  auto services = plugin::HostServices::create(runtime, context.paths().state_dir);
  auto quick = context.quick_config();
  auto host = plugin::PluginHost::create(
      runtime, installation::host_options(context.paths(), quick ? quick->get() : nullptr), *services);
  host->scan();
  return {host->list(), host->foreign_sections()};
}

std::vector<ChannelKind> channel_kinds(const std::vector<plugin::PluginInfo>& plugins) {
  std::vector<ChannelKind> out;
  for (const auto& info : plugins) {
    for (const auto& id : info.manifest.channels) {
      if (std::any_of(out.begin(), out.end(), [&](const ChannelKind& kind) { return kind.id == id; })) continue;
      out.push_back({id, channel::channel_traits(info.manifest, id), info.usable ? "" : info.reason});
    }
  }
  std::sort(out.begin(), out.end(), [](const auto& a, const auto& b) { return a.id < b.id; });
  return out;
}

Result<ChannelKind> find_kind(const std::vector<ChannelKind>& kinds, std::string_view id) {
  std::string there;
  for (const auto& kind : kinds) {
    if (kind.id == id) return kind;
    there += (there.empty() ? "" : ", ") + kind.id;
  }
  return Error(Code::kNotFound, "No plugin serves the channel \"" + std::string(id) + "\"; " +
                                    (there.empty() ? "no channel plugin is installed" : "there is: " + there) +
                                    ". See: openclaw plugins list");
}

std::vector<channel::AccountPlan> accounts_in_use(const config::Config& config, const InstalledPlugins& installed) {
  auto plans = channel::plan_accounts(config, installed.plugins, environment_variable);
  // A channel that nothing was said about is no account.
  std::erase_if(plans, [&](const channel::AccountPlan& plan) {
    return !plan.configured && config.find(config::join_key("channels", plan.channel)) == nullptr;
  });
  return plans;
}

bool is_plain_secret(std::string_view text) {
  return !text.empty() && text.size() <= 4096 &&
         std::all_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) > ' '; });
}

std::optional<std::string> environment_variable(const std::string& name) {
  const char* value = std::getenv(name.c_str());  // NOLINT(concurrency-mt-unsafe)
  return value ? std::optional<std::string>(value) : std::nullopt;
}

Result<std::string> account_id(std::string_view written) {
  std::string id;
  for (char c : written) id += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  if (id.empty()) return std::string("default");
  bool plain = id.size() <= 64 && std::isalnum(static_cast<unsigned char>(id.front())) != 0 &&
               id.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-_") == std::string::npos;
  if (plain) return id;
  return Error(Code::kInvalidArgument,
               "An account id has up to 64 letters, digits, '-' and '_'; a name for people goes to --name");
}

Result<std::vector<config::Change>> setup_changes(const config::Config& config, const ChannelKind& kind,
                                                  const AccountSetup& setup) {
  auto base = config::join_key("channels", kind.id);
  auto section = section_of(config, kind.id, setup.account);
  std::vector<config::Change> changes{{section + ".enabled", true}};
  if (section != base && !config.get_bool(base + ".enabled", true)) changes.push_back({base + ".enabled", true});
  if (!setup.name.empty()) changes.push_back({section + ".name", json::value(setup.name)});
  for (const auto& [key, value] : setup.settings) changes.push_back({config::join_key(section, key), value});
  add_webhook_secret(config, kind, section, changes);
  bool file_placed = setup.secret_file.empty();
  for (const auto& source : kind.traits.secrets) {
    auto key = config::join_key(section, source.key);
    auto file_key = source.file_key.empty() ? std::string() : config::join_key(section, source.file_key);
    auto given = std::find_if(setup.secrets.begin(), setup.secrets.end(),
                              [&](const auto& secret) { return secret.first == source.key; });
    bool by_file = !file_placed && !file_key.empty();
    if (given == setup.secrets.end() && !by_file && !setup.from_environment) continue;
    file_placed = file_placed || by_file;
    changes.push_back({key, given == setup.secrets.end() ? json::value() : json::value(given->second)});
    if (!file_key.empty()) changes.push_back({file_key, by_file ? json::value(setup.secret_file) : json::value()});
  }
  if (!file_placed) {
    return Error(Code::kInvalidArgument, kind.traits.label + " does not take its secret from a file");
  }
  return changes;
}

Result<std::vector<config::Change>> removal_changes(const config::Config& config, const ChannelKind& kind,
                                                    const std::string& account, bool forget) {
  auto base = config::join_key("channels", kind.id);
  auto own = config::join_key(base + ".accounts", account);
  bool is_own = config.find(own) != nullptr;
  bool is_base = account == "default" && config.find(base) != nullptr;
  if (!is_own && !is_base) return no_account(kind.id, account);
  bool shared = has_accounts(config, kind.id);
  std::vector<config::Change> changes;
  if (!forget) {
    // Switching the channel's section off would take the other accounts with it.
    changes.push_back({(is_own || shared ? own : base) + ".enabled", false});
    return changes;
  }
  if (is_own) changes.push_back({own, nullptr});
  if (is_base && !shared) changes.push_back({base, nullptr});
  if (is_base && shared) {
    for (const auto& source : kind.traits.secrets) {
      changes.push_back({config::join_key(base, source.key), nullptr});
      if (!source.file_key.empty()) changes.push_back({config::join_key(base, source.file_key), nullptr});
    }
  }
  return changes;
}

}  // namespace openclaw::cli
