// A Discord account against the stub server, whose people and faults the test moves.
#pragma once

#include "channel/channel_fixture.h"

namespace openclaw::discord_test {

using channel_test::StubServer;
using plugin::PluginInstance;

// The stub's world.
inline constexpr const char* kAnn = "910000000000000001";
inline constexpr const char* kBob = "910000000000000002";
inline constexpr const char* kGuild = "920000000000000001";
inline constexpr const char* kGeneral = "930000000000000001";
inline constexpr const char* kOps = "930000000000000002";
inline constexpr const char* kForum = "930000000000000003";
inline constexpr const char* kReadOnly = "930000000000000004";
inline constexpr const char* kHidden = "930000000000000005";

class DiscordFixture : public channel_test::ChannelFixture {
 protected:
  DiscordFixture();

  json::object config() const override;
  // To the channel "general" unless the payload says otherwise.
  Result<json::value> send(PluginInstance* instance, const std::string& text,
                           json::object more = {}) {
    return send_to(instance, {{"id", kGeneral}, {"type", "channel"}}, text, std::move(more));
  }
  // Ann writes to the bot, directly unless a channel is named; the id of the message.
  std::string write(const std::string& text, json::object more = {});
  json::array calls(const std::string& method, const std::string& path);
  // What the bot wrote there, as people see it.
  json::array shown(const std::string& channel = kGeneral);
  std::vector<std::string> texts(const std::string& channel = kGeneral);
  // "dir=in&op=2"
  json::array gateway_log(const std::string& query);
  std::string last_message() const;
};

}  // namespace openclaw::discord_test
