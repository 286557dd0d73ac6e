// The menu of commands: told once, and anew when it changes.
#include "telegram_fixture.h"

namespace openclaw::telegram_test {
namespace {

class TelegramMenu : public TelegramFixture {
 protected:
  void life(json::object more, std::size_t set_calls, std::size_t delete_calls = 0) {
    PluginInstance* bot = up(std::move(more));
    run_until([&] {
      return calls("setMyCommands").size() >= set_calls &&
             calls("deleteMyCommands").size() >= delete_calls;
    });
    // A call that comes back is one that the menu would have been told before.
    EXPECT_TRUE(call(bot, "channel.probe", {}).has_value());
    down(bot);
    EXPECT_EQ(calls("setMyCommands").size(), set_calls);
    EXPECT_EQ(calls("deleteMyCommands").size(), delete_calls);
  }
};

TEST_F(TelegramMenu, IsToldOnceAndAgainOnlyWhenItChanged) {
  life({}, 1);
  life({}, 1);
  json::array own;
  own.push_back(json::object{{"command", "deploy"}, {"description", "Deploy it"}});
  life({{"customCommands", own}}, 2);
  const json::array told = calls("setMyCommands");
  const json::array list = told.back().at("params").at("commands").as_array();
  EXPECT_EQ(list.size(), 10u);
  EXPECT_EQ(list.back().at("command"), "deploy");
  EXPECT_FALSE(told.back().at("params").as_object().contains("scope"));
}

TEST_F(TelegramMenu, IsTakenBackWhenItIsTurnedOffAndOtherwiseLeftAlone) {
  const json::object off{{"commands", json::object{{"native", false}}}};
  life(off, 0);
  life({}, 1);
  life(off, 1, 1);
  life(off, 1, 1);
}

TEST_F(TelegramMenu, ARefusalIsNoHarmAndTheNextStartTriesAgain) {
  post("/faults", {{"method", "setMyCommands"},
                   {"action", "error"},
                   {"code", 400},
                   {"description", "Bad Request"},
                   {"count", 1}});
  life({}, 1);
  life({}, 2);
}

}  // namespace
}  // namespace openclaw::telegram_test
