#include "channel/channel_fixture_for_test.h"
#include "channel/webhooks.h"

namespace openclaw::channel {
namespace {

using testing::AllOf;
using testing::HasSubstr;

constexpr const char* kManifest = R"({"channel":{"secrets":{"token":{}},"webhook":{
  "urlKey":"hookUrl","secretKey":"hookSecret","secretHeader":"X-Secret","pathKey":"hookPath",
  "defaultPath":"/fake","hostKey":"hookHost","portKey":"hookPort","defaultPort":9}}})";

std::vector<AccountPlan> planned(std::string_view section) {
  plugin::PluginInfo info;
  info.id = "fake";
  info.manifest.id = "fake";
  info.manifest.channels = {"fake"};
  info.manifest.raw = json::parse(kManifest).get_object();
  const config::Snapshot config =
      config::from_json(json::object{{"channels", json::object{{"fake", json::parse(section)}}}});
  return plan_accounts(*config, {info}, [](const std::string&) { return std::nullopt; });
}

TEST(WebhookPlan, IsOffUntilItsUrlIsSetAndHasDefaults) {
  EXPECT_FALSE(planned(R"({"token":"t","hookSecret":"s"})")[0].webhook);
  const AccountPlan plan =
      planned(R"({"token":"t","hookUrl":"https://x.org/","hookSecret":"s"})")[0];
  EXPECT_TRUE(plan.configured) << plan.problem;
  ASSERT_TRUE(plan.webhook);
  EXPECT_EQ(plan.webhook->host, "127.0.0.1");
  EXPECT_EQ(plan.webhook->port, 9);
  EXPECT_EQ(plan.webhook->path, "/fake");
  EXPECT_EQ(plan.webhook->secret_header, "X-Secret");
}

TEST(WebhookPlan, A24WithoutASecretTheAccountStaysOffAndSaysWhatToType) {
  for (const char* secret : {R"("hookSecret":"")", R"("other":1)"}) {
    const AccountPlan plan =
        planned(R"({"token":"t","hookUrl":"https://x.org/",)" + std::string(secret) + "}")[0];
    EXPECT_FALSE(plan.configured);
    EXPECT_FALSE(plan.webhook);
    EXPECT_THAT(plan.problem, AllOf(HasSubstr("channels.fake.hookUrl"),
                                    HasSubstr("openclaw config set channels.fake.hookSecret")));
  }
}

TEST(WebhookPlan, RefusesAPathOrHostThatIsNone) {
  const std::string on = R"({"token":"t","hookUrl":"https://x.org/","hookSecret":"s",)";
  EXPECT_THAT(planned(on + R"("hookPath":"a b"})")[0].problem, HasSubstr("channels.fake.hookPath"));
  EXPECT_THAT(planned(on + R"("hookHost":"example.org"})")[0].problem,
              HasSubstr("channels.fake.hookHost"));
  EXPECT_EQ(planned(on + R"("hookHost":"localhost"})")[0].webhook->host, "127.0.0.1");
}

TEST(WebhookPlan, TwoAccountsShareAPortButNotAPath) {
  const std::string both = R"({"hookUrl":"https://x.org/","hookSecret":"s","accounts":{
    "home":{"token":"t"},"work":{"token":"u"%}}})";
  const auto with = [&](const std::string& more) {
    std::string text = both;
    return planned(text.replace(text.find('%'), 1, more));
  };
  const auto fine = with(R"(,"hookPath":"/work","hookSecret":"other")");
  EXPECT_TRUE(fine[0].webhook);
  EXPECT_TRUE(fine[1].webhook);
  for (const char* more : {"", R"(,"hookSecret":"other")"}) {
    const auto plans = with(more);
    EXPECT_TRUE(plans[0].webhook);
    EXPECT_FALSE(plans[1].configured);
    EXPECT_THAT(plans[1].problem,
                AllOf(HasSubstr("channels.fake.hookPath"), HasSubstr("fake/home"),
                      HasSubstr("channels.fake.accounts.work.hookPath /fake-work")));
  }
}

TEST(WebhookAnswer, AsksThePlatformToComeAgainUnlessTheRequestIsBad) {
  EXPECT_EQ(answer_to(json::value(json::object())).status, 200U);
  EXPECT_EQ(answer_to(make_error(Code::kInvalidArgument, "")).status, 400U);
  Error full = make_error(Code::kResourceExhausted, "");
  full.retry_after = milliseconds(2'500);
  EXPECT_EQ(answer_to(full).status, 503U);
  EXPECT_EQ(answer_to(full).retry_after.count(), 3);
  for (const Code code : {Code::kUnavailable, Code::kInternal, Code::kDeadlineExceeded}) {
    EXPECT_EQ(answer_to(make_error(code, "")).status, 503U);
    EXPECT_GT(answer_to(make_error(code, "")).retry_after.count(), 0);
  }
}

}  // namespace
}  // namespace openclaw::channel
