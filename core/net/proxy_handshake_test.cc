#include "net/proxy_handshake.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace openclaw::net {
namespace {

using namespace std::string_literals;
using testing::HasSubstr;
using testing::Not;

TEST(ProxyAddress, ReadsWhatOperatorsWrite) {
  const ProxyAddress http = parse_proxy("http://proxy.example:3128").value();
  EXPECT_EQ(http.kind, ProxyAddress::Kind::kHttp);
  EXPECT_EQ(http.authority(), "proxy.example:3128");
  EXPECT_FALSE(http.has_credentials());
  const ProxyAddress full = parse_proxy("https://ada:p%40ss%3A%25@10.0.0.1/").value();
  EXPECT_EQ(full.kind, ProxyAddress::Kind::kHttps);
  EXPECT_EQ(full.authority(), "10.0.0.1:443");
  EXPECT_EQ(full.user, "ada");
  EXPECT_EQ(full.password, "p@ss:%");
  EXPECT_EQ(parse_proxy("socks5h://[::1]").value().authority(), "[::1]:1080");
  EXPECT_EQ(parse_proxy("socks5://[::1]:9").value().kind, ProxyAddress::Kind::kSocks5);
}

TEST(ProxyAddress, RefusesTheRestAndRepeatsNoneOfIt) {
  for (const std::string& text :
       {"proxy.example:3128"s, "ftp://h:1"s, "http://"s, "http://h:0"s, "http://h:1/path"s,
        "http://us er:secret@h:1"s, "http://a:secret%2@h:1"s, "http://a:secret%zz@h:1"s,
        "http://:secret@h:1"s, "socks5://a:secret@h:1\r\nx"s, "http://0x7f.1:80"s,
        "http://a:secret" + std::string(300, 'x') + "@h:1", "http://" + std::string(2000, 'h')}) {
    const auto proxy = parse_proxy(text);
    ASSERT_TRUE(proxy.has_error()) << text;
    EXPECT_EQ(proxy.error().code, Code::kInvalidArgument);
    EXPECT_THAT(proxy.error().message, HasSubstr("socks5://"));
    EXPECT_THAT(proxy.error().message, Not(HasSubstr("secret")));
  }
}

class ProxyHandshakeTest : public testing::Test {
 protected:
  ProxyHandshake to(const std::string& target, const std::string& proxy) {
    return ProxyHandshake(parse_proxy(proxy).value(), parse_url(target).value());
  }
  // What the handshake makes of an answer that comes byte by byte.
  Result<void> feed(ProxyHandshake& handshake, std::string_view bytes) {
    Result<void> result;
    for (std::size_t i = 0; i < bytes.size() && result.has_value(); ++i) {
      if (handshake.wanted() == 0) return result;
      result = handshake.feed(bytes.substr(i, 1));
    }
    return result;
  }
  Error refusal(const std::string& answer, const std::string& proxy = "http://u:secret@p:1") {
    ProxyHandshake handshake = to("wss://gateway.example/?v=10", proxy);
    (void)handshake.take_output();
    const auto result = feed(handshake, answer);
    EXPECT_TRUE(result.has_error()) << answer;
    EXPECT_FALSE(handshake.done());
    if (result.has_value()) return Error();
    EXPECT_THAT(result.error().message, HasSubstr("the proxy p:1"));
    EXPECT_THAT(result.error().message, Not(HasSubstr("secret")));
    return result.error();
  }
};

TEST_F(ProxyHandshakeTest, ConnectNamesTheTargetAndTheCredentials) {
  ProxyHandshake handshake = to("wss://gateway.example/?v=10", "http://ada:p%40ss@p:1");
  EXPECT_EQ(handshake.take_output(),
            "CONNECT gateway.example:443 HTTP/1.1\r\nHost: gateway.example:443\r\n"
            "Proxy-Authorization: Basic YWRhOnBAc3M=\r\n\r\n");
  EXPECT_EQ(handshake.take_output(), "");
  ASSERT_TRUE(feed(handshake, "HTTP/1.1 200 Connection established\r\nVia: p\r\n\r\n").has_value());
  EXPECT_TRUE(handshake.done());
  EXPECT_EQ(handshake.wanted(), 0u);
  EXPECT_THAT(to("wss://[::1]:9/", "http://p:1").take_output(), HasSubstr("CONNECT [::1]:9 HTTP"));
}

TEST_F(ProxyHandshakeTest, AnswersThatAreNoTunnelAreErrorsInWords) {
  const Error login = refusal("HTTP/1.1 407 Proxy Authentication Required\r\n\r\n");
  EXPECT_EQ(login.code, Code::kUnauthenticated);
  EXPECT_THAT(login.message, HasSubstr("password"));
  const Error forbidden = refusal("HTTP/1.0 403 Forbidden\r\nContent-Length: 3\r\n\r\nno!");
  EXPECT_EQ(forbidden.code, Code::kUnavailable);
  EXPECT_THAT(forbidden.message, HasSubstr("gateway.example:443: it answered HTTP 403"));
  for (const std::string& garbage :
       {"SSH-2.0-x\r\n"s, "\x15\x03\x01"s, "HTTP/2"s, "HTTP/1.1\r\n\r\n"s, "HTTP/1.\r\n\r\n"s,
        "HTTP/1.1 2x0 ok\r\n\r\n"s, "HTTP/1.1 099 ok\r\n\r\n"s, "HTTP/1.1_200 ok\r\n\r\n"s})
    EXPECT_EQ(refusal(garbage).code, Code::kProtocol) << garbage;
}

TEST_F(ProxyHandshakeTest, HeadersHaveABoundAndNothingComesBehindThem) {
  EXPECT_THAT(refusal("HTTP/1.1 200 OK\r\nX: " + std::string(20'000, 'x')).message,
              HasSubstr("16384"));
  ProxyHandshake handshake = to("ws://h:2/", "http://p:1");
  (void)handshake.take_output();
  const auto early = handshake.feed("HTTP/1.1 200 OK\r\n\r\nHTTP/1.1 101 Switching");
  ASSERT_TRUE(early.has_error());
  EXPECT_EQ(early.error().code, Code::kProtocol);
}

TEST_F(ProxyHandshakeTest, SocksLeavesTheNameToTheProxy) {
  ProxyHandshake handshake = to("wss://h.example/", "socks5://p:1");
  EXPECT_EQ(handshake.take_output(), "\x05\x01\x00"s);
  ASSERT_TRUE(feed(handshake, "\x05\x00"s).has_value());
  EXPECT_EQ(handshake.take_output(), "\x05\x01\x00\x03\x09h.example\x01\xbb"s);
  ASSERT_TRUE(feed(handshake, "\x05\x00\x00\x03\x04name\x00\x07tail"s).has_value());
  EXPECT_TRUE(handshake.done());
  EXPECT_EQ(handshake.wanted(), 0u) << "the target's bytes are not read";
}

TEST_F(ProxyHandshakeTest, SocksTakesAddressesAndALogin) {
  ProxyHandshake handshake = to("ws://127.0.0.1:258/", "socks5://ada:pw@p:1");
  EXPECT_EQ(handshake.take_output(), "\x05\x02\x00\x02"s);
  ASSERT_TRUE(feed(handshake, "\x05\x02"s).has_value());
  EXPECT_EQ(handshake.take_output(), "\x01\x03"s + "ada\x02pw"s);
  ASSERT_TRUE(feed(handshake, "\x01\x00"s).has_value());
  EXPECT_EQ(handshake.take_output(), "\x05\x01\x00\x01\x7f\x00\x00\x01\x01\x02"s);
  ASSERT_TRUE(feed(handshake, "\x05\x00\x00\x01\x7f\x00\x00\x01\x00\x07"s).has_value());
  EXPECT_TRUE(handshake.done());
}

TEST_F(ProxyHandshakeTest, SocksRefusalsAndGarbageAreErrorsInWords) {
  const std::string proxy = "socks5://u:secret@p:1";
  EXPECT_EQ(refusal("\x05\xff"s, proxy).code, Code::kUnauthenticated);
  EXPECT_EQ(refusal("\x05\x02\x01\x01"s, proxy).code, Code::kUnauthenticated);
  EXPECT_EQ(refusal("\x05\x02"s, "socks5://p:1").code, Code::kUnauthenticated);
  const Error refused = refusal("\x05\x00\x05\x05\x00\x01\x00"s, proxy);
  EXPECT_EQ(refused.code, Code::kUnavailable);
  EXPECT_THAT(refused.message, HasSubstr("gateway.example:443: the connection was refused"));
  EXPECT_THAT(refusal("\x05\x00\x05\xc8\x00\x01\x00"s, proxy).message, HasSubstr("does not name"));
  for (const std::string& garbage :
       {"HT"s, "\x04\x5a"s, "\x05\x00HTTP/"s, "\x05\x00\x05\x00\x00\x07\x00"s})
    EXPECT_EQ(refusal(garbage, proxy).code, Code::kProtocol) << garbage;
}

}  // namespace
}  // namespace openclaw::net
