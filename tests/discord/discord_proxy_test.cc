// Through a proxy: calls and gateway, or nothing.
#include "discord_fixture.h"
#include "net/url.h"

namespace openclaw::discord_test {
namespace {

using testing::HasSubstr;

class DiscordProxy : public DiscordFixture {
 protected:
  static std::string port_of(const std::string& url) {
    const std::string port = url.substr(url.rfind(':') + 1);
    return port.substr(0, port.find('/'));
  }
  // The names that the proxy was asked for, each once.
  std::vector<std::string> asked(const StubServer& proxy) {
    net::HttpRequest request;
    request.url = *net::parse_url("http://" + proxy.said("address") + "/log");
    request.allow_private = true;
    auto answer =
        run(client_.request(std::move(request), Limits::within(std::chrono::seconds(10))));
    EXPECT_TRUE(answer.has_value());
    std::vector<std::string> out;
    const json::value log = json::parse(answer->body);
    for (const json::value& each : log.as_array()) {
      EXPECT_EQ(each.at("user"), "ada");
      const std::string host(each.at("host").as_string());
      if (std::find(out.begin(), out.end(), host) == out.end()) out.push_back(host);
    }
    return out;
  }
};

TEST_F(DiscordProxy, CallsAndGatewayGoThroughIt) {
  const StubServer proxy(OPENCLAW_CONNECT_PROXY);
  forbidden_.push_back("s3cret-pass");
  // A name that leads nowhere but at the proxy.
  const std::string api = "api.example:" + port_of(stub_.api());
  PluginInstance* bot = up({{"apiRoot", "http://" + api + "/api"},
                            {"proxy", "http://ada:s3cret-pass@" + proxy.said("address")}});
  ASSERT_TRUE(send(bot, "through").has_value());
  write("and back");
  wait_events(1);
  EXPECT_EQ(recorder_.events[0].at("text"), "and back");
  post("/gateway/kill", {});
  run_until([&] { return !gateway_log("dir=out&t=RESUMED").empty(); });
  const std::string host = "127.0.0.1:";
  EXPECT_THAT(asked(proxy), testing::ElementsAre(api, host + port_of(stub_.said("gateway")),
                                                 host + port_of(stub_.said("resume"))));
}

TEST_F(DiscordProxy, WithoutItNothingGoesAround) {
  json::object with_proxy = config();
  with_proxy["proxy"] = "socks5://127.0.0.1:1";
  PluginInstance* bot = create(std::move(with_proxy));
  ASSERT_TRUE(start(*bot).has_value());
  wait_link("connecting", "unreachable");
  EXPECT_TRUE(get("/calls").as_array().empty());
}

TEST_F(DiscordProxy, WhatIsNoProxyIsRefusedBeforeAnythingIsSent) {
  json::object with_proxy = config();
  with_proxy["proxy"] = "ftp://ada:s3cret-pass@127.0.0.1:1";
  PluginInstance* bot = create(std::move(with_proxy));
  const auto started = start(*bot);
  ASSERT_TRUE(started.has_error());
  EXPECT_THAT(started.error().message, HasSubstr("channels.discord.proxy"));
  EXPECT_THAT(started.error().message, HasSubstr("socks5://"));
  EXPECT_THAT(started.error().message, testing::Not(HasSubstr("s3cret-pass")));
  EXPECT_TRUE(get("/calls").as_array().empty());
}

}  // namespace
}  // namespace openclaw::discord_test
