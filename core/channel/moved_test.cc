// A conversation that its platform moves to a new id (a group that becomes a supergroup) goes on as
// it was.
#include "channel/channel_fixture_for_test.h"

namespace openclaw::channel {
namespace {

class MovedConversation : public ChannelServiceTest {
 protected:
  void configure(const std::string& group, const std::string& bound) {
    config_text_ = R"({"channels":{"fake":{"token":"t","groupPolicy":"open","groups":{")" + group +
                   R"(":{"requireMention":false}}}},
      "agents":{"list":[{"id":"main","default":true},{"id":"ops"}]},
      "bindings":[{"agentId":"ops","match":{"channel":"fake","peer":{"kind":"group","id":")" +
                   bound + R"("}}}]})";
  }
  json::object said(const std::string& id, const std::string& group,
                    const std::string& former = "") {
    json::object event = message(id, "hello");
    event["conversation"] = json::object{{"id", group}, {"type", "group"}};
    if (!former.empty()) event["conversation"].as_object()["formerId"] = former;
    return event;
  }
  const agent::TurnRequest& turn(std::size_t index) { return life_->agent.requests.at(index); }
};

TEST_F(MovedConversation, KeepsItsRulesItsAgentAndItsSession) {
  configure("-7", "-7");
  boot();
  offer(said("e1", "-7"));
  ASSERT_TRUE(until([&] { return sent.size() == 1; }));
  offer(said("e2", "-1007", "-7"));
  ASSERT_TRUE(until([&] { return sent.size() == 2; }));
  EXPECT_EQ(turn(1).session_key, turn(0).session_key);
  EXPECT_EQ(turn(1).session_key, "agent:ops:fake:group:-7");
  EXPECT_EQ(turn(1).origin.group_id, "-7");  // whose tools are limited under "groups"
  EXPECT_EQ(sent[1].at("conversation").at("id"), "-1007");
}

TEST_F(MovedConversation, IsANewOneOnceTheConfigurationNamesTheNewId) {
  configure("-1007", "-1007");
  boot();
  offer(said("e1", "-1007", "-7"));
  ASSERT_TRUE(until([&] { return sent.size() == 1; }));
  EXPECT_EQ(turn(0).session_key, "agent:ops:fake:group:-1007");
  EXPECT_EQ(turn(0).origin.group_id, "-1007");
}

}  // namespace
}  // namespace openclaw::channel
