// Through a proxy: everything or nothing.
#include "net/url.h"
#include "telegram_fixture.h"

namespace openclaw::telegram_test {
namespace {

using testing::HasSubstr;

class TelegramProxy : public TelegramFixture {
 protected:
  std::string api_port() const {
    const std::string api = stub_.api();
    return api.substr(api.rfind(':') + 1);
  }
  json::array asked(const StubServer& proxy) {
    net::HttpRequest request;
    request.url = *net::parse_url("http://" + proxy.said("address") + "/log");
    request.allow_private = true;
    auto answer =
        run(client_.request(std::move(request), Limits::within(std::chrono::seconds(10))));
    EXPECT_TRUE(answer.has_value());
    return json::parse(answer->body).as_array();
  }
};

TEST_F(TelegramProxy, EveryCallGoesThroughItAndNamesAreItsToResolve) {
  const StubServer proxy(OPENCLAW_CONNECT_PROXY);
  forbidden_.push_back("s3cret-pass");
  // A name that leads nowhere but at the proxy.
  PluginInstance* bot = up({{"apiRoot", "http://bot-api.example:" + api_port()},
                            {"proxy", "http://ada:s3cret-pass@" + proxy.said("address")}});
  ASSERT_TRUE(send(bot, "through").has_value());
  write("and back");
  wait_events(1);
  EXPECT_EQ(recorder_.events[0].at("text"), "and back");
  EXPECT_EQ(shown(), std::vector<std::string>{"through"});
  const json::array log = asked(proxy);
  ASSERT_FALSE(log.empty());
  for (const json::value& each : log) {
    EXPECT_EQ(each.at("host"), json::value("bot-api.example:" + api_port()));
    EXPECT_EQ(each.at("user"), "ada");
  }
}

TEST_F(TelegramProxy, WithoutItNothingGoesAround) {
  json::object with_proxy = config();
  with_proxy["proxy"] = "http://127.0.0.1:1";
  PluginInstance* bot = create(std::move(with_proxy));
  ASSERT_TRUE(start(*bot).has_value());
  wait_link("connecting", "unreachable");
  EXPECT_TRUE(get("/calls").as_array().empty());
}

TEST_F(TelegramProxy, WhatIsNoProxyIsRefusedBeforeAnythingIsSent) {
  json::object with_proxy = config();
  with_proxy["proxy"] = "ftp://127.0.0.1:1";
  PluginInstance* bot = create(std::move(with_proxy));
  const auto started = start(*bot);
  ASSERT_TRUE(started.has_error());
  EXPECT_THAT(started.error().message, HasSubstr("socks5://"));
  EXPECT_TRUE(get("/calls").as_array().empty());
}

}  // namespace
}  // namespace openclaw::telegram_test
