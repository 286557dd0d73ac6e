#include "channel/logout.h"

#include <fstream>
#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "channel/channel_fixture_for_test.h"
#include "storage/secret_store.h"
#include "storage/temp_dir_for_test.h"

namespace openclaw::channel {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

std::string content_of(const std::filesystem::path& file) {
  std::ostringstream out;
  out << std::ifstream(file).rdbuf();
  return out.str();
}

class LogoutPlan : public testing::Test {
 protected:
  LogoutPlan() { traits_.secrets.push_back({"token", "tokenFile", "FAKE_TOKEN", ""}); }

  Result<Logout> plan(std::string_view config, const std::string& account = "default") {
    const auto parsed = config::from_json(json::parse(config).as_object());
    return plan_logout(*parsed, "fake", account, traits_, [this](const std::string& name) {
      return name == "FAKE_TOKEN" ? variable_ : std::nullopt;
    });
  }
  std::vector<std::string> removed(std::string_view config,
                                   const std::string& account = "default") {
    auto logout = plan(config, account);
    std::vector<std::string> out;
    if (!logout.has_value()) return out;
    for (const auto& change : logout->changes) {
      if (change.value.is_null()) out.push_back(change.path);
    }
    return out;
  }

  ChannelTraits traits_;
  std::optional<std::string> variable_;
};

TEST_F(LogoutPlan, TakesTheTokenAndNothingElse) {
  EXPECT_THAT(removed(R"({"channels":{"fake":{"token":"t","allowFrom":["1"]}}})"),
              ElementsAre("channels.fake.token"));
  constexpr auto kTwo = R"({"channels":{"fake":{"token":"t","accounts":{"ops":{"token":"o"}}}}})";
  EXPECT_THAT(removed(kTwo, "ops"), ElementsAre("channels.fake.accounts.ops.token"));
  EXPECT_THAT(removed(kTwo), ElementsAre("channels.fake.token"));
}

TEST_F(LogoutPlan, NamesWhatHoldsATokenStill) {
  auto by_file = plan(R"({"channels":{"fake":{"tokenFile":"/run/token"}}})");
  ASSERT_TRUE(by_file.has_value());
  EXPECT_THAT(by_file->files, ElementsAre("/run/token"));
  variable_ = "t";
  auto by_variable = plan(R"({"channels":{"fake":{"token":"t"}}})");
  ASSERT_TRUE(by_variable.has_value());
  EXPECT_THAT(by_variable->environment, ElementsAre("FAKE_TOKEN"));
  // It would bring the account back.
  EXPECT_EQ(by_variable->changes.back().path, "channels.fake.enabled");
  auto shared = plan(R"({"channels":{"fake":{"token":"t","accounts":{"ops":{"token":"o"}}}}})");
  EXPECT_EQ(shared->changes.back().path, "channels.fake.accounts.default.enabled");
  EXPECT_FALSE(plan("{}")->cleared());
}

TEST_F(LogoutPlan, AStoredSecretGoesUnlessSomebodyElseUsesIt) {
  auto own = plan(R"({"channels":{"fake":{"token":{"$secret":"fake.t"}}}})");
  ASSERT_TRUE(own.has_value());
  EXPECT_THAT(own->secrets, ElementsAre("fake.t"));
  auto shared = plan(
      R"({"channels":{"fake":{"token":{"$secret":"s"}}},"models":{"a":{"apiKey":{"$secret":"s"}}}})");
  EXPECT_THAT(shared->secrets, IsEmpty());
}

TEST_F(LogoutPlan, MistakesAreNamed) {
  EXPECT_EQ(plan("{}").error().code, Code::kNotFound);
  EXPECT_EQ(plan(R"({"channels":{"fake":{"token":"t"}}})", "ops").error().code, Code::kNotFound);
  auto empty = plan(R"({"channels":{"fake":{"allowFrom":["1"]}}})");
  EXPECT_THAT(empty.error().message, HasSubstr("not logged in"));
  traits_.secrets.clear();
  EXPECT_THAT(plan(R"({"channels":{"fake":{}}})").error().message, HasSubstr("channels remove"));
}

TEST(LogoutOnDisk, TheTokenIsGoneAndACopyIsNamed) {
  storage::TempDir dir;
  const config::Paths paths{dir.path(), dir.path() / "openclaw.toml", dir.path()};
  std::ofstream(paths.config_file)
      << "[channels.fake]\ntoken = \"very-secret\"\nallowFrom = [\"1\"]\n";
  std::filesystem::permissions(paths.config_file, std::filesystem::perms(0600));
  std::ofstream(dir.path() / "openclaw.json.bak") << R"({"token":"very-secret"})";
  storage::SecretStore store(dir.path() / "secrets.json");
  ASSERT_TRUE(store.put("fake.t", "other-secret").has_value());
  Logout logout;
  logout.changes.push_back({"channels.fake.token", nullptr});
  logout.texts = {"very-secret"};
  logout.secrets = {"fake.t"};
  auto done = carry_out(logout, paths, {});
  ASSERT_TRUE(done.has_value()) << done.error().message;
  EXPECT_THAT(content_of(paths.config_file), Not(HasSubstr("very-secret")));
  EXPECT_THAT(content_of(paths.config_file), HasSubstr("allowFrom"));
  EXPECT_THAT(content_of(dir.path() / "secrets.json"), Not(HasSubstr("other-secret")));
  EXPECT_THAT(logout.files, ElementsAre((dir.path() / "openclaw.json.bak").string()));
}

class LogoutInARoom : public ChannelServiceTest {};

TEST_F(LogoutInARoom, TheAccountStopsAndTheOthersRunOn) {
  std::ofstream(dir_.path() / "openclaw.toml")
      << "[channels.fake]\ntoken = \"t1\"\nallowFrom = [\"1\"]\n"
         "[channels.fake.accounts.other]\ntoken = \"t2\"\n";
  boot();
  ASSERT_TRUE(life_->store.reload().has_value());
  wait(life_->service->apply_config());
  ASSERT_TRUE(until([&] { return life_->host.instance("other") != nullptr; }));
  const auto starts = life_->host.created.size();
  auto done = wait(life_->service->logout("fake", "other"));
  ASSERT_TRUE(done.has_value()) << done.error().message;
  EXPECT_EQ(done->at("cleared"), true);
  EXPECT_EQ(life_->host.instance("other"), nullptr);
  EXPECT_NE(life_->host.instance(), nullptr);
  EXPECT_EQ(life_->host.created.size(), starts);
  EXPECT_THAT(content_of(dir_.path() / "openclaw.toml"), Not(HasSubstr("t2")));
  EXPECT_THAT(content_of(dir_.path() / "openclaw.toml"), HasSubstr("t1"));
  EXPECT_EQ(wait(life_->service->logout("icq", "default")).error().code, Code::kInvalidArgument);
}

}  // namespace
}  // namespace openclaw::channel
