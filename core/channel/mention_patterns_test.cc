// Words that count as a mention in a group.
#include "channel/channel_fixture_for_test.h"

namespace openclaw::channel {
namespace {

using testing::ElementsAre;

class Mentions : public ChannelServiceTest {
 protected:
  void configure(const std::string& more) {
    config_text_ = R"({"channels":{"fake":{"token":"t","groupPolicy":"open"}},)" + more + "}";
  }
  json::object said(const std::string& id, const std::string& text,
                    const std::string& group = "-7") {
    json::object event = message(id, text);
    event["conversation"] = json::object{{"id", group}, {"type", "group"}};
    return event;
  }
  std::vector<std::string> read_texts() const {
    std::vector<std::string> out;
    for (const auto& request : life_->agent.requests) out.push_back(request.text);
    return out;
  }
};

TEST_F(Mentions, ASpokenNameCountsWhateverItsCase) {
  configure(R"("messages":{"groupChat":{"mentionPatterns":["\\bclaw\\b","^hey robot"]}})");
  boot();
  offer(said("e1", "nothing for you"));
  offer(said("e2", "well, CLAW, what now?"));
  offer(said("e3", "clawing is another word"));
  offer(said("e4", "Hey robot!"));
  ASSERT_TRUE(until([&] { return sent.size() == 2; }));
  settle();
  EXPECT_THAT(read_texts(), ElementsAre("well, CLAW, what now?", "Hey robot!"));
}

TEST_F(Mentions, AnAgentsOwnWordsReplaceTheGeneralOnes) {
  configure(R"("messages":{"groupChat":{"mentionPatterns":["claw"]}},
      "agents":{"list":[{"id":"main","default":true},{"id":"ops","groupChat":{"mentionPatterns":["pager"]}},
                        {"id":"mute","groupChat":{"mentionPatterns":[]}}]},
      "bindings":[{"agentId":"ops","match":{"channel":"fake","peer":{"kind":"group","id":"-8"}}},
                  {"agentId":"mute","match":{"channel":"fake","peer":{"kind":"group","id":"-9"}}}])");
  boot();
  offer(said("e1", "claw and pager", "-9"));
  offer(said("e2", "claw", "-8"));
  offer(said("e3", "pager", "-8"));
  ASSERT_TRUE(until([&] { return sent.size() == 1; }));
  offer(said("e4", "claw"));
  ASSERT_TRUE(until([&] { return sent.size() == 2; }));
  settle();
  EXPECT_THAT(read_texts(), ElementsAre("pager", "claw"));
}

// The configuration's check refuses it; one that is there all the same lets nobody in.
TEST_F(Mentions, AnExpressionThatDoesNotCompileMatchesNothing) {
  configure(R"("messages":{"groupChat":{"mentionPatterns":["(claw","robot"]}})");
  boot();
  offer(said("e1", "claw"));
  offer(said("e2", "robot"));
  ASSERT_TRUE(until([&] { return sent.size() == 1; }));
  settle();
  EXPECT_THAT(read_texts(), ElementsAre("robot"));
}

}  // namespace
}  // namespace openclaw::channel
