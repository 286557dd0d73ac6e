// Messages with one groupId, such as the photos of an album, are one turn.
#include "channel/channel_fixture_for_test.h"

namespace openclaw::channel {
namespace {

class Groups : public ChannelServiceTest {
 protected:
  Groups() {
    config_text_ =
        R"({"channels":{"fake":{"token":"t","allowFrom":["1","2"],"mediaGroupFlushMs":100}}})";
  }
  json::object part(const std::string& id, const std::string& text = "",
                    const std::string& group = "g1") {
    json::object event = message(id, text);
    event["groupId"] = group;
    event["attachments"] =
        json::array{json::object{{"kind", "photo"}, {"mime", "image/jpeg"}, {"ref", "ref-" + id}}};
    return event;
  }
  const agent::TurnRequest& turn(std::size_t index) { return life_->agent.requests.at(index); }
};

TEST_F(Groups, APartsFilesAndWordsAreOneTurn) {
  boot();
  offer(part("e1"));
  offer(part("e2", "look"));
  offer(part("e3"));
  offer(message("e4", "next"));
  ASSERT_TRUE(until([&] { return sent.size() == 2; }));
  ASSERT_EQ(life_->agent.requests.size(), 2U);
  EXPECT_EQ(turn(0).text, "look");
  EXPECT_EQ(turn(0).files.size(), 3U);
  EXPECT_EQ(turn(1).text, "next");
  EXPECT_EQ(turn(1).files.size(), 0U);
}

TEST_F(Groups, TwoGroupsAreTwoTurns) {
  boot();
  offer(part("e1", "one", "g1"));
  offer(part("e2", "two", "g2"));
  ASSERT_TRUE(until([&] { return sent.size() == 2; }));
  EXPECT_EQ(turn(0).text, "one");
  EXPECT_EQ(turn(1).text, "two");
}

TEST_F(Groups, P1ACrashBeforeTheLastPartLosesNoneAndMakesOneTurn) {
  boot();
  offer(part("e1", "look"));
  offer(part("e2"));
  crash();
  boot();
  offer(part("e3"));
  ASSERT_TRUE(until([&] { return sent.size() == 1; }));
  settle();
  ASSERT_EQ(life_->agent.requests.size(), 1U);
  EXPECT_EQ(turn(0).files.size(), 3U);
}

TEST_F(Groups, P2ACrashInTheTurnGoesOnWithItAndMakesNoSecondOne) {
  prepare = [](Life& life) { life.agent.held = true; };
  boot();
  offer(part("e1", "look"));
  offer(part("e2"));
  crash_in_the_turn();
  settle();
  ASSERT_EQ(life_->agent.requests.size(), 1U);
  EXPECT_TRUE(turn(0).resume);
  EXPECT_EQ(turn(0).files.size(), 2U);
  stop_cleanly();
  boot();
  settle();
  EXPECT_TRUE(life_->agent.requests.empty());
}

TEST_F(Groups, OfAStrangerAreNotRead) {
  config_text_ = R"({"channels":{"fake":{"token":"t","allowFrom":["2"],"dmPolicy":"allowlist",
      "mediaGroupFlushMs":50}}})";
  boot();
  offer(part("e1", "look"));
  offer(part("e2"));
  offer(message("e3", "hello", "2"));
  ASSERT_TRUE(until([&] { return sent.size() == 1; }));
  settle();
  EXPECT_EQ(life_->agent.requests.size(), 1U);
}

}  // namespace
}  // namespace openclaw::channel
