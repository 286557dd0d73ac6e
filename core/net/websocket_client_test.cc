#include "net/websocket_client.h"

#include <gmock/gmock.h>

#include "net/websocket_server_for_test.h"

namespace openclaw::net {
namespace {

using std::chrono::milliseconds;
using testing::HasSubstr;

class WebSocketClientTest : public testing::Test {
 protected:
  WebSocketRequest to(int port, const std::string& scheme = "ws") {
    WebSocketRequest request;
    request.url = *parse_url(scheme + "://127.0.0.1:" + std::to_string(port) + "/gw?v=10");
    request.allow_private = true;
    return request;
  }
  void wait(Recorder& recorder) { run_to_end(runtime_, until_end(&recorder)); }
  ~WebSocketClientTest() override {
    run_to_end(runtime_, client_.stop(Deadline::after(milliseconds(5000))));
  }
  Runtime runtime_;
  WebSocketClient client_{runtime_};
};

TEST_F(WebSocketClientTest, SendsReceivesAndClosesWithAHandshake) {
  Recorder recorder(runtime_);
  Server<Plain> server(echo<Plain>);
  auto request = to(server.port());
  request.headers = {{"X-Test", "yes"}, {"Host", "evil"}, {"Sec-WebSocket-Protocol", "v1"}};
  auto connection = client_.connect(request, recorder.events());
  EXPECT_EQ(connection->send("hello", true), Code::kOk);
  EXPECT_EQ(connection->send(std::string("\0\xff", 2), false), Code::kOk);
  recorder.on_message = [&] {
    if (recorder.messages.size() == 2) connection->close(4000, "bye");
  };
  wait(recorder);
  EXPECT_EQ(recorder.subprotocol, "v1");
  EXPECT_THAT(recorder.messages, testing::ElementsAre("t:hello", "b:" + std::string("\0\xff", 2)));
  EXPECT_EQ(recorder.code, Code::kOk);
  EXPECT_EQ(recorder.close_code, 4000);
  EXPECT_EQ(recorder.closed, 1);
  EXPECT_THAT(server.seen_header,
              testing::StartsWith("yes|127.0.0.1:" + std::to_string(server.port()) + "|/gw?v=10"));
  EXPECT_EQ(connection->send("late", true), Code::kNotFound);
}

TEST_F(WebSocketClientTest, ReportsThePeersCloseCodeAndReason) {
  Server<Plain> server([](Plain& ws) {
    boost::system::error_code ignored;
    ws.close({static_cast<websocket::close_code>(4004), "token is wrong"}, ignored);
  });
  Recorder recorder(runtime_);
  client_.connect(to(server.port()), recorder.events());
  wait(recorder);
  EXPECT_TRUE(recorder.opened);
  EXPECT_EQ(recorder.code, Code::kOk);
  EXPECT_EQ(recorder.close_code, 4004);
  EXPECT_EQ(recorder.reason, "token is wrong");
}

TEST_F(WebSocketClientTest, ALostConnectionIsUnavailable1006) {
  Server<Plain> server([](Plain& ws) { ws.next_layer().close(); });
  Recorder recorder(runtime_);
  client_.connect(to(server.port()), recorder.events());
  wait(recorder);
  EXPECT_EQ(recorder.code, Code::kUnavailable);
  EXPECT_EQ(recorder.close_code, 1006);
}

TEST_F(WebSocketClientTest, AMessageThatIsTooLargeEndsIt) {
  Server<Plain> server([](Plain& ws) {
    boost::system::error_code ignored;
    ws.write(asio::buffer(std::string(5000, 'x')), ignored);
    beast::flat_buffer rest;
    ws.read(rest, ignored);
  });
  Recorder recorder(runtime_);
  auto request = to(server.port());
  request.max_message_bytes = 4096;
  client_.connect(request, recorder.events());
  wait(recorder);
  EXPECT_EQ(recorder.code, Code::kResourceExhausted);
  EXPECT_TRUE(recorder.messages.empty());
}

TEST_F(WebSocketClientTest, AFullQueueTakesNothingAndSaysWhenThereIsRoom) {
  std::atomic<int> received{0};
  Server<Plain> server([&](Plain& ws) {
    boost::system::error_code failure;
    while (!failure) {
      beast::flat_buffer buffer;
      ws.read(buffer, failure);
      if (!failure) ++received;
    }
  });
  Recorder recorder(runtime_);
  auto request = to(server.port());
  request.send_queue_bytes = 100'000;
  auto connection = client_.connect(request, recorder.events());
  std::string piece(60'000, 'x');
  int sent = 0;
  std::function<void()> fill = [&] {
    while (sent < 50) {
      auto code = connection->send(piece, false);
      if (code == Code::kWouldBlock) return;
      ASSERT_EQ(code, Code::kOk);
      ++sent;
    }
    connection->close(1000, "");
  };
  recorder.on_writable = fill;
  fill();
  EXPECT_EQ(sent, 1);
  wait(recorder);
  EXPECT_EQ(received, 50);
  EXPECT_GT(recorder.writable, 0);
}

TEST_F(WebSocketClientTest, KeptCreditsStopTheFlow) {
  Server<Plain> server([](Plain& ws) {
    boost::system::error_code failure;
    ws.binary(true);
    std::string piece(100'000, 'b');
    for (int i = 0; i < 100 && !failure; ++i) ws.write(asio::buffer(piece), failure);
    if (!failure) ws.close(websocket::close_code::normal, failure);
  });
  Recorder recorder(runtime_);
  recorder.keep = true;
  std::size_t most = 0;
  asio::steady_timer timer(runtime_.loop());
  recorder.on_message = [&] {
    recorder.messages.clear();
    most = std::max(most, recorder.kept.size());
    timer.expires_after(milliseconds(5));
    timer.async_wait([&](const boost::system::error_code& e) {
      if (!e) recorder.kept.clear();
    });
  };
  auto request = to(server.port());
  request.window_bytes = 300'000;
  client_.connect(request, recorder.events());
  wait(recorder);
  settle(runtime_, timer);
  EXPECT_EQ(recorder.bytes, 10'000'000u);
  EXPECT_LE(most, 4u);
}

TEST_F(WebSocketClientTest, PingsFindADeadPeer) {
  std::atomic<bool> over{false};
  Server<Plain> server([&](Plain& ws) {
    // Never reads, so no pong: only the client's hanging up ends the wait.
    char byte = 0;
    while (::recv(ws.next_layer().native_handle(), &byte, 1, 0) > 0) continue;
    over = true;
  });
  Recorder recorder(runtime_);
  auto request = to(server.port());
  request.idle_timeout = milliseconds(200);
  client_.connect(request, recorder.events());
  wait(recorder);
  EXPECT_EQ(recorder.code, Code::kUnavailable);
  EXPECT_THAT(recorder.reason, HasSubstr("ping"));
}

TEST_F(WebSocketClientTest, TheConnectTimeoutCoversTheUpgrade) {
  asio::io_context io;
  tcp::acceptor silent(io, {asio::ip::address_v4::loopback(), 0});  // accepts in the kernel only
  Recorder recorder(runtime_);
  auto request = to(silent.local_endpoint().port());
  request.connect_timeout = milliseconds(60);
  client_.connect(request, recorder.events());
  wait(recorder);
  EXPECT_FALSE(recorder.opened);
  EXPECT_TRUE(recorder.code == Code::kDeadlineExceeded || recorder.code == Code::kUnavailable);
}

TEST_F(WebSocketClientTest, TSsrfTheGuardSeesTheResolvedAddress) {
  Server<Plain> server(echo<Plain>);
  Recorder recorder(runtime_);
  auto request = to(server.port());
  request.url.host = "localhost";
  request.allow_private = false;
  client_.connect(request, recorder.events());
  wait(recorder);
  EXPECT_EQ(recorder.code, Code::kPermissionDenied);
  EXPECT_EQ(server.seen_header, "");
}

TEST_F(WebSocketClientTest, AbortAndStopEndItOnce) {
  Server<Plain> server(echo<Plain>);
  Recorder one(runtime_), two(runtime_), three(runtime_);
  auto connection = client_.connect(to(server.port()), one.events());
  connection->abort();
  wait(one);
  EXPECT_EQ(one.code, Code::kCancelled);
  client_.connect(to(server.port()), two.events());
  runtime_.loop().restart();
  while (!two.opened) runtime_.loop().run_one();
  run_to_end(runtime_, client_.stop(Deadline::after(milliseconds(5000))));
  EXPECT_EQ(two.closed, 1);
  EXPECT_EQ(two.code, Code::kCancelled);
  client_.connect(to(server.port()), three.events());
  wait(three);
  EXPECT_EQ(three.code, Code::kCancelled);
}

TEST_F(WebSocketClientTest, TlsNeedsATrustedCertificateForTheVeryHost) {
  Certificate certificate;
  Server<Tls> server(echo<Tls>, &certificate.context);
  Recorder untrusted(runtime_);
  client_.connect(to(server.port(), "wss"), untrusted.events());
  wait(untrusted);
  EXPECT_EQ(untrusted.code, Code::kProtocol);
  WebSocketClient trusting(runtime_, certificate.file);
  Recorder good(runtime_);
  auto connection = trusting.connect(to(server.port(), "wss"), good.events());
  connection->send("over tls", true);
  good.on_message = [&] { connection->close(1000, ""); };
  wait(good);
  EXPECT_EQ(good.code, Code::kOk);
  EXPECT_THAT(good.messages, testing::ElementsAre("t:over tls"));
  Recorder misnamed(runtime_);
  auto request = to(server.port(), "wss");
  request.url.host = "localhost";
  trusting.connect(request, misnamed.events());
  wait(misnamed);
  EXPECT_EQ(misnamed.code, Code::kProtocol);
  run_to_end(runtime_, trusting.stop(Deadline::after(milliseconds(5000))));
}

}  // namespace
}  // namespace openclaw::net
