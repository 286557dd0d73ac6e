// Loads the example plugins that out_of_tree.sh has built, through the real host, and calls them.
#include <cstdlib>
#include <fstream>

#include "plugin/conformance.h"
#include "plugin_fixture.h"

namespace openclaw::plugin {
namespace {

namespace fs = std::filesystem;

const std::map<std::string, std::string> kAnswers = {
    {"echo", "echo"}, {"upper", "OPEN CLAW"}, {"reverse", "walc nepo"}};

class Examples : public PluginFixture {
 protected:
  std::vector<std::string> copy_all() {
    const char* from = std::getenv("OPENCLAW_TEST_EXAMPLES");  // NOLINT(concurrency-mt-unsafe)
    std::vector<std::string> names;
    if (!from) return names;
    options_.allow.clear();
    for (const auto& entry : fs::directory_iterator(from)) {
      const std::string name = entry.path().filename().string();
      const fs::path to = options_.state_dir / "plugins" / name;
      fs::copy(entry.path(), to, fs::copy_options::recursive);
      record(name);
      options_.allow.push_back(name);
      names.push_back(name);
    }
    return names;
  }
};

TEST_F(Examples, EachLoadsListsAndAnswers) {
  const auto names = copy_all();
  ASSERT_FALSE(names.empty()) << "run it by out_of_tree.sh, which sets OPENCLAW_TEST_EXAMPLES";
  for (const auto& name : names) {
    auto* plugin = load_and_start(name);
    ASSERT_NE(plugin, nullptr) << name;
    auto tools = run(plugin->call("tool.list", {}, Limits::within(std::chrono::seconds(10))));
    ASSERT_TRUE(tools) << tools.error().message;
    EXPECT_EQ(tools->at("tools").at(0).at("name").as_string(), name);
    auto answer = call(*plugin, name, R"({"text":"open claw"})");
    ASSERT_TRUE(answer) << answer.error().message;
    EXPECT_EQ(answer->at("content").at(0).at("text").as_string(), kAnswers.at(name)) << name;
    EXPECT_EQ(call(*plugin, "no-such-tool").error().code, Code::kNotFound);
  }
}

TEST_F(Examples, EachPassesTheConformanceSuite) {
  for (const auto& name : copy_all()) {
    auto report = check_conformance(options_.state_dir / "plugins" / name);
    ASSERT_TRUE(report);
    EXPECT_TRUE(report->at("ok").as_bool()) << json::serialize(*report);
  }
}

}  // namespace
}  // namespace openclaw::plugin
