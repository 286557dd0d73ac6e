#include "telegram_fixture.h"

namespace openclaw::telegram_test {

TelegramFixture::TelegramFixture() : ChannelFixture("telegram", OPENCLAW_TELEGRAM_STUB) {
  const std::string token = stub_.token();
  forbidden_.push_back(token.substr(token.find(':') + 1));
  post("/user", {{"id", 1001}, {"first_name", "Ada"}, {"started", true}});
}

json::object TelegramFixture::config() const {
  return {{"botToken", stub_.token()}, {"apiRoot", stub_.api()}};
}

std::int64_t TelegramFixture::write(const std::string& text, json::object more) {
  json::object message{{"user_id", 1001}, {"text", text}};
  for (auto& member : more) message[member.key()] = member.value();
  const json::value answer = post("/inject/message", std::move(message));
  EXPECT_TRUE(answer.at("delivered").as_bool()) << json::serialize(answer);
  return answer.at("update_id").as_int64();
}

json::array TelegramFixture::calls(const std::string& method) {
  return get("/calls?method=" + method).as_array();
}

std::vector<std::string> TelegramFixture::shown(const std::string& chat) {
  std::vector<std::string> out;
  const json::value messages = get("/messages?by=bot&chat_id=" + chat);
  for (const json::value& message : messages.as_array())
    out.emplace_back(message.at("text").as_string());
  return out;
}

}  // namespace openclaw::telegram_test
