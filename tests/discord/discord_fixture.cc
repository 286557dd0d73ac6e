#include "discord_fixture.h"

namespace openclaw::discord_test {

DiscordFixture::DiscordFixture() : ChannelFixture("discord", OPENCLAW_DISCORD_STUB) {
  post("/config", {{"identifyWindowMs", 0}});
}

json::object DiscordFixture::config() const {
  return {{"token", stub_.token()},
          {"apiRoot", stub_.api()},
          {"gatewayRoots", {stub_.said("gateway"), stub_.said("resume")}}};
}

std::string DiscordFixture::write(const std::string& text, json::object more) {
  json::object message{{"user_id", kAnn}, {"content", text}, {"dm", true}};
  for (auto& member : more) message[member.key()] = member.value();
  if (message.contains("channel_id")) message.erase("dm");
  const json::value answer = post("/inject/message", std::move(message));
  return std::string(answer.at("message_id").as_string());
}

json::array DiscordFixture::calls(const std::string& method, const std::string& path) {
  return get("/calls?method=" + method + "&path=" + path).as_array();
}

json::array DiscordFixture::shown(const std::string& channel) {
  return get("/messages?by=bot&channel_id=" + channel).as_array();
}

std::vector<std::string> DiscordFixture::texts(const std::string& channel) {
  std::vector<std::string> out;
  for (const json::value& message : shown(channel))
    out.emplace_back(message.at("content").as_string());
  return out;
}

json::array DiscordFixture::gateway_log(const std::string& query) {
  return get("/gateway/log?" + query).as_array();
}

std::string DiscordFixture::last_message() const {
  for (auto it = recorder_.links.rbegin(); it != recorder_.links.rend(); ++it) {
    if (it->contains("message")) return std::string(it->at("message").as_string());
  }
  return {};
}

}  // namespace openclaw::discord_test
