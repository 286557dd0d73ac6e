// WebhookPlan: where an account is brought its events by HTTP, as the configuration says. Which
// keys say it, and which header holds the secret, is in the plugin's manifest. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "config/config.h"
#include "plugin/plugin_host.h"

namespace openclaw::channel {

// "channel"."webhook" of a manifest. Without an urlKey the platform brings nothing.
struct WebhookTraits {
  std::string url_key;     // "webhookUrl": set, it switches the webhook on
  std::string secret_key;  // "webhookSecret"
  std::string secret_header;
  std::string path_key, host_key, port_key;
  std::string default_path, default_host;
  std::uint16_t default_port = 0;
};
WebhookTraits webhook_traits(const json::object& channel);

struct WebhookPlan {
  std::string host;  // an IP address
  std::uint16_t port = 0;
  std::string path;
  std::string secret_key, secret_header;
  json::value secret;    // text, {"$secret"} or {"$env"}
  std::string port_key;  // as a person writes it: "channels.telegram.webhookPort"
};

struct AccountPlan;
// Gives each account whose webhook is on its plan, or the problem that keeps it from running: no
// secret, no path, a path that another account has.
void plan_webhooks(std::vector<AccountPlan>& accounts, const config::Config& config);

}  // namespace openclaw::channel
