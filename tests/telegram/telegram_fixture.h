// A Telegram account against the stub server, whose people and faults the test moves.
#pragma once

#include "channel/channel_fixture.h"

namespace openclaw::telegram_test {

using channel_test::StubServer;
using plugin::PluginInstance;

class TelegramFixture : public channel_test::ChannelFixture {
 protected:
  TelegramFixture();

  json::object config() const override;
  // To the direct chat with person 1001 unless the payload says otherwise.
  Result<json::value> send(PluginInstance* instance, const std::string& text,
                           json::object more = {}) {
    return send_to(instance, {{"id", "1001"}, {"type", "direct"}}, text, std::move(more));
  }
  // A person writes to the bot; the number of the update.
  std::int64_t write(const std::string& text, json::object more = {});
  json::array calls(const std::string& method);
  std::vector<std::string> shown(const std::string& chat = "1001");
};

}  // namespace openclaw::telegram_test
