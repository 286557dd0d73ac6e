#include "sandbox/explain.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace openclaw::sandbox {
namespace {

using ::testing::HasSubstr;

json::object explained(std::string_view text, std::string_view agent, std::string_view tool = {}) {
  config::Paths paths;
  paths.home = "/home/ada";
  paths.state_dir = "/home/ada/.openclaw";
  json::object root = json::parse(json::string_view(text.data(), text.size())).as_object();
  auto policy = policy::ToolPolicy::compile(
      root, {{"exec", "", false, false}, {"browser", "", false, false}}, {});
  config::Snapshot config = config::from_json(root);
  std::string session = "agent:" + std::string(agent) + ":x";
  return explain_json(*config, paths, agent, session, policy.get(), tool);
}

TEST(Explain, R201EachValueNamesItsSource) {
  json::object out =
      explained(R"({"agents":{"defaults":{"sandbox":{"mode":"all","docker":{"memory":"2g"}}},
      "list":[{"id":"work","sandbox":{"docker":{"memory":"3g"}}}]}})",
                "work");
  EXPECT_EQ(out.at("settings").at("docker.memory").at("value"), "3g");
  EXPECT_EQ(out.at("settings").at("docker.memory").at("source"),
            "agents.list[0].sandbox.docker.memory");
  EXPECT_EQ(out.at("settings").at("mode").at("source"), "agents.defaults.sandbox.mode");
  EXPECT_EQ(out.at("settings").at("docker.cpus").at("source"), "default");
  EXPECT_EQ(out.at("sandboxed"), true);
  EXPECT_THAT(explain_text(out), HasSubstr("3g"));
}

TEST(Explain, R162R202SharedScopeWarnsAndNamesWhatIsIgnored) {
  json::object out = explained(R"({"agents":{"defaults":{"sandbox":{"mode":"all","scope":"shared"}},
      "list":[{"id":"work","sandbox":{"docker":{"memory":"3g"}}}]}})",
                               "work");
  std::string warnings = json::serialize(out.at("warnings"));
  EXPECT_THAT(warnings, HasSubstr("nothing isolates one session from another"));
  EXPECT_THAT(warnings, HasSubstr("agents.list[0].sandbox.docker.memory is ignored"));
}

TEST(Explain, R218R219R224ListsAndTheVerdictOfATool) {
  json::object out =
      explained(R"({"agents":{"defaults":{"sandbox":{"mode":"all"}}}})", "main", "browser");
  EXPECT_THAT(json::serialize(out.at("allow")), HasSubstr("\"exec\""));
  EXPECT_THAT(json::serialize(out.at("deny")), HasSubstr("\"browser\""));
  EXPECT_EQ(out.at("tool").at("allowed"), false);
  EXPECT_THAT(explain_text(out), HasSubstr("browser"));
}

TEST(Explain, D1TheRuleForTheUserIsNamed) {
  json::object out = explained(R"({"agents":{"defaults":{"sandbox":{"mode":"all"}}}})", "main");
  EXPECT_THAT(std::string(out.at("user").at("rule").as_string()),
              HasSubstr("owner of the mounted workspace"));
}

}  // namespace
}  // namespace openclaw::sandbox
