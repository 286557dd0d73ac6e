// AccountPlan: what the configuration says about one account of one channel.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "channel/access.h"
#include "channel/webhook_plan.h"
#include "config/config.h"
#include "plugin/plugin_host.h"

namespace openclaw::channel {

// The "channel" object of a plugin's manifest: how the host should treat the platform.
struct ChannelTraits {
  std::string label, detail_label, system_image;
  struct SecretSource {
    std::string key;       // "botToken"
    std::string file_key;  // "tokenFile": a file that holds it
    std::string env;       // "TELEGRAM_BOT_TOKEN", default account only
    std::string prompt;    // "Bot token from @BotFather", when a person is asked for it
  };
  std::vector<SecretSource> secrets;    // the account is configured when each has a value
  SpaceKeys spaces = {};                // where the config has its servers and their rooms
  bool sends_files = false;             // takes "attachments" in send
  bool buttons = false;                 // takes "buttons" in send
  bool reads_history = false;           // answers what a conversation holds
  json::object capabilities = {};       // what people are told of the platform; not checked
  bool idempotent_send = false;         // the platform drops a second send with the same key
  std::int64_t typing_interval_ms = 0;  // 0: no typing indicator
  std::int64_t stream_interval_ms = 0;  // 0: replies cannot be streamed by edits
  std::int64_t stream_group_interval_ms = 0;
  std::int64_t stream_min_chars = 30;
  std::string link_prompt = {};  // accounts are linked by a code: what a person does with it
  WebhookTraits webhook = {};
};
ChannelTraits channel_traits(const plugin::Manifest& manifest, std::string_view channel);

struct AccountPlan {
  std::string channel, plugin_id, account = "default";
  ChannelTraits traits;
  json::object config;  // the channel's keys with the account's over them, without "accounts"
  bool enabled = true;
  bool configured = false;
  std::string token_source;  // "config", "tokenFile", "env", "none"
  std::string problem;       // why it cannot run, with what to type
  std::optional<WebhookPlan> webhook = {};
  std::string instance_id() const { return plugin_id + "/" + account; }
  // Nothing differs that the plugin would have to be restarted for. What core alone reads (who may
  // talk, mentions, names) may differ, and so may the order of keys.
  bool runs_like(const AccountPlan& other) const;
};

// That a secret is there, written as text, {"$secret"}, {"$env"} or another reference.
bool is_given(const json::object& config, std::string_view key);

using Environment = std::function<std::optional<std::string>(const std::string&)>;

// Accounts of every channel that the config names or the environment gives a secret for.
std::vector<AccountPlan> plan_accounts(const config::Config& config,
                                       const std::vector<plugin::PluginInfo>& plugins,
                                       const Environment& environment);
// The merged config of one account; empty when there is no such channel.
json::object account_config(const config::Config& config, std::string_view channel,
                            std::string_view account);

}  // namespace openclaw::channel
