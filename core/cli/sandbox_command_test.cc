#include <chrono>

#include "cli/command_fixture_for_test.h"

namespace openclaw::cli {
namespace {

using ::testing::HasSubstr;

class SandboxCommand : public CommandTest {
 protected:
  json::value tool(const Outcome& outcome, std::string_view name) {
    return element(outcome.json, "/tools", "/name", name);
  }
};

TEST_F(SandboxCommand, ExplainWorksWithoutConfigurationAndGateway) {
  auto outcome = run({"sandbox", "explain", "--json"});
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_EQ(outcome.json.at("sandboxed"), false);
  EXPECT_EQ(text_at(outcome.json, "/settings/mode/source"), "default");
  EXPECT_EQ(text_at(outcome.json, "/sessionKey"), "agent:main:main");
  EXPECT_EQ(tool(outcome, "exec").at("allowed"), true);
}

TEST_F(SandboxCommand, ExplainNamesRuleLayerKeyAndPlaceOfEachLayer) {
  config(
      "[tools]\ndeny = [\"process\"]\n\n[agents.defaults.sandbox]\nmode = \"all\"\n\n"
      "[tools.sandbox.tools]\ndeny = [\"write\"]\n\n"
      "[[agents.list]]\nid = \"main\"\n[agents.list.tools]\ndeny = [\"sessions_*\"]\n");
  auto outcome = run({"sandbox", "explain", "--json"});
  ASSERT_EQ(outcome.code, 0) << outcome.err << outcome.out;
  EXPECT_EQ(outcome.json.at("sandboxed"), true);
  EXPECT_EQ(text_at(outcome.json, "/settings/mode/origin"), "openclaw.toml:5:8");

  auto global = tool(outcome, "process");
  EXPECT_EQ(global.at("allowed"), false);
  EXPECT_EQ(text_at(global, "/layer"), "global");
  EXPECT_EQ(text_at(global, "/key"), "tools.deny");
  EXPECT_EQ(text_at(global, "/rule"), "deny: process");
  EXPECT_EQ(text_at(global, "/file"), "openclaw.toml:2:8");
  EXPECT_THAT(text_at(global, "/fix"), HasSubstr("tools.deny"));

  auto agent = tool(outcome, "sessions_list");
  EXPECT_EQ(text_at(agent, "/layer"), "agent");
  EXPECT_EQ(text_at(agent, "/key"), "agents.list[0].tools.deny");
  EXPECT_EQ(text_at(agent, "/rule"), "deny: sessions_*");

  auto sandbox = tool(outcome, "write");
  EXPECT_EQ(text_at(sandbox, "/layer"), "sandbox");
  EXPECT_EQ(text_at(sandbox, "/key"), "tools.sandbox.tools.deny");

  EXPECT_EQ(tool(outcome, "exec").at("allowed"), true);
  EXPECT_EQ(text_at(outcome.json, "/denySource"), "tools.sandbox.tools.deny");
  EXPECT_EQ(text_at(outcome.json, "/denyOrigin"), "openclaw.toml:8:8");
}

TEST_F(SandboxCommand, ExplainAnswersAboutOneTool) {
  config("[tools]\nprofile = \"minimal\"\n");
  auto outcome = run({"sandbox", "explain", "--tool", "bash", "--json"});
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_EQ(text_at(outcome.json, "/tool/name"), "exec");
  EXPECT_EQ(outcome.json.at("tool").at("allowed"), false);
  EXPECT_EQ(text_at(outcome.json, "/tool/layer"), "profile");
  EXPECT_EQ(text_at(outcome.json, "/tool/rule"), "profile minimal");
  EXPECT_EQ(text_at(outcome.json, "/tool/key"), "tools.profile");
  auto text = run({"sandbox", "explain", "--tool", "bash"});
  EXPECT_THAT(text.out, HasSubstr("tools.profile (openclaw.toml:2:11)"));
}

TEST_F(SandboxCommand, ExplainLooksAtTheSessionItIsAskedAbout) {
  config("[agents.defaults.sandbox]\nmode = \"non-main\"\n");
  EXPECT_EQ(run({"sandbox", "explain", "--json"}).json.at("sandboxed"), false);
  auto group = run({"sandbox", "explain", "--session", "telegram:group:-100", "--json"});
  EXPECT_EQ(group.json.at("sandboxed"), true);
  EXPECT_EQ(text_at(group.json, "/caller/groupId"), "-100");
}

TEST_F(SandboxCommand, ExplainKnowsTheToolsOfUsablePlugins) {
  put_plugin(bundled, "marker");
  write(bundled / "marker" / "openclaw.plugin.json",
        R"({"id":"marker","version":"1.0.0","native":{"provides":["openclaw.tool/1"]},)"
        R"("tools":[{"name":"mark"}],"configSchema":{"type":"object"}})",
        0644);
  auto outcome = run({"sandbox", "explain", "--json"});
  EXPECT_EQ(text_at(tool(outcome, "mark"), "/plugin"), "marker");
  config("[plugins.entries.marker]\nenabled = false\n");
  EXPECT_TRUE(tool(run({"sandbox", "explain", "--json"}), "mark").is_null());
}

TEST_F(SandboxCommand, AnUnknownAgentIsAnError) {
  auto outcome = run({"sandbox", "explain", "--agent", "nobody"});
  EXPECT_EQ(outcome.code, 1);
  EXPECT_THAT(outcome.err, HasSubstr("Known agents: main"));
}

TEST_F(SandboxCommand, ABrokenConfigurationIsExitCode78) {
  config("[tools]\nprofil = \"minimal\"\n");
  auto outcome = run({"sandbox", "explain"});
  EXPECT_EQ(outcome.code, 78);
  EXPECT_THAT(outcome.err, HasSubstr("openclaw.toml:2"));
}

TEST_F(SandboxCommand, ListWithoutGatewayAndEngineShowsWhatWasWrittenDown) {
  write(state / "sandbox" / "containers.json",
        R"({"entries":[{"containerName":"openclaw-sbx-a","sessionKey":"agent:main",)"
        R"("createdAtMs":1,"lastUsedAtMs":2,"image":"img:1","configHash":"x"}]})");
  auto outcome = run({"sandbox", "list", "--json"});
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_EQ(text_at(outcome.json, "/source"), "record");
  EXPECT_EQ(text_at(outcome.json, "/containers/0/containerName"), "openclaw-sbx-a");
  EXPECT_THAT(text_at(outcome.json, "/problem"), HasSubstr("openclaw plugins list"));
}

TEST_F(SandboxCommand, RecreateAsksWhichContainers) {
  auto outcome = run({"sandbox", "recreate"});
  EXPECT_EQ(outcome.code, 2);
  EXPECT_THAT(outcome.err, HasSubstr("--all"));
  EXPECT_EQ(run({"sandbox", "recreate", "--all", "--agent", "main"}).code, 2);
}

TEST_F(SandboxCommand, RecreateWithoutABackendSaysWhatToType) {
  auto outcome = run({"sandbox", "recreate", "--all"});
  EXPECT_EQ(outcome.code, 1);
  EXPECT_THAT(outcome.err, HasSubstr("openclaw plugins list"));
}

}  // namespace
}  // namespace openclaw::cli
