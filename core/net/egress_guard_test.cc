#include "net/egress_guard.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace openclaw::net {
namespace {

using testing::HasSubstr;

EgressGuard guard(std::vector<std::string> patterns, const json::object& config = {},
                  bool private_network = false) {
  return EgressGuard(patterns, config, private_network);
}

// What the two steps together say about a URL whose name resolves to `ip`.
bool passes(const EgressGuard& g, std::string_view text, std::string_view ip = "93.184.216.34") {
  auto url = parse_url(text);
  if (url.has_error()) return false;
  auto verdict = g.check(*url);
  if (verdict.has_error()) return false;
  return check_address(is_ip_literal(url->host) ? url->host : ip, verdict->allow_private)
      .has_value();
}

TEST(EgressAddress, TSsrfEveryNonPublicRangeIsRefused) {
  const char* refused[] = {
      "0.0.0.0", "0.1.2.3", "10.0.0.0", "10.0.0.1", "10.255.255.255", "100.64.0.0", "100.64.0.1",
      "100.127.255.255", "127.0.0.0", "127.0.0.1", "127.0.0.53", "127.1.2.3", "127.255.255.255",
      "169.254.0.1", "169.254.169.254", "169.254.170.2", "169.254.255.255", "172.16.0.0",
      "172.16.0.1", "172.17.0.1", "172.20.1.1", "172.31.255.255", "192.0.0.0", "192.0.0.1",
      "192.0.0.170", "192.0.0.192", "192.0.2.1", "192.88.99.1", "192.168.0.0", "192.168.1.1",
      "192.168.255.255", "198.18.0.1", "198.19.255.255", "198.51.100.7", "203.0.113.9", "224.0.0.1",
      "224.0.0.251", "239.255.255.250", "240.0.0.1", "250.1.2.3", "255.255.255.254",
      "255.255.255.255",
      // IPv6
      "::", "::1", "::2", "::127.0.0.1", "::10.0.0.1", "::8.8.8.8", "::ffff:127.0.0.1",
      "::ffff:10.0.0.1", "::ffff:169.254.169.254", "::ffff:8.8.8.8", "::ffff:0:127.0.0.1",
      "64:ff9b::7f00:1", "64:ff9b::10.0.0.1", "64:ff9b::8.8.8.8", "64:ff9b:1::1", "100::1",
      "2001::1", "2001:0:4136:e378:8000:63bf:3fff:fdd2", "2001:2::1", "2001:10::1", "2001:20::1",
      "2001:db8::1", "2001:db8:ffff::1", "2002:7f00:1::", "2002:a00:1::1", "2002:808:808::1",
      "2002:a9fe:a9fe::", "3fff::1", "3ffe::1", "4000::1", "5f00::1", "8000::1", "fc00::1",
      "fc00:ec2::254", "fd00::1", "fd00:ec2::254", "fdff:ffff::1", "fe00::1", "fe80::1",
      "fe80::a9fe:a9fe", "febf::1", "fec0::1", "ff00::1", "ff02::1", "ff02::fb", "ff05::2",
      "ff0e::1", "not-an-address", "", "127.1", "0x7f.0.0.1", "1"};
  for (const auto* text : refused) EXPECT_TRUE(check_address(text, false).has_error()) << text;
}

TEST(EgressAddress, PublicAddressesPass) {
  const char* allowed[] = {"1.1.1.1",         "8.8.8.8",
                           "9.255.255.255",   "11.0.0.0",
                           "100.63.255.255",  "100.128.0.0",
                           "126.255.255.255", "128.0.0.1",
                           "149.154.167.220", "169.253.255.255",
                           "169.255.0.0",     "172.15.255.255",
                           "172.32.0.0",      "191.255.255.255",
                           "192.0.1.1",       "192.167.1.1",
                           "192.169.0.0",     "198.17.255.255",
                           "198.20.0.0",      "223.255.255.255",
                           "2606:4700::1111", "2001:4860:4860::8888",
                           "2a00:1450::1",    "2001:67c:4e8::1",
                           "2400::1",         "3ffd::1",
                           "2003::1"};
  for (const auto* text : allowed) EXPECT_TRUE(check_address(text, false).has_value()) << text;
}

TEST(EgressAddress, AGrantOpensPrivateRangesButNeverMetadataOrTranslation) {
  for (const auto* text :
       {"127.0.0.1", "10.1.2.3", "192.168.1.1", "172.16.0.1", "100.64.1.1", "::1", "fd00::1"}) {
    EXPECT_TRUE(check_address(text, true).has_value()) << text;
  }
  for (const auto* text :
       {"169.254.169.254", "0.0.0.0", "224.0.0.1", "255.255.255.255", "::ffff:127.0.0.1",
        "64:ff9b::7f00:1", "2002:7f00:1::", "fe80::1", "::", "ff02::1"}) {
    EXPECT_TRUE(check_address(text, true).has_error()) << text;
  }
}

TEST(EgressUrl, TSsrfOddSpellingsOfAHostAreRefusedEvenWhenAnyHostIsGranted) {
  auto any = guard({"https://*:443", "http://*:80", "tcp:*:*"});
  ASSERT_TRUE(any.problems().empty()) << any.problems()[0];
  const char* refused[] = {"http://2130706433/",
                           "http://017700000001/",
                           "http://0x7f000001/",
                           "http://0x7f.1/",
                           "http://0x7f.0x0.0x0.0x1/",
                           "http://0177.0.0.1/",
                           "http://0177.0.0.01/",
                           "http://127.1/",
                           "http://127.0.1/",
                           "http://127.0.0.1./",
                           "http://127.0.0.01/",
                           "http://127.0.0.0x1/",
                           "http://127.000.000.001/",
                           "http://127.0.0.1.0/",
                           "http://256.0.0.1/",
                           "http://0/",
                           "http://00000000/",
                           "http://0.0.0.0/",
                           "http://127.0.0.1:80/",
                           "http://127.0.0.1/",
                           "http://[::1]/",
                           "http://[::]/",
                           "http://[0:0:0:0:0:0:0:1]/",
                           "http://[::ffff:127.0.0.1]/",
                           "http://[::ffff:7f00:1]/",
                           "http://[::127.0.0.1]/",
                           "http://[64:ff9b::127.0.0.1]/",
                           "http://[2002:7f00:1::]/",
                           "http://[fe80::1%25eth0]/",
                           "http://[fe80::1%eth0]/",
                           "http://[fd00::1]/",
                           "http://[::1/",
                           "http://::1/",
                           "http://[::1]x/",
                           "http://[]/",
                           "http://localhost./",
                           "http://example.com./",
                           "http://example.com../",
                           "http://.example.com/",
                           "http://exam..ple.com/",
                           "http://user@example.com/",
                           "http://user:pw@example.com/",
                           "http://example.com@127.0.0.1/",
                           "http://127.0.0.1@example.com/",
                           "http://127.0.0.1%23@x.com/",
                           "http://ex%61mple.com/",
                           "http://%31%32%37.0.0.1/",
                           "http://127。0。0。1/",
                           "http://１２７.0.0.1/",
                           "http://ⓛocalhost/",
                           "http://exam ple.com/",
                           "http://example.com\\@x/",
                           "http:\\\\127.0.0.1\\",
                           "http://\t127.0.0.1/",
                           "http://exa\nmple.com/",
                           "http:/example.com/",
                           "http:example.com",
                           "http://",
                           "http:///",
                           "http://:80/",
                           "http://example.com:/",
                           "http://example.com:0/",
                           "http://example.com:65536/",
                           "http://example.com:80x/",
                           "http://example.com:-1/",
                           "http://example.com:8 0/",
                           "//example.com/",
                           "example.com",
                           "file:///etc/passwd",
                           "ftp://example.com/",
                           "gopher://127.0.0.1:6379/_",
                           "dict://x:1/",
                           "ldap://x/",
                           "data:text/plain,x",
                           "javascript:1",
                           "tcp:127.0.0.1:22",
                           "tcp:[::1]:22",
                           "tcp:example.com",
                           "tcp:2130706433:22",
                           "http://192.168.1.1/",
                           "http://10.1/",
                           "http://169.254.169.254/latest/meta-data/",
                           "http://0xa9fea9fe/",
                           "http://2852039166/",
                           "http://0251.0376.0251.0376/",
                           "http://0xA9.0xFE.0xA9.0xFE/",
                           "http://[fd00:ec2::254]/",
                           "http://a.b.0x7f/",
                           "http://a.1/",
                           "http://1.2.3/",
                           "http://+127.0.0.1/",
                           "http://$x/"};
  for (const auto* text : refused) EXPECT_FALSE(passes(any, text)) << text;
}

TEST(EgressUrl, TSsrfEveryRefusedRangeIsRefusedAsWhatANameResolvesTo) {
  auto any = guard({"https://*:443"});
  int tried = 0;
  for (const auto* host :
       {"rebind.example", "a.b.example", "xn--bcher-kva.example", "x1.example"}) {
    for (int block = 0; block < 256; ++block) {
      for (const auto* range :
           {"10.%.0.1", "127.0.%.1", "192.168.%.1", "169.254.%.254", "172.16.%.9", "100.64.%.2",
            "0.0.%.0", "224.%.0.1", "::ffff:10.%.0.1"}) {
        std::string ip(range);
        ip.replace(ip.find('%'), 1, std::to_string(block));
        EXPECT_FALSE(passes(any, "https://" + std::string(host) + "/", ip)) << ip;
        ++tried;
      }
    }
  }
  EXPECT_GE(tried, 400);
  EXPECT_TRUE(passes(any, "https://rebind.example/"));
}

TEST(EgressGrant, ExactOriginsOnly) {
  auto g = guard({"https://api.telegram.org:443"});
  EXPECT_TRUE(passes(g, "https://api.telegram.org/bot/getMe"));
  EXPECT_TRUE(passes(g, "https://API.Telegram.ORG:443/"));
  EXPECT_TRUE(passes(g, "wss://api.telegram.org/"));
  for (const auto* text :
       {"http://api.telegram.org/", "https://api.telegram.org:8443/", "https://telegram.org/",
        "https://x.api.telegram.org/", "https://api.telegram.org.evil.com/",
        "https://evilapi.telegram.org/", "tcp:api.telegram.org:443", "unix:/run/x.sock"}) {
    EXPECT_FALSE(passes(g, text)) << text;
  }
  EXPECT_FALSE(passes(g, "https://api.telegram.org/", "127.0.0.1"));
  auto denied = g.check(*parse_url("https://evil.com/path?token=abc"));
  EXPECT_EQ(denied.error().code, Code::kPermissionDenied);
  EXPECT_THAT(denied.error().message, HasSubstr("https://evil.com:443"));
  EXPECT_THAT(denied.error().message, testing::Not(HasSubstr("abc")));
}

TEST(EgressGrant, SubdomainsSocketsAndPorts) {
  auto g = guard({"wss://*.discord.gg:443", "unix:/var/run/docker.sock", "tcp:127.0.0.1:*"});
  EXPECT_TRUE(passes(g, "wss://gateway-us-east1-b.discord.gg/?v=10"));
  EXPECT_FALSE(passes(g, "wss://discord.gg/"));
  EXPECT_FALSE(passes(g, "wss://evildiscord.gg/"));
  EXPECT_FALSE(passes(g, "wss://a.discord.gg/", "192.168.1.1"));
  auto check = [&](const char* text) { return g.check(*parse_url(text)).has_value(); };
  EXPECT_TRUE(check("unix:/var/run/docker.sock"));
  EXPECT_TRUE(check("unix:///var/run/docker.sock"));
  EXPECT_TRUE(check("unix:/var/run/docker.sock:/v1.41/containers/json"));
  EXPECT_FALSE(check("unix:/var/run/other.sock"));
  EXPECT_TRUE(parse_url("unix:/var/run/../run/docker.sock").has_error());
  EXPECT_TRUE(passes(g, "tcp:127.0.0.1:1"));
  EXPECT_TRUE(passes(g, "http://127.0.0.1:65535/"));
  EXPECT_FALSE(passes(g, "tcp:127.0.0.2:1"));
}

TEST(EgressGrant, WhatTheOperatorConfiguredMayBeLoopback) {
  json::object config{{"apiRoot", "http://127.0.0.1:8081"},
                      {"deep", json::object{{"url", "https://intranet.example"}}},
                      {"list", json::array{"tcp://10.0.0.5:2375", "ws://localhost:9222"}},
                      {"meta", "http://169.254.169.254"}};
  auto g = guard(
      {"config:apiRoot", "config:deep.url", "config:list", "config:absent", "config:meta"}, config);
  EXPECT_TRUE(passes(g, "http://127.0.0.1:8081/bot"));
  EXPECT_TRUE(passes(g, "ws://127.0.0.1:8081/"));
  EXPECT_FALSE(passes(g, "http://127.0.0.1:8082/"));
  EXPECT_TRUE(passes(g, "https://intranet.example/", "10.1.1.1"));
  EXPECT_TRUE(passes(g, "tcp:10.0.0.5:2375"));
  EXPECT_TRUE(passes(g, "http://10.0.0.5:2375/info"));
  EXPECT_TRUE(passes(g, "ws://localhost:9222/devtools", "127.0.0.1"));
  EXPECT_FALSE(passes(g, "http://169.254.169.254/"));
}

TEST(EgressGrant, PrivateNetworkOpensGrantedNamesButNotWildcards) {
  auto g = guard({"https://nas.example:443", "https://*:443"}, {}, true);
  EXPECT_TRUE(passes(g, "https://nas.example/", "192.168.1.2"));
  EXPECT_FALSE(passes(g, "https://other.example/", "192.168.1.2"));
  EXPECT_FALSE(passes(g, "https://nas.example/", "169.254.169.254"));
}

TEST(EgressGrant, HostListsMeanTlsAndBadPatternsGrantNothing) {
  auto g = guard({"api.telegram.org", "localhost:8081"});
  EXPECT_TRUE(passes(g, "https://api.telegram.org:8443/"));
  EXPECT_FALSE(passes(g, "http://api.telegram.org/"));
  EXPECT_TRUE(passes(g, "http://localhost:8081/", "127.0.0.1"));
  auto bad = guard({"https://a*.example:443", "*://x", "https://x/*", "", "tcp:a", "https://a*b"});
  EXPECT_EQ(bad.problems().size(), 6u);
  EXPECT_FALSE(passes(bad, "https://anything/"));
}

}  // namespace
}  // namespace openclaw::net
