#include "channel/buttons.h"

#include "channel/channel_fixture_for_test.h"

namespace openclaw::channel {
namespace {

using testing::HasSubstr;
using Kind = MessageAction::Kind;

json::array yes_no() {
  return json::parse(R"([[{"text":"Yes","callbackData":"yes"},{"text":"No","callbackData":"no"}]])")
      .get_array();
}

TEST(Buttons, AreRowsOfTextAndData) {
  const auto rows = buttons_from(json::parse(
      R"([[{"text":"Yes","callback_data":"y","style":"success"}],[{"text":"No","callbackData":"n"}]])"));
  ASSERT_TRUE(rows.has_value()) << rows.error().message;
  EXPECT_EQ(
      json::serialize(*rows),
      R"([[{"text":"Yes","callbackData":"y","style":"success"}],[{"text":"No","callbackData":"n"}]])");
}

TEST(Buttons, WhatIsNoButtonIsRefusedWithTheShapeItShouldHave) {
  for (const char* given :
       {"{}", "[{}]", "[[]]", "[[7]]", R"([[{"text":"a"}]])", R"([[{"callback_data":"a"}]])",
        R"([[{"text":"a","callback_data":""}]])",
        R"([[{"text":"a","callback_data":"a","url":"x"}]])",
        R"([[{"text":"a","callback_data":"a","style":"pink"}]])"}) {
    const auto rows = buttons_from(json::parse(given));
    ASSERT_TRUE(rows.has_error()) << given;
    EXPECT_THAT(rows.error().message, HasSubstr("[[{\"text\"")) << given;
  }
}

TEST(Buttons, AnUnknownScopeOpensNothingAndAListIsOfNames) {
  const auto scope = [](const char* config) {
    return button_scope(json::parse(config).get_object());
  };
  EXPECT_EQ(scope("{}"), ButtonScope::kAllowlist);
  EXPECT_EQ(scope(R"({"capabilities":{}})"), ButtonScope::kAllowlist);
  EXPECT_EQ(scope(R"({"capabilities":{"inlineButtons":"dm"}})"), ButtonScope::kDirect);
  EXPECT_EQ(scope(R"({"capabilities":{"inlineButtons":"some"}})"), ButtonScope::kOff);
  EXPECT_EQ(scope(R"({"capabilities":["inlineButtons"]})"), ButtonScope::kAll);
  EXPECT_EQ(scope(R"({"capabilities":["other"]})"), ButtonScope::kOff);
}

class ButtonsInARoom : public ChannelServiceTest {
 protected:
  void boot_with(const std::string& keys) {
    config_text_ = R"({"channels":{"fake":{"token":"t",)" + keys + "}}}";
    prepare = [](Life& life) { life.host.traits()["buttons"] = true; };
    boot();
  }
  Result<json::object> send_buttons() {
    return act({.channel = "fake",
                .to = "1",
                .text = "sure?",
                .buttons = yes_no(),
                .idempotency_key = "k" + std::to_string(++keys_)});
  }
  json::object press(const std::string& id, const std::string& sender, bool in_group = false) {
    json::object event = message(id, "yes", sender);
    event["kind"] = "callback";
    event["mentioned"] = true;
    if (in_group) event["conversation"] = json::object{{"id", "-7"}, {"type", "group"}};
    return event;
  }
  std::vector<std::string> read() const {
    std::vector<std::string> out;
    for (const auto& request : life_->agent.requests) out.push_back(request.origin.sender_id);
    return out;
  }
  int keys_ = 0;
};

TEST_F(ButtonsInARoom, GoToThePluginOfAChannelThatHasThem) {
  boot_with(R"("allowFrom":["1"])");
  ASSERT_TRUE(send_buttons().has_value());
  EXPECT_EQ(sent.at(0).at("buttons"), json::value(yes_no()));
  EXPECT_FALSE(sent.at(0).contains("buttonsOnlyIn"));
  EXPECT_THAT(act({.kind = Kind::kDelete,
                   .channel = "fake",
                   .to = "1",
                   .message_id = "m1",
                   .buttons = yes_no()})
                  .error()
                  .message,
              HasSubstr("send or edit"));
}

TEST_F(ButtonsInARoom, AreRefusedWhereThereAreNone) {
  boot();
  EXPECT_THAT(send_buttons().error().message, HasSubstr("no buttons"));
}

TEST_F(ButtonsInARoom, AreRefusedWhenTheyAreOff) {
  boot_with(R"("allowFrom":["1"],"capabilities":{"inlineButtons":"off"})");
  EXPECT_THAT(send_buttons().error().message, HasSubstr("openclaw config set"));
  EXPECT_TRUE(sent.empty());
  offer(press("p1", "1"));
  settle();
  EXPECT_TRUE(read().empty());
}

TEST_F(ButtonsInARoom, TheirPlaceIsThePluginsToCheck) {
  boot_with(R"("allowFrom":["1"],"capabilities":{"inlineButtons":"dm"})");
  ASSERT_TRUE(send_buttons().has_value());
  EXPECT_EQ(sent.at(0).at("buttonsOnlyIn"), "direct");
}

TEST_F(ButtonsInARoom, APressIsAMessageOfItsSender) {
  boot_with(R"("allowFrom":["1"],"dmPolicy":"allowlist")");
  offer(press("p1", "1"));
  offer(press("p2", "9"));
  ASSERT_TRUE(until([&] { return sent.size() == 1; }));
  settle();
  EXPECT_EQ(sent_texts(), std::vector<std::string>{"re: yes"});
  EXPECT_EQ(read(), std::vector<std::string>{"1"});
  // The platform tells of a press twice: it is read once.
  offer(press("p1", "1"));
  settle();
  EXPECT_EQ(sent.size(), 1U);
}

TEST_F(ButtonsInARoom, InAnOpenGroupOnlyThoseWhoAreListedPressByDefault) {
  boot_with(R"("allowFrom":["1"],"groupPolicy":"open")");
  offer(press("p1", "9", true));
  offer(press("p2", "1", true));
  ASSERT_TRUE(until([&] { return sent.size() == 1; }));
  EXPECT_EQ(read(), std::vector<std::string>{"1"});
}

TEST_F(ButtonsInARoom, WithAllEverybodyWhoMayTalkMayPress) {
  boot_with(R"("allowFrom":["1"],"groupPolicy":"open","capabilities":{"inlineButtons":"all"})");
  offer(press("p1", "9", true));
  ASSERT_TRUE(until([&] { return sent.size() == 1; }));
  EXPECT_EQ(read(), std::vector<std::string>{"9"});
}

}  // namespace
}  // namespace openclaw::channel
