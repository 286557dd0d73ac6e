#include "settings.h"

#include <algorithm>
#include <stdexcept>

namespace discord {
namespace {

constexpr std::string_view kApiRoot = "https://discord.com/api";
constexpr std::string_view kApiVersion = "/v10";
// The service takes 2000 units; the rest is for what closes and opens a fence that was cut.
constexpr std::int64_t kMostText = 1950;
constexpr std::int64_t kLeastText = 200;
constexpr double kDefaultMediaMb = 10;  // what a server without boosts takes
constexpr double kMostMediaMb = 100;

constexpr std::uint32_t kGuilds = 1U << 0;
constexpr std::uint32_t kGuildMessages = 1U << 9;
constexpr std::uint32_t kDirectMessages = 1U << 12;
constexpr std::uint32_t kMessageContent = 1U << 15;

double number_in(const json::object& in, std::string_view key, double otherwise) {
  const json::value* v = in.if_contains(key);
  if (v == nullptr || !v->is_number()) return otherwise;
  return v->to_number<double>();
}

}  // namespace

std::uint32_t Settings::intents() const {
  return kGuilds | kGuildMessages | kDirectMessages | (message_content ? kMessageContent : 0U);
}

std::string Settings::token_command() const {
  return "openclaw channels add --channel discord" +
         (account == "default" ? std::string() : " --account " + account) + " --token <token>";
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
  return out;
}

}  // namespace discord
