#include "settings.h"

#include <algorithm>
#include <stdexcept>
#include <utility>

#include "utf16.h"

namespace discord {
namespace {

constexpr std::string_view kApiRoot = "https://discord.com/api";
constexpr std::string_view kApiVersion = "/v10";
// The service takes 2000 units; the rest is for what closes and opens a fence that was cut.
constexpr std::int64_t kMostText = 1950;
constexpr std::int64_t kLeastText = 200;
// Both texts of an activity fit into what the gateway takes at once (4096 bytes) with the rest.
constexpr std::size_t kMostActivityBytes = 512;
constexpr double kDefaultMediaMb = 10;  // what a server without boosts takes
constexpr double kMostMediaMb = 100;

constexpr std::uint32_t kGuilds = 1U << 0;
constexpr std::uint32_t kGuildMessages = 1U << 9;
constexpr std::uint32_t kGuildReactions = 1U << 10;
constexpr std::uint32_t kDirectMessages = 1U << 12;
constexpr std::uint32_t kDirectReactions = 1U << 13;
constexpr std::uint32_t kMessageContent = 1U << 15;

double number_in(const json::object& in, std::string_view key, double otherwise) {
  const json::value* v = in.if_contains(key);
  if (v == nullptr || !v->is_number()) return otherwise;
  return v->to_number<double>();
}

// Servers without a word of their own do as the account does, direct chats always.
void read_reactions(const json::object& config, Settings& out) {
  const auto read = [&](const json::object& in, bool& wanted) {
    const std::string_view mode = parts::text_in(in, "reactionNotifications");
    if (!mode.empty()) wanted = mode != "off";
    if (mode == "all" || mode == "allowlist") out.reactions_to_others = true;
  };
  read(config, out.direct_reactions);
  out.server_reactions = out.direct_reactions;
  const json::object* servers = parts::object_in(config, "guilds");
  for (const auto& [id, entry] : servers == nullptr ? json::object() : *servers) {
    bool wanted = false;
    if (entry.is_object()) read(entry.get_object(), wanted);
    if (wanted) out.server_reactions = true;
  }
}

// The activity that is shown below the bot's name; null when none is configured.
json::value activity_of(const json::object& config) {
  constexpr std::int64_t kStreaming = 1;
  constexpr std::int64_t kCustomStatus = 4;
  constexpr std::int64_t kLastActivity = 5;
  const std::string text = parts::valid_utf8(parts::text_in(config, "activity"));
  if (text.empty() || text.size() > kMostActivityBytes) return nullptr;
  const std::int64_t type = parts::int_in(config, "activityType", kCustomStatus);
  json::object out{{"name", text}, {"type", std::clamp<std::int64_t>(type, 0, kLastActivity)}};
  if (type == kCustomStatus) {
    // Of these the service shows "state"; the name is said to be this one.
    out["name"] = "Custom Status";
    out["state"] = text;
  }
  const std::string_view url = parts::text_in(config, "activityUrl");
  if (type == kStreaming && !url.empty() && url.size() <= kMostActivityBytes)
    out["url"] = parts::valid_utf8(url);
  return out;
}

json::object presence_of(const json::object& config) {
  const std::string_view status = parts::text_in(config, "status");
  json::value activity = activity_of(config);
  if (status.empty() && activity.is_null()) return {};
  json::array activities;
  if (!activity.is_null()) activities.push_back(std::move(activity));
  return {{"since", nullptr},
          {"activities", std::move(activities)},
          {"status", status.empty() ? "online" : status},
          {"afk", false}};
}

}  // namespace

std::uint32_t Settings::intents() const {
  return kGuilds | kGuildMessages | kDirectMessages | (message_content ? kMessageContent : 0U) |
         (server_reactions ? kGuildReactions : 0U) | (direct_reactions ? kDirectReactions : 0U);
}

std::string Settings::token_command() const {
  return "openclaw channels add --channel discord" +
         (account == "default" ? std::string() : " --account " + account);
}

Settings read_settings(std::string_view instance_id, std::string_view config_json) {
  const json::value value = parts::parsed(config_json);
  if (!value.is_object()) throw std::invalid_argument("the configuration is not a JSON object");
  const json::object& config = value.get_object();
  Settings out;
  out.account = instance_id.substr(instance_id.find('/') + 1);
  out.config_key = "channels.discord";
  if (out.account != "default") out.config_key += ".accounts." + out.account;
  // The host has put every token behind a reference.
  if (const json::object* reference = parts::object_in(config, "token"))
    out.secret = parts::text_in(*reference, "$secret");
  std::string root(parts::text_in(config, "apiRoot"));
  while (root.ends_with('/')) root.pop_back();
  out.other_service = !root.empty();
  out.api_root = (root.empty() ? std::string(kApiRoot) : root) + std::string(kApiVersion);
  out.proxy = parts::text_in(config, "proxy");
  out.text_limit = static_cast<std::size_t>(
      std::clamp(parts::int_in(config, "textChunkLimit", kMostText), kLeastText, kMostText));
  out.call_timeout_ms = static_cast<std::uint32_t>(
      std::clamp<std::int64_t>(parts::int_in(config, "timeoutSeconds", 20), 5, 600) * 1000);
  out.most_upload_bytes = static_cast<std::uint64_t>(
      std::clamp(number_in(config, "mediaMaxMb", kDefaultMediaMb), 0.001, kMostMediaMb) *
      1'000'000);
  out.link_preview = parts::bool_in(config, "linkPreview", false);
  // true, false or "auto"
  if (const json::object* commands = parts::object_in(config, "commands"))
    out.native_commands = parts::bool_in(*commands, "native", true);
  if (const json::object* intents = parts::object_in(config, "intents"))
    out.message_content = parts::bool_in(*intents, "messageContent", true);
  read_reactions(config, out);
  out.presence = presence_of(config);
  return out;
}

}  // namespace discord
