// WebSockets through proxies: real ones on loopback, and what answers like none.
#include <poll.h>

#include <array>
#include <memory>

#include <boost/asio/read_until.hpp>
#include <boost/asio/write.hpp>
#include <gmock/gmock.h>

#include "net/loopback_server_for_test.h"
#include "net/websocket_server_for_test.h"

namespace openclaw::net {
namespace {

using namespace std::string_literals;
using std::chrono::milliseconds;
using testing::HasSubstr;

// Bytes of each side to the other until one of them ends.
template <class Read, class Write>
void splice(int near, Read read_near, Write write_near, int far) {
  std::array<pollfd, 2> both{{{near, POLLIN, 0}, {far, POLLIN, 0}}};
  std::array<char, 17 * 1024>
      buffer;  // a TLS record: nothing stays behind that poll() does not see
  for (;;) {
    if (::poll(both.data(), both.size(), -1) < 0) return;
    if (both[0].revents != 0) {
      const auto n = read_near(buffer.data(), buffer.size());
      if (n <= 0 || ::send(far, buffer.data(), static_cast<std::size_t>(n), MSG_NOSIGNAL) < 0)
        return;
    }
    if (both[1].revents != 0) {
      const auto n = ::recv(far, buffer.data(), buffer.size(), 0);
      if (n <= 0 || !write_near(std::string_view(buffer.data(), static_cast<std::size_t>(n))))
        return;
    }
  }
}

int connect_to_loopback(int port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  if (::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) std::abort();
  return fd;
}

void relay(Peer& peer, int port) {
  const int far = connect_to_loopback(port);
  splice(
      peer.fd(), [&](char* to, std::size_t most) { return ::recv(peer.fd(), to, most, 0); },
      [&](std::string_view bytes) { return peer.write(bytes); }, far);
  ::close(far);
}

// A proxy that is spoken to by TLS: one CONNECT, then whatever comes.
void relay_tls(Peer& peer, asio::ssl::context& context, int port) {
  const std::unique_ptr<SSL, void (*)(SSL*)> tls(SSL_new(context.native_handle()), SSL_free);
  SSL_set_fd(tls.get(), peer.fd());
  if (SSL_accept(tls.get()) != 1) return;
  const auto read = [&](char* to, std::size_t most) {
    return SSL_read(tls.get(), to, static_cast<int>(most));
  };
  const auto write = [&](std::string_view bytes) {
    return SSL_write(tls.get(), bytes.data(), static_cast<int>(bytes.size())) > 0;
  };
  std::string asked;
  std::array<char, 1024> buffer;
  while (asked.find("\r\n\r\n") == std::string::npos) {
    const int n = read(buffer.data(), buffer.size());
    if (n <= 0) return;
    asked.append(buffer.data(), static_cast<std::size_t>(n));
  }
  if (!asked.starts_with("CONNECT ") || !write("HTTP/1.1 200 OK\r\n\r\n")) return;
  const int far = connect_to_loopback(port);
  splice(peer.fd(), read, write, far);
  ::close(far);
}

class WebSocketProxy : public testing::Test {
 protected:
  ~WebSocketProxy() override {
    run_to_end(runtime_, client_.stop(Deadline::after(milliseconds(5000))));
  }
  // To a name that leads nowhere but at the proxy.
  static WebSocketRequest through(const std::string& proxy, const std::string& scheme = "ws") {
    WebSocketRequest request;
    request.url = parse_url(scheme + "://gateway.example/gw?v=10").value();
    request.proxy = parse_proxy(proxy).value();
    return request;
  }
  static std::string address(const LoopbackServer& proxy, const std::string& scheme = "http") {
    return scheme + "://ada:s3cret@127.0.0.1:" + std::to_string(proxy.port());
  }
  // Says something, hears it back and closes.
  void talk(WebSocketClient& client, WebSocketRequest request) {
    Recorder recorder(runtime_);
    auto connection = client.connect(std::move(request), recorder.events());
    connection->send("through", true);
    recorder.on_message = [&] { connection->close(1000, ""); };
    run_to_end(runtime_, until_end(&recorder));
    EXPECT_EQ(recorder.code, Code::kOk) << recorder.reason;
    EXPECT_THAT(recorder.messages, testing::ElementsAre("t:through"));
  }
  Error refusal(WebSocketRequest request) {
    Recorder recorder(runtime_);
    client_.connect(std::move(request), recorder.events());
    run_to_end(runtime_, until_end(&recorder));
    EXPECT_FALSE(recorder.opened);
    EXPECT_EQ(recorder.close_code, 1006);
    EXPECT_THAT(recorder.reason, testing::Not(HasSubstr("s3cret")));
    return Error(recorder.code, recorder.reason);
  }
  Error answered(const std::string& answer) {
    LoopbackServer proxy([&](Peer& peer) {
      peer.read_until("\r\n\r\n");
      peer.write(answer);
      peer.read_all();
    });
    return refusal(through(address(proxy)));
  }
  Runtime runtime_;
  WebSocketClient client_{runtime_};
};

TEST_F(WebSocketProxy, ConnectLeadsToTheTargetByName) {
  Server<Plain> server(echo<Plain>);
  std::string asked;
  LoopbackServer proxy([&](Peer& peer) {
    asked = peer.read_until("\r\n\r\n");
    peer.write("HTTP/1.1 200 Connection established\r\n\r\n");
    relay(peer, server.port());
  });
  talk(client_, through(address(proxy)));
  EXPECT_THAT(asked, HasSubstr("CONNECT gateway.example:80 HTTP/1.1\r\n"));
  EXPECT_THAT(asked, HasSubstr("Proxy-Authorization: Basic YWRhOnMzY3JldA==\r\n"));
  EXPECT_EQ(server.seen_header, "|gateway.example|/gw?v=10");
}

TEST_F(WebSocketProxy, Socks5LeadsToTheTargetByNameAndWithALogin) {
  Server<Plain> server(echo<Plain>);
  std::string asked;
  LoopbackServer proxy([&](Peer& peer) {
    peer.read_bytes(4);
    peer.write("\x05\x02"s);
    asked = peer.read_bytes(2 + 3 + 1 + 6);
    peer.write("\x01\x00"s);
    asked += peer.read_bytes(4 + 1 + 15 + 2);
    peer.write("\x05\x00\x00\x01\x7f\x00\x00\x01\x00\x00"s);
    relay(peer, server.port());
  });
  talk(client_, through(address(proxy, "socks5")));
  EXPECT_EQ(asked, "\x01\x03"s + "ada\x06s3cret" + "\x05\x01\x00\x03\x0fgateway.example\x00\x50"s);
}

TEST_F(WebSocketProxy, TlsIsWithTheTargetAndNotWithTheProxy) {
  Certificate certificate;
  Server<Tls> server(echo<Tls>, &certificate.context);
  LoopbackServer proxy([&](Peer& peer) {
    peer.read_until("\r\n\r\n");
    peer.write("HTTP/1.1 200 OK\r\n\r\n");
    relay(peer, server.port());
  });
  auto request = through(address(proxy), "wss");
  const Error misnamed = refusal(request);
  EXPECT_EQ(misnamed.code, Code::kProtocol) << "the certificate is for another host";
  WebSocketClient trusting(runtime_, certificate.file);
  request.url.host = "127.0.0.1";
  talk(trusting, request);
  run_to_end(runtime_, trusting.stop(Deadline::after(milliseconds(5000))));
}

TEST_F(WebSocketProxy, OneThatIsReachedByTlsLeadsToTheTargetInsideOfIt) {
  Certificate certificate;
  Server<Plain> plain(echo<Plain>);
  Server<Tls> tls(echo<Tls>, &certificate.context);
  int port = plain.port();
  LoopbackServer proxy([&](Peer& peer) { relay_tls(peer, certificate.context, port); });
  auto request = through(address(proxy, "https"));
  EXPECT_EQ(refusal(request).code, Code::kProtocol) << "nobody vouches for the proxy";
  WebSocketClient trusting(runtime_, certificate.file);
  talk(trusting, request);
  request = through(address(proxy, "https"), "wss");
  request.url.host = "127.0.0.1";
  port = tls.port();
  talk(trusting, request);
  run_to_end(runtime_, trusting.stop(Deadline::after(milliseconds(5000))));
}

TEST_F(WebSocketProxy, HostileAnswersAreErrorsInWords) {
  const Error login = answered("HTTP/1.1 407 Proxy Authentication Required\r\n\r\n");
  EXPECT_EQ(login.code, Code::kUnauthenticated);
  EXPECT_THAT(login.message, HasSubstr("password"));
  EXPECT_EQ(answered("HTTP/1.1 403 Forbidden\r\n\r\n").code, Code::kUnavailable);
  EXPECT_EQ(answered("SSH-2.0-OpenSSH\r\n").code, Code::kProtocol);
  EXPECT_THAT(answered("HTTP/1.1 200 OK\r\n" + std::string(100'000, 'x')).message,
              HasSubstr("16384"));
}

TEST_F(WebSocketProxy, OneThatHangsUpOrSaysNothingEndsInTime) {
  LoopbackServer rude([](Peer& peer) { peer.read_until("\r\n\r\n"); });
  const Error gone = refusal(through(address(rude)));
  EXPECT_EQ(gone.code, Code::kUnavailable);
  EXPECT_THAT(gone.message, HasSubstr("hung up"));
  LoopbackServer silent([](Peer& peer) { peer.read_all(); });
  auto request = through(address(silent));
  request.connect_timeout = milliseconds(100);
  EXPECT_EQ(refusal(request).code, Code::kDeadlineExceeded);
  EXPECT_THAT(refusal(through("http://127.0.0.1:1")).message,
              HasSubstr("cannot connect to the proxy 127.0.0.1:1"));
}

}  // namespace
}  // namespace openclaw::net
