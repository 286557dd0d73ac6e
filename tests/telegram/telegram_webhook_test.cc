// The account by webhook: what the service is told, and when its requests are answered.
#include <chrono>
#include <fstream>

#include "telegram_fixture.h"

namespace openclaw::telegram_test {
namespace {

using namespace std::chrono_literals;
using testing::AllOf;
using testing::HasSubstr;
using testing::UnorderedElementsAre;

constexpr const char* kUrl = "http://127.0.0.1:1/hook";  // nobody is there

class TelegramWebhook : public TelegramFixture {
 protected:
  TelegramWebhook() { forbidden_.emplace_back("first-secret"); }

  // As the channel room does it: the reference's name changes with the value.
  json::object by_webhook(const std::string& secret = "first-secret") {
    const std::string name = "telegram.default.webhookSecret." + std::to_string(secret.size());
    services_->secrets().put_transient(name, secret);
    return {{"webhookUrl", kUrl}, {"webhookSecret", json::object{{"$secret", name}}}};
  }
  json::object with(json::object more) {
    json::object out = config();
    for (auto& member : more) out[member.key()] = member.value();
    return out;
  }
  Result<json::value> bring(PluginInstance* bot, std::string body) {
    return run(bot->webhook("{}", std::move(body), Limits::within(20s)));
  }
  static std::string update(std::int64_t id, const std::string& text) {
    return json::serialize(
        json::object{{"update_id", id},
                     {"message",
                      {{"message_id", id},
                       {"date", 1'700'000'000},
                       {"chat", {{"id", 1001}, {"type", "private"}, {"first_name", "Ada"}}},
                       {"from", {{"id", 1001}, {"is_bot", false}, {"first_name", "Ada"}}},
                       {"text", text}}}});
  }
  std::string last_message() {
    const json::value* message = recorder_.links.back().if_contains("message");
    return message == nullptr ? "" : std::string(message->as_string());
  }
  std::string write_file(const std::string& text) {
    const std::string path = temp_.path() / "certificate.pem";
    std::ofstream(path) << text;
    return path;
  }
};

TEST_F(TelegramWebhook, IsSetOnceAndAgainOnlyWhenSomethingDiffers) {
  down(up(by_webhook()));
  ASSERT_EQ(calls("setWebhook").size(), 1U);
  EXPECT_EQ(recorder_.links.back().at("mode"), "webhook");
  const json::object told = calls("setWebhook")[0].at("params").as_object();
  EXPECT_EQ(told.at("url"), kUrl);
  EXPECT_EQ(told.at("secret_token"), "first-secret");
  EXPECT_EQ(told.at("drop_pending_updates"), false);
  EXPECT_EQ(told.at("max_connections"), 40);
  EXPECT_THAT(told.at("allowed_updates").as_array(),
              UnorderedElementsAre("message", "edited_message", "channel_post", "callback_query",
                                   "my_chat_member", "message_reaction"));
  down(up(by_webhook()));
  EXPECT_EQ(calls("setWebhook").size(), 1U);
  down(up(by_webhook("another-secret")));
  ASSERT_EQ(calls("setWebhook").size(), 2U);
  EXPECT_EQ(calls("setWebhook")[1].at("params").at("secret_token"), "another-secret");
  EXPECT_TRUE(calls("getUpdates").empty());
}

TEST_F(TelegramWebhook, AnUpdateIsAnsweredWhenTheHostHasIt) {
  PluginInstance* bot = up(by_webhook());
  recorder_.withhold = true;
  std::optional<Result<json::value>> answer;
  asio::co_spawn(runtime_.loop(), bot->webhook("{}", update(7, "hi"), Limits::within(20s)),
                 [&](const std::exception_ptr&, Result<json::value> value) { answer = value; });
  wait_events(1);
  EXPECT_EQ(recorder_.events[0].at("kind"), "message");
  EXPECT_EQ(recorder_.events[0].at("text"), "hi");
  EXPECT_FALSE(answer.has_value());
  recorder_.kept[0](Code::kOk);
  run_until([&] { return answer.has_value(); });
  EXPECT_TRUE(answer->has_value());
}

TEST_F(TelegramWebhook, WhatTheHostCannotStoreNowIsAskedForAgain) {
  PluginInstance* bot = up(by_webhook());
  for (const Code code : {Code::kResourceExhausted, Code::kUnavailable, Code::kInternal}) {
    recorder_.answers = {code};
    const auto refused = bring(bot, update(7, "hi"));
    EXPECT_EQ(refused.error().code, code);
    EXPECT_TRUE(refused.error().retry_after.has_value());
  }
  // What it will never have goes to it raw, so that the chat behind it goes on.
  recorder_.events.clear();
  recorder_.answers = {Code::kInvalidArgument, Code::kOk};
  EXPECT_TRUE(bring(bot, update(8, "odd")).has_value());
  ASSERT_EQ(recorder_.events.size(), 2U);
  EXPECT_EQ(recorder_.events[1].at("kind"), "unparsed");
  EXPECT_EQ(recorder_.events[1].at("eventId"), recorder_.events[0].at("eventId"));
}

TEST_F(TelegramWebhook, WhatIsNoUpdateIsRefusedAndWhatNobodySaidIsTaken) {
  PluginInstance* bot = up(by_webhook());
  for (const char* body : {"", "[]", "{}", "not json", R"({"update_id":"7"})"})
    EXPECT_EQ(bring(bot, body).error().code, Code::kInvalidArgument) << body;
  EXPECT_TRUE(recorder_.events.empty());
  EXPECT_TRUE(bring(bot, R"({"update_id":7,"poll":{}})").has_value());
}

TEST_F(TelegramWebhook, ARequestDoesNotOutliveTheAccount) {
  PluginInstance* bot = up(by_webhook());
  recorder_.withhold = true;
  std::optional<Result<json::value>> answer;
  asio::co_spawn(runtime_.loop(), bot->webhook("{}", update(7, "hi"), Limits::within(20s)),
                 [&](const std::exception_ptr&, Result<json::value> value) { answer = value; });
  wait_events(1);
  down(bot);
  run_until([&] { return answer.has_value(); });
  EXPECT_TRUE(answer->has_error());
}

TEST_F(TelegramWebhook, BackToPollingLosesNothing) {
  down(up(by_webhook()));
  write("in between");
  up();
  wait_events(1);
  EXPECT_EQ(recorder_.events[0].at("text"), "in between");
  ASSERT_EQ(calls("deleteWebhook").size(), 1U);
  EXPECT_EQ(calls("deleteWebhook")[0].at("params").at("drop_pending_updates"), false);
  EXPECT_EQ(recorder_.links.back().at("mode"), "polling");
}

TEST_F(TelegramWebhook, ASelfSignedCertificateGoesAlong) {
  json::object more = by_webhook();
  more["webhookCertPath"] =
      write_file("-----BEGIN CERTIFICATE-----\nMA==\n-----END CERTIFICATE-----\n");
  down(up(more));
  const json::array set = calls("setWebhook");
  ASSERT_EQ(set.size(), 1U);
  EXPECT_EQ(set[0].at("files").at("certificate").at("filename"), "certificate.pem");
  EXPECT_EQ(set[0].at("params").at("secret_token"), "first-secret");
  EXPECT_EQ(set[0].at("params").at("url"), kUrl);
  down(up(more));
  EXPECT_EQ(calls("setWebhook").size(), 1U);
  write_file("-----BEGIN CERTIFICATE-----\nMQ==\n-----END CERTIFICATE-----\n");
  down(up(more));
  EXPECT_EQ(calls("setWebhook").size(), 2U);
}

TEST_F(TelegramWebhook, AFileThatIsNoCertificateIsNotSent) {
  for (const char* text : {"-----BEGIN CERTIFICATE-----\n-----BEGIN PRIVATE KEY-----\n", "x", ""}) {
    json::object more = by_webhook();
    more["webhookCertPath"] = write_file(text);
    PluginInstance* bot = create(with(more));
    const auto started = start(*bot);
    EXPECT_EQ(started.error().code, Code::kFailedPrecondition);
    EXPECT_THAT(started.error().message, HasSubstr("channels.telegram.webhookCertPath"));
    down(bot);
  }
  EXPECT_TRUE(calls("setWebhook").empty());
}

TEST_F(TelegramWebhook, AnAddressThatTelegramRefusesIsNamedAndTriedAgain) {
  json::object more = by_webhook();
  more["webhookUrl"] = "http://nowhere.example/hook";
  PluginInstance* bot = create(with(more));
  ASSERT_TRUE(start(*bot).has_value());
  wait_link("connecting", "webhook");
  EXPECT_THAT(last_message(),
              AllOf(HasSubstr("openclaw config set channels.telegram.webhookUrl https://"),
                    HasSubstr("Failed to resolve host")));
  get("/wait/calls?method=setWebhook&count=2&timeout_ms=20000");
}

TEST_F(TelegramWebhook, ASecretThatTelegramRefusesIsNamed) {
  PluginInstance* bot = create(with(by_webhook("not+allowed")));
  forbidden_.emplace_back("not+allowed");
  ASSERT_TRUE(start(*bot).has_value());
  wait_link("connecting", "webhook");
  EXPECT_THAT(last_message(), HasSubstr("openclaw config set channels.telegram.webhookSecret"));
}

TEST_F(TelegramWebhook, A24DoesNotStartWithoutHttpsOrSecret) {
  for (json::object more : {json::object{{"webhookUrl", "ftp://x/"}, {"webhookSecret", "s"}},
                            json::object{{"webhookUrl", kUrl}}}) {
    PluginInstance* bot = create(with(std::move(more)));
    const auto started = start(*bot);
    EXPECT_EQ(started.error().code, Code::kFailedPrecondition);
    EXPECT_THAT(started.error().message, HasSubstr("openclaw config set channels.telegram."));
    down(bot);
  }
  EXPECT_TRUE(calls("setWebhook").empty());
}

TEST_F(TelegramWebhook, AProbeTellsWhyTelegramCannotDeliver) {
  PluginInstance* bot = up(by_webhook());
  write("hello?");
  run_until([&] {
    const json::value posts = get("/webhook/posts");
    return !posts.as_array().empty() && posts.as_array()[0].as_object().contains("error");
  });
  const auto probe = call(bot, "channel.probe", {});
  ASSERT_TRUE(probe.has_value()) << probe.error().message;
  const json::object told = probe->at("webhook").as_object();
  EXPECT_EQ(told.at("url"), kUrl);
  EXPECT_EQ(told.at("pendingUpdates"), 1);
  EXPECT_EQ(told.at("lastError"), "Connection refused");
  EXPECT_THAT(json::serialize(probe->at("warnings")),
              AllOf(HasSubstr("Connection refused"), HasSubstr("1 updates wait")));
}

}  // namespace
}  // namespace openclaw::telegram_test
