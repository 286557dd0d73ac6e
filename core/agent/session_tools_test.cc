#include <random>

#include "agent/agent_fixture_for_test.h"
#include "session/session_key.h"

namespace openclaw::agent {
namespace {

using testing::HasSubstr;

class SessionToolsTest : public AgentTest {
 protected:
  tool::ToolCall call(std::string name, json::object args, std::string session = kMain) {
    tool::ToolCall out;
    out.tool = std::move(name);
    out.args = std::move(args);
    out.entry = tool::Entry::kAgent;
    auto parts = session::parse_key(session, *config_->current()).value();
    out.caller.agent_id = parts.agent_id;
    out.caller.subagent_depth = parts.subagent_depth;
    out.caller.sandboxed = agents().is_sandboxed(parts.agent_id, session);
    out.caller.session_key = std::move(session);
    return out;
  }
  Result<tool::ToolResult> invoke(tool::ToolCall what) {
    agents();
    return wait(tools_->invoke(std::move(what), Limits::within(std::chrono::seconds(10))));
  }
  json::object details(tool::ToolCall what) {
    auto result = invoke(std::move(what));
    EXPECT_TRUE(result.has_value()) << (result.has_error() ? result.error().message : "");
    return result.has_value() ? result.value().details : json::object();
  }
};

TEST_F(SessionToolsTest, AnAgentSeesItselfAndWhatItStarted) {
  agents();
  turn("x");
  turn("y", "agent:main:other");
  wait(sessions_->update("agent:main:subagent:a", json::object{{"spawnedBy", kMain}})).value();
  wait(sessions_->update("agent:main:subagent:a:subagent:b",
                         json::object{{"spawnedBy", "agent:main:subagent:a"}}))
      .value();
  auto keys = [&](tool::ToolCall what) {
    std::set<std::string> out;
    auto listed = details(std::move(what));
    for (auto& row : listed.at("sessions").as_array()) {
      out.insert(std::string(row.at("key").as_string()));
    }
    return out;
  };
  EXPECT_EQ(
      keys(call("sessions_list", {})),
      (std::set<std::string>{kMain, "agent:main:subagent:a", "agent:main:subagent:a:subagent:b"}));
  auto person = call("sessions_list", {});
  person.entry = tool::Entry::kRpc;
  person.caller.is_owner = true;
  EXPECT_EQ(keys(person).size(), 4U);
  auto refused = invoke(call("sessions_history", {{"sessionKey", "agent:main:other"}}));
  EXPECT_TRUE(refused.value().is_error);
  EXPECT_THAT(refused.value().joined_text(), HasSubstr("tools.sessions.visibility"));
}

TEST_F(SessionToolsTest, HistoryShowsTextOnly) {
  agents();
  turn("question");
  auto history = details(call("sessions_history", {{"sessionKey", "main"}}));
  auto& rows = history.at("messages").as_array();
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_THAT(std::string(rows[0].at("text").as_string()), HasSubstr("question"));
  EXPECT_EQ(rows[1].at("text"), "ok");
}

TEST_F(SessionToolsTest, StatusNeedsNoDisk) {
  agents();
  EXPECT_THAT(invoke(call("session_status", {})).value().joined_text(),
              HasSubstr("no messages yet"));
  turn("x");
  std::filesystem::remove_all(dir_.path() / "agents");
  auto status = invoke(call("session_status", {})).value();
  EXPECT_EQ(status.details.at("model"), "m1");
  EXPECT_THAT(status.joined_text(), HasSubstr("mock/m1"));
}

TEST_F(SessionToolsTest, SendWaitsForTheAnswer) {
  root_["tools"] = json::parse(R"({"sessions":{"visibility":"agent"}})");
  agents();
  turn("x", "agent:main:other");
  script({says({"from the other"})});
  auto sent = details(call("sessions_send", {{"sessionKey", "other"}, {"message", "hello"}}));
  EXPECT_EQ(sent.at("status"), "ok");
  EXPECT_EQ(sent.at("reply"), "from the other");
  EXPECT_TRUE(
      invoke(call("sessions_send", {{"sessionKey", "main"}, {"message", "x"}})).value().is_error);
  auto accepted = details(call(
      "sessions_send", {{"sessionKey", "other"}, {"message", "/stop"}, {"timeoutSeconds", 0}}));
  EXPECT_EQ(accepted.at("status"), "accepted");
  until([&] { return agents().active_runs() == 0 && model().requests.size() == 3; });
  // What a model writes is never a command.
  EXPECT_THAT(json::serialize(model().requests.at(2)), HasSubstr("/stop"));
}

TEST_F(SessionToolsTest, ASubAgentWorksAndReportsBack) {
  agents();
  script({calls({{"c1", "sessions_spawn", {{"task", "count to three"}, {"label", "counter"}}}}),
          says({"started"}), says({"1 2 3"}), says({"It counted."})});
  std::vector<std::string> sessions_seen;
  EXPECT_THAT(turn("count").text, HasSubstr("started"));
  until([&] { return agents().active_runs() == 0 && model().requests.size() == 4; });
  std::string news;
  for (auto& message : context()) news += text_in(message) + "\n";
  EXPECT_THAT(news, HasSubstr("[Sub-agent counter has ended: ok]\n1 2 3"));
  EXPECT_THAT(news, HasSubstr("It counted."));
  auto all = wait(sessions_->list("main")).value();
  ASSERT_EQ(all.size(), 2U);
  for (auto& row : all) {
    if (row.at("key") == kMain) continue;
    EXPECT_EQ(row.at("spawnedBy"), kMain);
    EXPECT_EQ(row.at("spawnDepth"), 1);
    EXPECT_THAT(std::string(row.at("key").as_string()),
                testing::StartsWith("agent:main:subagent:"));
  }
  EXPECT_THAT(std::string(model().requests.at(2).at("system").as_string()), HasSubstr("sub-agent"));
}

TEST_F(SessionToolsTest, DepthAndTargetsAreLimited) {
  root_["agents"] = json::parse(R"({"list":[{"id":"main","default":true},{"id":"ops"}]})");
  agents();
  // The policy takes the tool away from leaves; were it there, the tool itself still refuses.
  auto nested = call("sessions_spawn", {{"task", "x"}}, "agent:main:subagent:a");
  EXPECT_TRUE(invoke(nested).has_error());
  auto foreign = invoke(call("sessions_spawn", {{"task", "x"}, {"agentId", "ops"}}));
  ASSERT_TRUE(foreign.has_error());
  EXPECT_EQ(foreign.error().code, Code::kPermissionDenied);
  EXPECT_THAT(foreign.error().message, HasSubstr("allowAgents"));
}

// A22: over random trees of spawns, confinement only grows.
TEST_F(SessionToolsTest, AChildIsNeverLessConfinedThanItsParent) {
  root_["agents"] =
      json::parse(R"({"defaults":{"subagents":{"maxSpawnDepth":4,"maxChildrenPerAgent":20,
      "allowAgents":["*"]}},"list":[{"id":"main","default":true},{"id":"free"},{"id":"jail"}]})");
  sandboxes_.sandboxed = [](std::string_view agent, std::string_view key) {
    return agent == "jail" || (agent == "main" && key != kMain);  // non-main; "free" never
  };
  agents();
  tools_->set_policy(policy::ToolPolicy::compile(
      json::parse(R"({"tools":{"subagents":{"tools":{"alsoAllow":["sessions_spawn"]}},
                      "sandbox":{"tools":{"allow":["sessions_spawn"]}}}})")
          .as_object(),
      tools_->facts(), {}));
  std::mt19937 random(7);
  std::vector<std::string> sessions{kMain, "agent:free:main", "agent:jail:main"};
  int refused = 0;
  int made = 0;
  for (int i = 0; i < 120; ++i) {
    auto parent = sessions[random() % sessions.size()];
    auto target = std::vector<std::string>{"main", "free", "jail"}[random() % 3];
    auto what = call("sessions_spawn", {{"task", "x"}, {"agentId", target}}, parent);
    auto depth = what.caller.subagent_depth;
    auto confined = what.caller.sandboxed;
    auto result = invoke(std::move(what));
    if (result.has_error()) {
      ++refused;
      continue;
    }
    ++made;
    auto child = std::string(result.value().details.at("childSessionKey").as_string());
    auto parts = session::parse_key(child, *config_->current()).value();
    EXPECT_EQ(parts.subagent_depth, depth + 1) << child;
    EXPECT_TRUE(!confined || agents().is_sandboxed(parts.agent_id, child))
        << parent << " -> " << child;
    sessions.push_back(child);
    until([&] { return agents().active_runs() == 0; });
  }
  EXPECT_GT(refused, 0);
  EXPECT_GT(made, 20);
}

}  // namespace
}  // namespace openclaw::agent
