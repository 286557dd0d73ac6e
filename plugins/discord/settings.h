// Settings: the part of an account's configuration that this plugin itself acts on. Who may write
// to the agent, and how replies are shown, is core's part.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "json_fields.h"

namespace discord {

namespace json = boost::json;

struct Settings {
  std::string account;     // "default"
  std::string config_key;  // "channels.discord" or "channels.discord.accounts.work"
  std::string secret;      // the name under which the host keeps the token; empty: none configured
  std::string api_root;    // with the version, without a slash at its end
  bool other_service = false;  // api_root is not Discord's own
  std::string proxy;
  std::size_t text_limit = 1950;  // UTF-16 units
  std::uint32_t call_timeout_ms = 20'000;
  std::uint64_t most_upload_bytes = 10'000'000;
  bool link_preview = false;
  bool native_commands = true;  // offer slash commands
  // Where people's reactions are listened for, and whether somewhere also to messages that are not
  // the bot's. Which of them are read is core's to decide, server by server.
  bool direct_reactions = true, server_reactions = true, reactions_to_others = false;
  json::object presence = {};  // as the gateway takes it; empty: none configured
  bool message_content =
      true;  // ask the gateway for the text of messages that do not mention the bot

  std::uint32_t intents() const;
  // "Bot {{secret:NAME}}": the host puts the value in.
  std::string authorization() const { return "Bot {{secret:" + secret + "}}"; }
  // The command that gives this account a (new) token.
  std::string token_command() const;
};

// Throws std::invalid_argument when the text is no JSON object.
Settings read_settings(std::string_view instance_id, std::string_view config_json);

}  // namespace discord
