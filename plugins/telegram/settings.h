// Settings: the part of an account's configuration that this plugin itself acts on. Who may write
// to the agent, and how replies are shown, is core's part.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "json_fields.h"

namespace telegram {

namespace json = boost::json;

struct Settings {
  std::string account;     // "default"
  std::string config_key;  // "channels.telegram" or "channels.telegram.accounts.work"
  std::string token;       // "{{secret:NAME}}": the host puts the value in; empty: none configured
  std::string api_root;    // without a slash at its end
  bool official_service = true;  // not a Bot API server of one's own
  std::string proxy;
  // Set: the service brings the updates. The secret is a reference like the token.
  std::string webhook_url, webhook_secret, webhook_certificate_path;
  std::size_t text_limit = 4000;
  std::uint32_t call_timeout_ms = 20'000;
  bool link_preview = false;
  bool reactions = true;  // asked for; which of them count is the host's to say
  json::array commands;   // of setMyCommands; empty: leave them alone

  bool by_webhook() const { return !webhook_url.empty(); }
  // The command that gives this account a (new) token.
  std::string token_command() const;
};

// Throws std::invalid_argument when the text is no JSON object.
Settings read_settings(std::string_view instance_id, std::string_view config_json);

}  // namespace telegram
