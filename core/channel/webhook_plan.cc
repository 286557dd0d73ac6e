#include "channel/webhook_plan.h"

#include <algorithm>
#include <cctype>
#include <map>

#include <boost/asio/ip/address.hpp>

#include "channel/account_plan.h"
#include "config/key_path.h"

namespace openclaw::channel {
namespace {

constexpr std::size_t kMaxRoutePath = 255;

// The key of this account when it has its own, else the channel's.
std::string key_in_use(const AccountPlan& plan, const config::Config& config,
                       const std::string& key) {
  const std::string base = config::join_key("channels", plan.channel);
  const std::string own = config::join_key(config::join_key(base + ".accounts", plan.account), key);
  return config.find(own) != nullptr ? own : config::join_key(base, key);
}

// The key that only this account reads: where a fix is to be written.
std::string own_key(const AccountPlan& plan, const config::Config& config, const std::string& key) {
  const std::string base = config::join_key("channels", plan.channel);
  const std::string own = config::join_key(base + ".accounts", plan.account);
  const bool in_accounts = plan.account != "default" || config.find(own) != nullptr;
  return config::join_key(in_accounts ? own : base, key);
}

// "channels.x.webhookPath (openclaw.toml:12:3)"
std::string in_words(const config::Config& config, const std::string& key) {
  if (config.find(key) == nullptr) return key;
  return key + " (" + config.origin(key).text() + ")";
}

bool is_path(std::string_view text) {
  return text.starts_with('/') && text.size() <= kMaxRoutePath &&
         std::all_of(text.begin(), text.end(), [](char c) {
           return std::isalnum(static_cast<unsigned char>(c)) != 0 ||
                  std::string_view("/-._~").find(c) != std::string_view::npos;
         });
}

// Answers the problem, empty when there is none.
std::string fill(AccountPlan& account, const config::Config& config) {
  const WebhookTraits& traits = account.traits.webhook;
  WebhookPlan plan;
  plan.secret_key = traits.secret_key;
  plan.secret_header = traits.secret_header;
  plan.host = string_or(account.config, traits.host_key, traits.default_host);
  plan.path = string_or(account.config, traits.path_key, traits.default_path);
  plan.port = traits.default_port;
  if (const json::value* port = account.config.if_contains(traits.port_key);
      port != nullptr && port->is_int64())
    plan.port = static_cast<std::uint16_t>(std::clamp<std::int64_t>(port->get_int64(), 0, 65535));
  plan.port_key = own_key(account, config, traits.port_key);
  if (!is_given(account.config, traits.secret_key)) {
    const std::string key = own_key(account, config, traits.secret_key);
    return in_words(config, key_in_use(account, config, traits.url_key)) +
           " needs a secret beside it, or anybody could write in the name of the platform; type: "
           "openclaw config set " +
           key + " \"$(openssl rand -hex 32)\"";
  }
  plan.secret = account.config.at(traits.secret_key);
  if (plan.host == "localhost") plan.host = "127.0.0.1";
  boost::system::error_code no_address;
  (void)boost::asio::ip::make_address(plan.host, no_address);
  if (no_address) {
    return in_words(config, key_in_use(account, config, traits.host_key)) +
           " must be an IP address of this machine; type: openclaw config set " +
           own_key(account, config, traits.host_key) + " " + traits.default_host;
  }
  if (!is_path(plan.path)) {
    return in_words(config, key_in_use(account, config, traits.path_key)) +
           " must begin with / and hold only letters, digits and /-._~; type: openclaw config "
           "set " +
           own_key(account, config, traits.path_key) + " " + traits.default_path;
  }
  account.webhook = std::move(plan);
  return {};
}

}  // namespace

WebhookTraits webhook_traits(const json::object& channel) {
  WebhookTraits out;
  const json::value* value = channel.if_contains("webhook");
  if (value == nullptr || !value->is_object()) return out;
  const json::object& described = value->get_object();
  out.secret_key = string_or(described, "secretKey", "");
  out.secret_header = string_or(described, "secretHeader", "");
  // Nothing is opened that nothing guards.
  if (out.secret_key.empty() || out.secret_header.empty()) return out;
  out.url_key = string_or(described, "urlKey", "");
  out.path_key = string_or(described, "pathKey", "");
  out.host_key = string_or(described, "hostKey", "");
  out.port_key = string_or(described, "portKey", "");
  out.default_path = string_or(described, "defaultPath", "");
  out.default_host = string_or(described, "defaultHost", "127.0.0.1");
  const json::value* port = described.if_contains("defaultPort");
  if (port != nullptr && port->is_int64())
    out.default_port =
        static_cast<std::uint16_t>(std::clamp<std::int64_t>(port->get_int64(), 0, 65535));
  return out;
}

void plan_webhooks(std::vector<AccountPlan>& accounts, const config::Config& config) {
  std::map<std::string, const AccountPlan*> taken;
  for (AccountPlan& account : accounts) {
    const WebhookTraits& traits = account.traits.webhook;
    if (!account.enabled || !account.configured || traits.url_key.empty()) continue;
    if (string_or(account.config, traits.url_key, "").empty()) continue;
    std::string problem = fill(account, config);
    if (problem.empty()) {
      const WebhookPlan& plan = *account.webhook;
      const std::string place = plan.host + " port " + std::to_string(plan.port) + plan.path;
      const auto [other, is_first] = taken.emplace(place, &account);
      if (is_first) continue;
      problem = in_words(config, key_in_use(account, config, traits.path_key)) + ": " + place +
                " is the webhook of the account " + other->second->instance_id() +
                " already, and each has its own secret; type: openclaw config set " +
                own_key(account, config, traits.path_key) + " " + plan.path + "-" +
                account.account + " and give " + own_key(account, config, traits.url_key) +
                " that path too";
    }
    account.webhook.reset();
    account.configured = false;
    account.problem = std::move(problem);
  }
}

}  // namespace openclaw::channel
