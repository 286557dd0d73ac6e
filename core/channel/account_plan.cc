#include "channel/account_plan.h"

#include <algorithm>
#include <array>

namespace openclaw::channel {
namespace {

// Sections under `channels` that are no channel.
bool is_channel_key(std::string_view key) {
  return key != "defaults" && key != "modelByChannel";
}

const json::object* object_in(const json::object& in, std::string_view key) {
  const json::value* v = in.if_contains(key);
  return v == nullptr ? nullptr : v->if_object();
}

std::int64_t int_or(const json::object& in, std::string_view key, std::int64_t otherwise) {
  const json::value* v = in.if_contains(key);
  return v != nullptr && v->is_int64() ? v->get_int64() : otherwise;
}

// Keys that core reads anew for each decision.
constexpr std::array<std::string_view, 17> kCoreKeys{
    "name",           "enabled", "dmPolicy",       "allowFrom",    "groupPolicy",
    "groupAllowFrom", "groups",  "requireMention", "streaming",    "streamMode",
    "replyToMode",    "actions", "defaultAccount", "historyLimit", "dmHistoryLimit",
    "capabilities",   "dm"};

void find_secrets(AccountPlan& plan, const Environment& environment) {
  plan.configured = true;
  plan.token_source = plan.traits.secrets.empty() ? "none" : "config";
  for (const ChannelTraits::SecretSource& source : plan.traits.secrets) {
    if (is_given(plan.config, source.key)) continue;
    if (!source.file_key.empty() && is_given(plan.config, source.file_key)) {
      plan.token_source = "tokenFile";
      continue;
    }
    if (!source.env.empty() && plan.account == "default") {
      if (const auto value = environment(source.env); value && !value->empty()) {
        plan.config[source.key] = json::object{{"$env", source.env}};
        plan.token_source = "env";
        continue;
      }
    }
    plan.configured = false;
    plan.token_source = "none";
    plan.problem = "channels." + plan.channel +
                   (plan.account == "default" ? "" : ".accounts." + plan.account) + " has no " +
                   source.key + "; type: openclaw channels add --channel " + plan.channel +
                   (plan.account == "default" ? "" : " --account " + plan.account);
  }
}

json::object merged(const json::object& channel, const json::object* account) {
  json::object out = channel;
  out.erase("accounts");
  out.erase("defaultAccount");
  if (account == nullptr) return out;
  for (const auto& member : *account) out[member.key()] = member.value();
  return out;
}

AccountPlan make_plan(const std::string& channel, const std::string& account, json::object config,
                      const plugin::PluginInfo* plugin, const Environment& environment) {
  AccountPlan plan;
  plan.channel = channel;
  plan.account = account;
  plan.config = std::move(config);
  if (plugin == nullptr) {
    plan.problem = "no plugin serves the channel \"" + channel + "\"; see: openclaw plugins list";
    return plan;
  }
  plan.plugin_id = plugin->id;
  plan.traits = channel_traits(plugin->manifest, channel);
  find_secrets(plan, environment);
  if (plugin->state == plugin::State::kRefused) plan.problem = plugin->reason;
  return plan;
}

const plugin::PluginInfo* serving(const std::vector<plugin::PluginInfo>& plugins,
                                  std::string_view channel) {
  for (const plugin::PluginInfo& info : plugins) {
    const auto& names = info.manifest.channels;
    if (std::find(names.begin(), names.end(), channel) != names.end()) return &info;
  }
  return nullptr;
}

void plan_channel(std::vector<AccountPlan>& out, const std::string& channel,
                  const json::object& section, const plugin::PluginInfo* plugin,
                  const Environment& environment) {
  const json::object* accounts = object_in(section, "accounts");
  const bool on = bool_or(section, "enabled", true);
  const bool named = accounts != nullptr && !accounts->empty();
  if (!named || !accounts->contains("default")) {
    AccountPlan plan = make_plan(channel, "default", merged(section, nullptr), plugin, environment);
    plan.enabled = on;
    // With named accounts the top level is often only what they share.
    if (!named || plan.configured) out.push_back(std::move(plan));
  }
  if (!named) return;
  for (const auto& member : *accounts) {
    const json::object* own = member.value().if_object();
    if (own == nullptr) continue;
    json::object config = merged(section, own);
    // A token of the top level is the default account's, not everybody's: two pollers of one bot
    // fight.
    if (plugin != nullptr && member.key() != "default") {
      for (const auto& source : channel_traits(plugin->manifest, channel).secrets) {
        if (!own->contains(source.key)) config.erase(source.key);
        if (!own->contains(source.file_key)) config.erase(source.file_key);
      }
    }
    AccountPlan plan =
        make_plan(channel, std::string(member.key()), std::move(config), plugin, environment);
    plan.enabled = on && bool_or(*own, "enabled", true);
    out.push_back(std::move(plan));
  }
}

// What the plugin reads of the table of spaces: where it has to ask the platform for reactions.
json::object listening_in(const json::object& spaces) {
  json::object out;
  for (const auto& space : spaces) {
    const json::object* entry = space.value().if_object();
    const json::value* mode =
        entry == nullptr ? nullptr : entry->if_contains("reactionNotifications");
    if (mode != nullptr) out[space.key()] = *mode;
  }
  return out;
}

}  // namespace

bool is_given(const json::object& config, std::string_view key) {
  const json::value* v = config.if_contains(key);
  if (v == nullptr) return false;
  return v->is_string() ? !v->get_string().empty() : v->is_object() && !v->get_object().empty();
}

ChannelTraits channel_traits(const plugin::Manifest& manifest, std::string_view channel) {
  ChannelTraits traits;
  traits.label = manifest.name.empty() ? std::string(channel) : manifest.name;
  traits.detail_label = traits.label;
  const json::object* described = object_in(manifest.raw, "channel");
  if (described == nullptr) return traits;
  traits.label = string_or(*described, "label", traits.label);
  traits.detail_label = string_or(*described, "detailLabel", traits.label);
  traits.system_image = string_or(*described, "systemImage", "");
  traits.sends_files = bool_or(*described, "sendsFiles", false);
  traits.buttons = bool_or(*described, "buttons", false);
  traits.reads_history = bool_or(*described, "readsHistory", false);
  if (const json::object* told = object_in(*described, "capabilities")) traits.capabilities = *told;
  traits.idempotent_send = bool_or(*described, "idempotentSend", false);
  if (const json::object* secrets = object_in(*described, "secrets")) {
    for (const auto& member : *secrets) {
      const json::object* source = member.value().if_object();
      if (source == nullptr) continue;
      traits.secrets.push_back({std::string(member.key()), string_or(*source, "fileKey", ""),
                                string_or(*source, "env", ""),
                                string_or(*source, "prompt", member.key())});
    }
  }
  if (const json::object* spaces = object_in(*described, "spaces"))
    traits.spaces = {string_or(*spaces, "key", ""), string_or(*spaces, "rooms", "")};
  if (const json::object* linking = object_in(*described, "linking"))
    traits.link_prompt = string_or(*linking, "prompt", "Scan this code with " + traits.label);
  traits.webhook = webhook_traits(*described);
  if (const json::object* typing = object_in(*described, "typing")) {
    traits.typing_interval_ms = int_or(*typing, "intervalMs", 4000);
  }
  if (const json::object* streaming = object_in(*described, "streaming")) {
    traits.stream_interval_ms = int_or(*streaming, "minIntervalMs", 1000);
    traits.stream_group_interval_ms =
        int_or(*streaming, "groupMinIntervalMs", traits.stream_interval_ms);
    traits.stream_min_chars = int_or(*streaming, "minChars", 30);
  }
  return traits;
}

bool AccountPlan::runs_like(const AccountPlan& other) const {
  const auto read_by_plugin = [](const AccountPlan& plan) {
    json::object kept = plan.config;
    for (const std::string_view key : kCoreKeys) kept.erase(key);
    const std::string& spaces = plan.traits.spaces.spaces;
    const json::object* given = object_in(plan.config, spaces);
    json::object listening = given == nullptr ? json::object() : listening_in(*given);
    kept.erase(spaces);
    if (!listening.empty()) kept[spaces] = std::move(listening);
    return kept;
  };
  return plugin_id == other.plugin_id &&
         (enabled && configured) == (other.enabled && other.configured) &&
         read_by_plugin(*this) == read_by_plugin(other);
}

std::vector<AccountPlan> plan_accounts(const config::Config& config,
                                       const std::vector<plugin::PluginInfo>& plugins,
                                       const Environment& environment) {
  std::vector<AccountPlan> out;
  std::vector<std::string> seen;
  const json::object* channels = object_in(config.root(), "channels");
  if (channels != nullptr) {
    for (const auto& member : *channels) {
      const json::object* section = member.value().if_object();
      if (section == nullptr || !is_channel_key(member.key())) continue;
      const std::string name(member.key());
      seen.push_back(name);
      plan_channel(out, name, *section, serving(plugins, name), environment);
    }
  }
  for (const plugin::PluginInfo& info : plugins) {
    for (const std::string& channel : info.manifest.channels) {
      if (std::find(seen.begin(), seen.end(), channel) != seen.end()) continue;
      seen.push_back(channel);
      // Without a section the environment alone may configure it; else it is listed as not
      // configured, which is no problem: nobody asked for it.
      plan_channel(out, channel, {}, &info, environment);
      if (out.back().traits.secrets.empty()) out.back().configured = false;
      if (!out.back().configured && info.state != plugin::State::kRefused)
        out.back().problem.clear();
    }
  }
  plan_webhooks(out, config);
  return out;
}

json::object account_config(const config::Config& config, std::string_view channel,
                            std::string_view account) {
  const json::object* channels = object_in(config.root(), "channels");
  const json::object* section = channels == nullptr ? nullptr : object_in(*channels, channel);
  if (section == nullptr) return {};
  const json::object* accounts = object_in(*section, "accounts");
  return merged(*section, accounts == nullptr ? nullptr : object_in(*accounts, account));
}

}  // namespace openclaw::channel
