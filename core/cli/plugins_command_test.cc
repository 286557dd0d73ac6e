#include "cli/command_fixture_for_test.h"

namespace openclaw::cli {
namespace {

using ::testing::HasSubstr;
namespace fs = std::filesystem;

class PluginsCommand : public CommandTest {
 protected:
  json::value listed(const std::string& id) {
    auto outcome = run({"plugins", "list", "--json"});
    EXPECT_EQ(outcome.code, 0) << outcome.err;
    return element(outcome.json, "/plugins", "/id", id);
  }
};

TEST_F(PluginsCommand, ListSaysWhatMayBeUsedAndWhyNot) {
  put_plugin(bundled, "marker");
  put_plugin(state / "plugins", "newer");
  fs::permissions(put_plugin(bundled, "face") / "libopenclaw-face.so", fs::perms(0666));
  auto marker = listed("marker");
  EXPECT_EQ(text_at(marker, "/state"), "available");
  EXPECT_EQ(text_at(marker, "/kind/0"), "tool");
  EXPECT_EQ(text_at(marker, "/origin"), "bundled");
  auto newer = listed("newer");
  EXPECT_EQ(text_at(newer, "/state"), "disabled");
  EXPECT_THAT(text_at(newer, "/reason"), HasSubstr("plugins.allow"));
  auto face = listed("face");
  EXPECT_EQ(text_at(face, "/state"), "refused");
  EXPECT_THAT(text_at(face, "/reason"), HasSubstr("chmod go-w"));
}

TEST_F(PluginsCommand, DisableAndEnableWriteTheConfiguration) {
  put_plugin(bundled, "marker");
  ASSERT_EQ(run({"plugins", "disable", "marker"}).code, 0);
  EXPECT_EQ(text_at(listed("marker"), "/state"), "disabled");
  EXPECT_THAT(text_at(listed("marker"), "/reason"), HasSubstr("openclaw plugins enable marker"));
  ASSERT_EQ(run({"plugins", "enable", "marker"}).code, 0);
  EXPECT_EQ(text_at(listed("marker"), "/state"), "available");
  EXPECT_EQ(run({"plugins", "enable", "nothing"}).code, 1);
}

TEST_F(PluginsCommand, InspectRunsNoCode) {
  auto folder = put_plugin(bundled, "marker");
  auto mark = temp_.path() / "mark";
  setenv("OPENCLAW_TEST_MARKER", mark.c_str(), 1);
  auto by_id = run({"plugins", "inspect", "marker", "--json"});
  EXPECT_EQ(by_id.code, 0) << by_id.out;
  EXPECT_EQ(text_at(by_id.json, "/note/id"), "marker");
  EXPECT_EQ(by_id.json.at("trust").at("ok"), true);
  auto by_file = run({"plugins", "inspect", (folder / "libopenclaw-marker.so").string(), "--json"});
  EXPECT_EQ(text_at(by_file.json, "/sha256/library"), text_at(by_id.json, "/sha256/library"));
  unsetenv("OPENCLAW_TEST_MARKER");
  EXPECT_FALSE(fs::exists(mark));
}

TEST_F(PluginsCommand, InspectOfAnUntrustedFileFailsAndSaysWhy) {
  auto outcome = run({"plugins", "inspect", put_plugin(temp_.path() / "elsewhere", "marker").string()});
  EXPECT_EQ(outcome.code, 1);
  EXPECT_THAT(outcome.out, HasSubstr("openclaw plugins install"));
  EXPECT_EQ(run({"plugins", "inspect", "no-such-plugin"}).code, 1);
}

TEST_F(PluginsCommand, CheckRunsTheSuite) {
  auto folder = put_plugin(temp_.path() / "work", "marker");
  auto good = run({"plugins", "check", folder.string(), "--json"});
  EXPECT_EQ(good.code, 0) << good.out;
  EXPECT_GE(good.json.at("checks").as_array().size(), 12U);
  auto kind = run({"plugins", "check", folder.string(), "--kind", "channel"});
  EXPECT_EQ(kind.code, 1);
  EXPECT_THAT(kind.out, HasSubstr("native.provides of the manifest has: tool"));
  auto bad = run({"plugins", "check", put_plugin(temp_.path() / "work", "chaos").string()});
  EXPECT_EQ(bad.code, 1);
  EXPECT_THAT(bad.out, HasSubstr("openclaw.nonsense/1"));
  EXPECT_EQ(run({"plugins", "check", "/nonexistent.so"}).code, 1);
}

TEST_F(PluginsCommand, AnInstalledPluginMayBeUsedUntilItChanges) {
  auto source = put_plugin(temp_.path() / "download", "marker");
  auto pinned = run({"plugins", "install", source.string(), "--sha256", std::string(64, '0'), "--yes"});
  EXPECT_EQ(pinned.code, 1);
  EXPECT_TRUE(listed("marker").is_null());
  auto installed = run({"plugins", "install", source.string(), "--yes", "--json"});
  ASSERT_EQ(installed.code, 0) << installed.out;
  auto folder = state / "plugins" / "marker";
  EXPECT_EQ(text_at(installed.json, "/path"), folder.string());
  EXPECT_EQ(text_at(listed("marker"), "/state"), "available");
  EXPECT_EQ(run({"plugins", "inspect", "marker"}).code, 0);
  std::ofstream(folder / "libopenclaw-marker.so", std::ios::app) << "x";
  auto changed = run({"plugins", "inspect", "marker"});
  EXPECT_EQ(changed.code, 1);
  EXPECT_THAT(changed.out, HasSubstr("is not the file that was installed"));
  EXPECT_EQ(run({"plugins", "uninstall", "marker"}).code, 0);
  EXPECT_TRUE(listed("marker").is_null());
  EXPECT_EQ(run({"plugins", "uninstall", "marker"}).code, 1);
}

}  // namespace
}  // namespace openclaw::cli
