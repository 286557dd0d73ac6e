// Buttons under messages, and what comes of pressing one.
#include "discord_fixture.h"

namespace openclaw::discord_test {
namespace {

using testing::HasSubstr;

class DiscordButtons : public DiscordFixture {
 protected:
  static json::array yes_no() {
    return json::parse(R"([[{"text":"Yes","callbackData":"yes","style":"danger"},
        {"text":"No","callbackData":"no"}]])")
        .as_array();
  }
  static json::array buttons_in(const json::value& message) {
    json::array out;
    for (const json::value& row : message.at("components").as_array())
      for (const json::value& each : row.at("components").as_array()) out.push_back(each);
    return out;
  }
};

TEST_F(DiscordButtons, AreShownUnderTheMessageAndAnswerAsAnEvent) {
  PluginInstance* bot = up();
  auto sent = send(bot, "sure?", {{"buttons", yes_no()}});
  ASSERT_TRUE(sent.has_value()) << sent.error().message;
  const json::array buttons = buttons_in(shown().back());
  ASSERT_EQ(buttons.size(), 2u);
  EXPECT_EQ(buttons[0].at("label"), "Yes");
  EXPECT_EQ(buttons[0].at("custom_id"), "yes");
  EXPECT_EQ(buttons[0].at("style"), 4);

  const json::value pressed = post("/inject/interaction", {{"custom_id", "no"},
                                                           {"message_id", sent->at("messageId")},
                                                           {"channel_id", kGeneral},
                                                           {"user_id", kAnn}});
  wait_events(1);
  const json::object& event = recorder_.events[0];
  EXPECT_EQ(event.at("kind"), "callback");
  EXPECT_EQ(event.at("text"), "no");
  EXPECT_EQ(event.at("sender").at("id"), kAnn);
  EXPECT_EQ(event.at("messageId"), sent->at("messageId"));
  EXPECT_EQ(event.at("conversation").at("spaceId"), kGuild);
  EXPECT_FALSE(event.at("conversation").as_object().contains("interaction"));
  EXPECT_EQ(event.at("eventId"),
            json::value("dc:" + stub_.said("bot_id") + ":" +
                        std::string(pressed.at("interaction_id").as_string())));
  // Seen within the three seconds, and nothing takes the message's place.
  run_until([&] { return get("/interactions").at(0).as_object().contains("ackType"); });
  const json::value interactions = get("/interactions");
  EXPECT_EQ(interactions.at(0).at("ackType"), 6);
  EXPECT_LT(interactions.at(0).at("ms").as_int64(), 3000);
  EXPECT_EQ(buttons_in(shown().back()).size(), 2u);
}

TEST_F(DiscordButtons, AnEditShowsTheButtonsItNamesAndNoOthers) {
  PluginInstance* bot = up();
  auto sent = send(bot, "sure?", {{"buttons", yes_no()}});
  ASSERT_TRUE(sent.has_value());
  auto edited = call(bot, "channel.edit",
                     {{"conversation", {{"id", kGeneral}}},
                      {"messageId", sent->at("messageId")},
                      {"text", "done"}});
  ASSERT_TRUE(edited.has_value()) << edited.error().message;
  EXPECT_TRUE(buttons_in(shown().back()).empty());
}

TEST_F(DiscordButtons, MoreThanDiscordTakesIsRefusedInWords) {
  PluginInstance* bot = up();
  const auto refusal = [&](json::array row) {
    json::array rows;
    rows.push_back(std::move(row));
    auto refused = send(bot, "x", {{"buttons", std::move(rows)}});
    return refused.has_error() ? refused.error().message : "not refused";
  };
  const auto button = [](const std::string& data) {
    return json::object{{"text", "a"}, {"callbackData", data}};
  };
  EXPECT_THAT(refusal({button(std::string(101, 'x'))}), HasSubstr("Discord takes at most 100"));
  json::array six;
  for (int i = 0; i < 6; ++i) six.push_back(button(std::to_string(i)));
  EXPECT_THAT(refusal(six), HasSubstr("5 rows of 5"));
  EXPECT_THAT(refusal({button("same"), button("same")}), HasSubstr("\"same\""));
  EXPECT_TRUE(shown().empty());
}

}  // namespace
}  // namespace openclaw::discord_test
