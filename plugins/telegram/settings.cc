#include "settings.h"

#include <algorithm>
#include <array>
#include <stdexcept>
#include <utility>

namespace telegram {
namespace {

constexpr std::string_view kApiRoot = "https://api.telegram.org";
constexpr std::int64_t kMostText = 4096;  // UTF-16 units after parsing, the service's limit
constexpr std::int64_t kLeastText = 200;
constexpr std::size_t kMostCommands = 100;

constexpr std::array<std::pair<std::string_view, std::string_view>, 9> kCommands{
    {{"help", "What you can type here"},
     {"status", "The session, its model and what it has used"},
     {"new", "Begin a new session"},
     {"stop", "Stop what is running"},
     {"model", "Show or choose the model"},
     {"queue", "What happens to messages that come while a turn runs"},
     {"compact", "Replace the older part of the conversation by a summary"},
     {"tools", "The tools you may use"},
     {"tool", "Run a tool: /tool NAME {json}"}}};

bool is_command_name(std::string_view name) {
  return !name.empty() && name.size() <= 32 && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
  });
}

json::array commands_of(const json::object& config) {
  json::array out;
  const json::object* own = parts::object_in(config, "commands");
  if (own != nullptr && !parts::bool_in(*own, "native", true)) return out;
  for (const auto& [name, description] : kCommands)
    out.push_back(json::object{{"command", name}, {"description", description}});
  const json::array* custom = parts::array_in(config, "customCommands");
  if (custom == nullptr) return out;
  for (const json::value& item : *custom) {
    if (!item.is_object() || out.size() >= kMostCommands) continue;
    std::string_view name = parts::text_in(item.get_object(), "command");
    if (name.starts_with('/')) name.remove_prefix(1);
    const std::string_view description = parts::text_in(item.get_object(), "description");
    if (!is_command_name(name) || description.empty() || description.size() > 256) continue;
    out.push_back(json::object{{"command", name}, {"description", description}});
  }
  return out;
}

// The host has put every secret behind a reference; its text never comes here.
std::string secret_in(const json::object& config, std::string_view key) {
  const json::object* reference = parts::object_in(config, key);
  if (reference == nullptr) return {};
  const std::string_view name = parts::text_in(*reference, "$secret");
  return name.empty() ? std::string() : "{{secret:" + std::string(name) + "}}";
}

}  // namespace

std::string Settings::token_command() const {
  return "openclaw channels add --channel telegram" +
         (account == "default" ? std::string() : " --account " + account);
}

Settings read_settings(std::string_view instance_id, std::string_view config_json) {
  const json::value value = parts::parsed(config_json);
  if (!value.is_object()) throw std::invalid_argument("the configuration is not a JSON object");
  const json::object& config = value.get_object();
  Settings out;
  out.account = instance_id.substr(instance_id.find('/') + 1);
  out.config_key = "channels.telegram";
  if (out.account != "default") out.config_key += ".accounts." + out.account;
  out.token = secret_in(config, "botToken");
  out.api_root = parts::text_in(config, "apiRoot");
  if (out.api_root.empty()) out.api_root = kApiRoot;
  while (out.api_root.ends_with('/')) out.api_root.pop_back();
  out.official_service = out.api_root == kApiRoot;
  out.proxy = parts::text_in(config, "proxy");
  out.webhook_url = parts::text_in(config, "webhookUrl");
  out.webhook_secret = secret_in(config, "webhookSecret");
  out.webhook_certificate_path = parts::text_in(config, "webhookCertPath");
  out.text_limit = static_cast<std::size_t>(
      std::clamp(parts::int_in(config, "textChunkLimit", 4000), kLeastText, kMostText));
  out.call_timeout_ms = static_cast<std::uint32_t>(
      std::clamp<std::int64_t>(parts::int_in(config, "timeoutSeconds", 20), 5, 600) * 1000);
  out.link_preview = parts::bool_in(config, "linkPreview", false);
  out.reactions = parts::text_in(config, "reactionNotifications") != "off";
  out.commands = commands_of(config);
  return out;
}

}  // namespace telegram
