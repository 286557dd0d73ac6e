// Buttons under messages, and what comes of pressing one.
#include "telegram_fixture.h"

namespace openclaw::telegram_test {
namespace {

using testing::HasSubstr;

class TelegramButtons : public TelegramFixture {
 protected:
  static json::array yes_no() {
    return json::parse(R"([[{"text":"Yes","callbackData":"yes","style":"success"},
        {"text":"No","callbackData":"no"}],[{"text":"Later","callbackData":"later"}]])")
        .as_array();
  }
  static json::array one_button(const std::string& text, const std::string& data) {
    json::array row, rows;
    row.push_back(json::object{{"text", text}, {"callbackData", data}});
    rows.push_back(std::move(row));
    return rows;
  }
  json::array keyboard_of(const json::value& message_id, const std::string& chat = "1001") {
    const json::value all = get("/messages?by=bot&chat_id=" + chat);
    for (const json::value& message : all.as_array()) {
      if (std::to_string(message.at("message_id").as_int64()) != message_id.as_string()) continue;
      const json::value* markup = message.as_object().if_contains("reply_markup");
      if (markup != nullptr && markup->is_object()) return markup->at("inline_keyboard").as_array();
    }
    return {};
  }
};

TEST_F(TelegramButtons, AreShownUnderTheMessageAndAnswerAsAnEvent) {
  PluginInstance* bot = up();
  auto sent = send(bot, "sure?", {{"buttons", yes_no()}});
  ASSERT_TRUE(sent.has_value()) << sent.error().message;
  const json::array rows = keyboard_of(sent->at("messageId"));
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_EQ(rows[0].at(1).at("text"), "No");
  EXPECT_EQ(rows[0].at(1).at("callback_data"), "no");
  EXPECT_EQ(rows[0].at(0).at("style"), "success");

  const std::int64_t id = std::stoll(std::string(sent->at("messageId").as_string()));
  post("/inject/callback", {{"user_id", 1001}, {"message_id", id}, {"data", "no"}});
  wait_events(1);
  const json::object& event = recorder_.events[0];
  EXPECT_EQ(event.at("kind"), "callback");
  EXPECT_EQ(event.at("text"), "no");
  EXPECT_EQ(event.at("sender").at("id"), "1001");
  EXPECT_EQ(event.at("messageId"), sent->at("messageId"));
  EXPECT_EQ(event.at("conversation").at("type"), "direct");
  // The button does not go on turning.
  run_until([&] { return !calls("answerCallbackQuery").empty(); });
}

TEST_F(TelegramButtons, OfALongTextStandUnderItsLastPiece) {
  PluginInstance* bot = up();
  auto sent = send(bot, std::string(5000, 'a'), {{"buttons", yes_no()}});
  ASSERT_TRUE(sent.has_value()) << sent.error().message;
  const json::array ids = sent->at("messageIds").as_array();
  ASSERT_EQ(ids.size(), 2u);
  EXPECT_TRUE(keyboard_of(ids[0]).empty());
  EXPECT_EQ(keyboard_of(ids[1]).size(), 2u);
}

TEST_F(TelegramButtons, AnEditShowsTheButtonsItNamesAndNoOthers) {
  PluginInstance* bot = up();
  auto sent = send(bot, "sure?", {{"buttons", yes_no()}});
  ASSERT_TRUE(sent.has_value());
  const auto edit = [&](json::object more) {
    json::object payload{{"conversation", {{"id", "1001"}}},
                         {"messageId", sent->at("messageId")},
                         {"text", "sure?"}};
    for (auto& member : more) payload[member.key()] = member.value();
    return call(bot, "channel.edit", std::move(payload));
  };
  const json::array one = one_button("OK", "ok");
  ASSERT_TRUE(edit({{"buttons", one}}).has_value());
  EXPECT_EQ(keyboard_of(sent->at("messageId")).size(), 1u);
  ASSERT_TRUE(edit({}).has_value());
  EXPECT_TRUE(keyboard_of(sent->at("messageId")).empty());
}

TEST_F(TelegramButtons, MoreThanTelegramTakesIsRefusedInWords) {
  PluginInstance* bot = up();
  json::array rows = one_button("Long", std::string(65, 'x'));
  auto refused = send(bot, "x", {{"buttons", rows}});
  ASSERT_TRUE(refused.has_error());
  EXPECT_EQ(refused.error().code, Code::kInvalidArgument);
  EXPECT_THAT(refused.error().message,
              HasSubstr("\"Long\" has 65 bytes; Telegram takes at most 64"));
  rows.clear();
  for (int i = 0; i < 101; ++i) rows.push_back(one_button("a", "a").at(0));
  EXPECT_THAT(send(bot, "x", {{"buttons", rows}}).error().message, HasSubstr("at most 100"));
  EXPECT_TRUE(shown().empty());
}

TEST_F(TelegramButtons, StayInTheKindOfChatTheyAreAllowedIn) {
  PluginInstance* bot = up();
  EXPECT_TRUE(send(bot, "a", {{"buttons", yes_no()}, {"buttonsOnlyIn", "direct"}}).has_value());
  auto refused = send(bot, "b", {{"buttons", yes_no()}, {"buttonsOnlyIn", "group"}});
  EXPECT_THAT(refused.error().message, HasSubstr("inlineButtons"));
  EXPECT_TRUE(send(bot, "c", {{"buttonsOnlyIn", "group"}}).has_value()) << "without buttons";
}

}  // namespace
}  // namespace openclaw::telegram_test
