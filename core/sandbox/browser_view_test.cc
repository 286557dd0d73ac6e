#include "sandbox/browser_view.h"

#include <sys/stat.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sandbox/fixed_config_for_test.h"
#include "storage/atomic_file.h"
#include "storage/temp_dir_for_test.h"

namespace openclaw::sandbox {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

BrowserView browser_with(const std::string& browser, const std::string& docker = "{}",
                         const std::filesystem::path& home = "/home/ada") {
  config::Paths paths;
  paths.home = home;
  paths.state_dir = home / ".openclaw";
  FixedConfig config(R"({"agents":{"defaults":{"sandbox":{"mode":"all","docker":)" + docker +
                     R"(,"browser":)" + browser + "}}}}");
  View view = resolve_view(config, paths, "main", "agent:main:x");
  return resolve_browser(paths, view);
}

std::string variable(const BrowserView& view, std::string_view name) {
  const json::value* value = view.spec.at("env").as_object().if_contains(name);
  return value ? std::string(value->as_string()) : std::string();
}

TEST(BrowserViewTest, R239R245TheDefaultsAreThoseOfTheGuide) {
  BrowserView view = browser_with("{}");
  EXPECT_FALSE(view.enabled);
  EXPECT_FALSE(view.allow_host_control) << "D8";
  EXPECT_EQ(view.spec.at("kind"), "browser");
  EXPECT_EQ(view.spec.at("image"), "openclaw-sandbox-browser:bookworm-slim");
  EXPECT_EQ(view.spec.at("network"), "openclaw-sandbox-browser");
  EXPECT_TRUE(view.name.starts_with("openclaw-sbx-browser-agent-main-")) << view.name;
  EXPECT_EQ(view.spec.at("ports"), (json::array{9222, 6080}));
  EXPECT_EQ(view.spec.at("readOnlyRoot"), true);
  EXPECT_EQ(view.spec.at("capDrop"), (json::array{"ALL"}));
  EXPECT_EQ(view.start_time, std::chrono::milliseconds(12000));
  EXPECT_FALSE(view.user.starts_with("0:")) << "Chromium's sandbox does not work as root";
}

// The folder that the agent's workspace lies in is somebody's home.
TEST(BrowserViewTest, A9R197BindsMayComeFromTheWorkspacesAndNotFromBesideThem) {
  config::Paths paths;
  paths.home = "/home/ada";
  paths.state_dir = "/home/ada/.openclaw";
  FixedConfig config(R"({"agents":{"defaults":{"workspace":"/home/ada/ws",
      "sandbox":{"mode":"all","workspaceAccess":"rw","browser":{"enabled":true}}}}})");
  View view = resolve_view(config, paths, "main", "agent:main:x");
  EXPECT_EQ(resolve_browser(paths, view).spec.at("bindRoots"),
            (json::array{"/home/ada/ws", "/home/ada/.openclaw/sandboxes"}));
}

TEST(BrowserViewTest, R247TheScreenIsWatchedOnlyWhereThereIsOneAndItIsWanted) {
  struct Row {
    const char* settings;
    bool watched;
  };
  for (const Row& row :
       {Row{"{}", true}, Row{R"({"headless":true})", false}, Row{R"({"enableNoVnc":false})", false},
        Row{R"({"noVncEnabled":false})", false},
        Row{R"({"enableNoVnc":true,"noVncEnabled":false})", true},
        Row{R"({"enableNoVnc":true,"headless":true})", false}}) {
    BrowserView view = browser_with(row.settings);
    EXPECT_EQ(view.watched, row.watched) << row.settings;
    EXPECT_EQ(variable(view, "OPENCLAW_BROWSER_NOVNC"), row.watched ? "1" : "0");
    EXPECT_EQ(view.spec.at("ports").as_array().size(), row.watched ? 2U : 1U);
    EXPECT_EQ(view.spec.at("mounts").as_array().size(), row.watched ? 2U : 1U);
  }
}

TEST(BrowserViewTest, R240TheRangeOfAddressesReachesTheContainer) {
  EXPECT_EQ(variable(browser_with("{}"), "OPENCLAW_BROWSER_CDP_SOURCE_RANGE"), "");
  EXPECT_EQ(variable(browser_with(R"({"cdpSourceRange":"172.21.0.1/32"})"),
                     "OPENCLAW_BROWSER_CDP_SOURCE_RANGE"),
            "172.21.0.1/32");
}

TEST(BrowserViewTest, OnlyVariablesThatTakeNoWallDownArePassedOn) {
  BrowserView view = browser_with("{}", R"({"env":{"SECRET":"x","OPENCLAW_BROWSER_NO_SANDBOX":"1",
      "OPENCLAW_BROWSER_DISABLE_EXTENSIONS":"0","OPENCLAW_BROWSER_NOVNC":"0"}})");
  EXPECT_EQ(variable(view, "OPENCLAW_BROWSER_DISABLE_EXTENSIONS"), "0");
  EXPECT_EQ(variable(view, "OPENCLAW_BROWSER_NOVNC"), "1") << "the setting decides";
  std::string all = json::serialize(view.spec.at("env"));
  EXPECT_THAT(all, Not(HasSubstr("SECRET")));
  EXPECT_THAT(all, Not(HasSubstr("NO_SANDBOX")));
}

TEST(BrowserViewTest, AnotherSettingIsAnotherContainerAndAnotherSessionIsNot) {
  EXPECT_NE(browser_with("{}").config_hash, browser_with(R"({"headless":true})").config_hash);
  EXPECT_NE(browser_with("{}").config_hash, browser_with("{}", R"({"memory":"2g"})").config_hash);
  EXPECT_EQ(browser_with("{}").config_hash,
            browser_with(R"({"autoStartTimeoutMs":1})").config_hash);
}

TEST(BrowserFolder, R241ThePasswordIsRandomKeptAndForNobodyElse) {
  storage::TempDir temp;
  BrowserView view = browser_with("{}", "{}", temp.path());
  auto prepared = prepare_browser_folder(view);
  ASSERT_TRUE(prepared.has_value()) << prepared.error().message;
  auto password = storage::read_file_bounded(view.password_file(), 100);
  ASSERT_TRUE(password.has_value());
  EXPECT_EQ(password->size(), 9U) << "eight characters and the end of the line";
  struct stat info {};
  ASSERT_EQ(::stat(view.password_file().c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777U, 0600U);
  ASSERT_EQ(::stat(view.profile().c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777U, 0700U);
  EXPECT_EQ(std::to_string(info.st_uid) + ":" + std::to_string(info.st_gid), view.user);
  ASSERT_TRUE(prepare_browser_folder(view).has_value());
  EXPECT_EQ(*storage::read_file_bounded(view.password_file(), 100), *password) << "kept";
  storage::TempDir other;
  BrowserView second = browser_with("{}", "{}", other.path());
  ASSERT_TRUE(prepare_browser_folder(second).has_value());
  EXPECT_NE(*storage::read_file_bounded(second.password_file(), 100), *password);
}

TEST(BrowserFolder, NoPasswordWhereNobodyWatches) {
  storage::TempDir temp;
  BrowserView view = browser_with(R"({"headless":true})", "{}", temp.path());
  ASSERT_TRUE(prepare_browser_folder(view).has_value());
  EXPECT_FALSE(std::filesystem::exists(view.password_file()));
  EXPECT_TRUE(std::filesystem::exists(view.profile()));
}

}  // namespace
}  // namespace openclaw::sandbox
