#include "net/stream_client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "async/run_for_test.h"
#include "net/loopback_server_for_test.h"

namespace openclaw::net {
namespace {

using std::chrono::milliseconds;

struct Recorder {
  explicit Recorder(Runtime& runtime) : ended(runtime) {}
  StreamEvents events() {
    StreamEvents e;
    e.open = [this] { opened = true; };
    e.data = [this](std::string piece, Credit credit) {
      data += piece;
      if (keep) kept.push_back(std::move(credit));
      if (on_data) on_data();
    };
    e.writable = [this] {
      ++writable;
      if (on_writable) on_writable();
    };
    e.close = [this](Code c, std::string r) {
      ++closed;
      code = c;
      reason = std::move(r);
      ended.set();
    };
    return e;
  }
  std::string data, reason;
  std::vector<Credit> kept;
  std::function<void()> on_data, on_writable;
  bool opened = false, keep = false;
  int writable = 0, closed = 0;
  Code code = Code::kInternal;
  Event ended;
};

Awaitable<> until_end(Recorder* recorder) {
  EXPECT_TRUE(co_await recorder->ended.wait(Deadline::after(milliseconds(20'000))));
}

class StreamClientTest : public testing::Test {
 protected:
  StreamRequest to(const LoopbackServer& server) {
    StreamRequest request;
    request.url = *parse_url("tcp:127.0.0.1:" + std::to_string(server.port()));
    request.allow_private = true;
    return request;
  }
  void wait(Recorder& recorder) { run_to_end(runtime_, until_end(&recorder)); }
  ~StreamClientTest() override {
    run_to_end(runtime_, client_.stop(Deadline::after(milliseconds(5000))));
  }
  Runtime runtime_;
  StreamClient client_{runtime_};
};

TEST_F(StreamClientTest, HalfCloseSendsTheRestAndStillReceives) {
  LoopbackServer server([](Peer& peer) {
    auto all = peer.read_all();  // returns at our half close
    peer.write("got " + all);
  });
  Recorder recorder(runtime_);
  auto connection = client_.connect(to(server), recorder.events());
  EXPECT_EQ(connection->send("hello "), Code::kOk);
  EXPECT_EQ(connection->send("there"), Code::kOk);
  connection->shut_write();
  wait(recorder);
  EXPECT_TRUE(recorder.opened);
  EXPECT_EQ(recorder.data, "got hello there");
  EXPECT_EQ(recorder.code, Code::kOk);
  EXPECT_EQ(recorder.closed, 1);
  EXPECT_EQ(connection->send("x"), Code::kNotFound);
}

TEST_F(StreamClientTest, SpeaksToUnixSockets) {
  std::string path = testing::TempDir() + "openclaw-stream-" + std::to_string(::getpid()) + ".sock";
  Recorder recorder(runtime_);
  {
    LoopbackServer server([](Peer& peer) { peer.write("hi " + peer.read_bytes(3)); }, path);
    StreamRequest request;
    request.url = *parse_url("unix:" + path);
    auto connection = client_.connect(request, recorder.events());
    connection->send("abc");
    wait(recorder);
  }
  EXPECT_EQ(recorder.data, "hi abc");
  ::unlink(path.c_str());
}

TEST_F(StreamClientTest, AFullQueueTakesNothingAndSaysWhenThereIsRoom) {
  std::string seen;
  auto server = std::make_unique<LoopbackServer>([&](Peer& peer) { seen = peer.read_all(); });
  Recorder recorder(runtime_);
  auto request = to(*server);
  request.send_queue_bytes = 100'000;
  auto connection = client_.connect(request, recorder.events());
  std::string piece(60'000, 'x');
  std::size_t sent = 0;
  std::function<void()> fill = [&] {
    while (sent < 100) {
      auto code = connection->send(piece);
      if (code == Code::kWouldBlock) return;
      ASSERT_EQ(code, Code::kOk);
      ++sent;
    }
    connection->shut_write();
  };
  recorder.on_writable = fill;
  fill();
  EXPECT_LT(sent, 100u);
  wait(recorder);
  server.reset();  // its thread wrote `seen`
  EXPECT_EQ(seen.size(), 100u * 60'000);
  EXPECT_GT(recorder.writable, 0);
}

TEST_F(StreamClientTest, PauseStopsDataUntilItGoesOn) {
  LoopbackServer server([](Peer& peer) { peer.write(std::string(1000, 'a')); });
  Recorder recorder(runtime_);
  auto connection = client_.connect(to(server), recorder.events());
  connection->pause(true);
  runtime_.loop().restart();
  while (!recorder.opened) runtime_.loop().run_one();
  // Give a wrong implementation the chance to read: all that is ready runs.
  runtime_.loop().poll();
  EXPECT_EQ(recorder.data, "");
  connection->pause(false);
  wait(recorder);
  EXPECT_EQ(recorder.data.size(), 1000u);
}

TEST_F(StreamClientTest, KeptCreditsStopTheFlow) {
  LoopbackServer server([](Peer& peer) {
    std::string piece(100'000, 'b');
    for (int i = 0; i < 100; ++i) {
      if (!peer.write(piece)) return;
    }
  });
  Recorder recorder(runtime_);
  recorder.keep = true;
  std::size_t most = 0, since = 0, last = 0;
  asio::steady_timer timer(runtime_.loop());
  recorder.on_data = [&] {
    since += recorder.data.size() - last;
    last = recorder.data.size();
    most = std::max(most, since);
    timer.expires_after(milliseconds(5));
    timer.async_wait([&](const boost::system::error_code& e) {
      if (e) return;
      since = 0;
      recorder.kept.clear();
    });
  };
  client_.connect(to(server), recorder.events());
  wait(recorder);
  settle(runtime_, timer);
  EXPECT_EQ(recorder.data.size(), 10'000'000u);
  EXPECT_LE(most, 400u * 1024);
}

TEST_F(StreamClientTest, CloseAndStopEndItOnce) {
  LoopbackServer server([](Peer& peer) { peer.read_all(); });
  Recorder one(runtime_), two(runtime_), three(runtime_);
  auto connection = client_.connect(to(server), one.events());
  connection->close();
  wait(one);
  EXPECT_EQ(one.code, Code::kCancelled);
  client_.connect(to(server), two.events());
  runtime_.loop().restart();
  while (!two.opened) runtime_.loop().run_one();
  run_to_end(runtime_, client_.stop(Deadline::after(milliseconds(5000))));
  EXPECT_EQ(two.closed, 1);
  EXPECT_EQ(two.code, Code::kCancelled);
  client_.connect(to(server), three.events());
  wait(three);
  EXPECT_EQ(three.code, Code::kCancelled);
}

TEST_F(StreamClientTest, TSsrfTheGuardSeesTheResolvedAddress) {
  LoopbackServer server([](Peer& peer) { peer.read_all(); });
  Recorder recorder(runtime_);
  auto request = to(server);
  request.url.host = "localhost";
  request.allow_private = false;
  client_.connect(request, recorder.events());
  wait(recorder);
  EXPECT_EQ(recorder.code, Code::kPermissionDenied);
  EXPECT_EQ(server.connections(), 0);
}

TEST_F(StreamClientTest, ARefusedPortIsUnavailable) {
  int port = 0;
  {
    LoopbackServer server([](Peer&) {});
    port = server.port();
  }
  Recorder recorder(runtime_);
  StreamRequest request;
  request.url = *parse_url("tcp:127.0.0.1:" + std::to_string(port));
  request.allow_private = true;
  client_.connect(request, recorder.events());
  wait(recorder);
  EXPECT_EQ(recorder.code, Code::kUnavailable);
  EXPECT_FALSE(recorder.opened);
}

}  // namespace
}  // namespace openclaw::net
