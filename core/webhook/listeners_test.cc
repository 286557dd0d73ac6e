#include "webhook/listeners.h"

#include <array>
#include <functional>

#include <boost/asio/detached.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/write.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace openclaw::webhook {
namespace {

using boost::asio::ip::tcp;
using std::chrono::milliseconds;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

constexpr const char* kSecret = "s3cret";

// The loop runs on the test's thread; a client waits by running it.
class WebhookListeners : public testing::Test {
 protected:
  ~WebhookListeners() override {
    lease_.reset();
    other_lease_.reset();
    bool done = false;
    const auto stopping = [this, &done]() -> Awaitable<> {
      co_await listeners_.stop(Deadline::after(milliseconds(5000)));
      done = true;
    };
    asio::co_spawn(runtime_.loop(), stopping(), asio::detached);
    run_until([&] { return done; });
    runtime_.stop_blocking();
  }

  Route route(const std::string& path, std::uint16_t port = 0) {
    Route out;
    out.host = "127.0.0.1";
    out.port = port;
    out.path = path;
    out.secret_header = "X-Secret";
    out.secret = kSecret;
    out.receiver = [this, path](Request request, Limits) -> Awaitable<Answer> {
      got_.push_back(path + " " + request.query + " " + request.body);
      if (hold_) (void)co_await hold_->wait(Deadline::never());
      co_return answer_;
    };
    return out;
  }
  void open(const std::string& path = "/hook") {
    auto opened = listeners_.open(route(path));
    ASSERT_TRUE(opened.has_value()) << opened.error().message;
    lease_ = std::move(opened.value());
  }
  void run_until(const std::function<bool()>& done) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    runtime_.loop().restart();
    while (!done() && std::chrono::steady_clock::now() < end) runtime_.loop().run_one_until(end);
    EXPECT_TRUE(done());
  }

  // A connection of its own to the door.
  struct Client {
    Client(WebhookListeners& of, std::uint16_t port) : test(of), socket(of.runtime_.loop()) {
      socket.connect({boost::asio::ip::address_v4::loopback(), port});
    }
    void send(const std::string& text) {
      boost::system::error_code ignored;  // a refused one may be gone
      boost::asio::write(socket, boost::asio::buffer(text), ignored);
    }
    // What comes until the text holds `mark`, or the end.
    std::string read(const std::string& mark) {
      bool over = false;
      std::function<void()> more = [&] {
        socket.async_read_some(boost::asio::buffer(piece),
                               [&](boost::system::error_code failed, std::size_t count) {
                                 got.append(piece.data(), count);
                                 ended = static_cast<bool>(failed);
                                 over = ended || got.find(mark) != std::string::npos;
                                 if (!over) more();
                               });
      };
      more();
      test.run_until([&] { return over; });
      return std::exchange(got, {});
    }
    std::string ask(const std::string& text) {
      send(text);
      return read("\r\n\r\n");
    }
    bool at_end() {
      if (!ended) (void)read("nothing that is ever sent");
      return ended;
    }
    WebhookListeners& test;
    tcp::socket socket;
    std::array<char, 4096> piece{};
    std::string got;
    bool ended = false;
  };
  Client client() { return Client(*this, lease_->port()); }
  static std::string post(const std::string& target, const std::string& headers,
                          const std::string& body) {
    return "POST " + target + " HTTP/1.1\r\nHost: x\r\n" + headers +
           "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
  }
  static std::string good(const std::string& body, const std::string& target = "/hook") {
    return post(target, "X-Secret: " + std::string(kSecret) + "\r\n", body);
  }

  Runtime runtime_;
  Listeners listeners_{runtime_};
  std::unique_ptr<Lease> lease_, other_lease_;
  Answer answer_;
  std::shared_ptr<Event> hold_;
  std::vector<std::string> got_;
};

TEST_F(WebhookListeners, WhatShowsTheSecretReachesTheReceiverOverOneConnection) {
  open();
  Client platform = client();
  EXPECT_THAT(platform.ask(good("one")), StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(platform.ask(good("two", "/hook?a=b")), StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(got_, ElementsAre("/hook  one", "/hook a=b two"));
  EXPECT_FALSE(platform.ended);
}

TEST_F(WebhookListeners, A7AStrangersBodyIsNeitherReadNorWaitedFor) {
  open();
  for (const std::string header :
       {"", "X-Secret: \r\n", "X-Secret: s3creT\r\n", "X-Secret: s3cret0\r\n",
        "X-Secret: s3cret\r\nX-Secret: s3cret\r\n"}) {
    Client stranger = client();
    EXPECT_THAT(stranger.ask("POST /hook HTTP/1.1\r\nHost: x\r\n" + header +
                             "Content-Length: 99999999999\r\n\r\n"),
                StartsWith("HTTP/1.1 401 "))
        << header;
    EXPECT_TRUE(stranger.at_end());
  }
  EXPECT_TRUE(got_.empty());
}

TEST_F(WebhookListeners, OnlyPostAndOnlyThePathsThatAreOpen) {
  open();
  const std::string secret = "X-Secret: s3cret\r\n";
  EXPECT_THAT(client().ask("GET /hook HTTP/1.1\r\n" + secret + "\r\n"),
              StartsWith("HTTP/1.1 405 Method Not Allowed\r\nAllow: POST\r\n"));
  EXPECT_THAT(client().ask(post("/hook/", secret, "")), StartsWith("HTTP/1.1 404 "));
  EXPECT_THAT(client().ask(post("/", secret, "")), StartsWith("HTTP/1.1 404 "));
  EXPECT_THAT(client().ask("nonsense\r\n\r\n"), StartsWith("HTTP/1.1 400 "));
  EXPECT_TRUE(got_.empty());
}

TEST_F(WebhookListeners, HeadersAndBodiesHaveALimit) {
  open();
  EXPECT_THAT(client().ask(post("/hook", "X-Long: " + std::string(20'000, 'x') + "\r\n", "")),
              StartsWith("HTTP/1.1 431 "));
  const std::string start = "POST /hook HTTP/1.1\r\nX-Secret: s3cret\r\n";
  EXPECT_THAT(client().ask(start + "Content-Length: 1048577\r\n\r\n"), StartsWith("HTTP/1.1 413 "));
  Client chunks = client();
  EXPECT_THAT(
      chunks.ask(start + "Transfer-Encoding: chunked\r\n\r\n100001\r\n" + std::string(0x1000, 'x')),
      StartsWith("HTTP/1.1 413 "));
  EXPECT_TRUE(got_.empty());
  EXPECT_THAT(client().ask(good(std::string(kMaxBodyBytes, 'x'))), StartsWith("HTTP/1.1 200 "));
}

TEST_F(WebhookListeners, A100ContinueIsGivenOnlyToWhoShowsTheSecret) {
  open();
  Client platform = client();
  EXPECT_EQ(platform.ask("POST /hook HTTP/1.1\r\nX-Secret: s3cret\r\nExpect: 100-continue\r\n"
                         "Content-Length: 2\r\n\r\n"),
            "HTTP/1.1 100 Continue\r\n\r\n");
  EXPECT_THAT(platform.ask("hi"), StartsWith("HTTP/1.1 200 "));
  EXPECT_THAT(client().ask("POST /hook HTTP/1.1\r\nExpect: 100-continue\r\n"
                           "Content-Length: 2\r\n\r\n"),
              StartsWith("HTTP/1.1 401 "));
}

TEST_F(WebhookListeners, WhatCannotBeTakenNowIsAskedForAgain) {
  open();
  answer_ = {503, std::chrono::seconds(7)};
  EXPECT_THAT(client().ask(good("one")),
              StartsWith("HTTP/1.1 503 Service Unavailable\r\nRetry-After: 7\r\n"));
}

TEST_F(WebhookListeners, TwoRoutesShareAPortAndCloseOneByOne) {
  open("/one");
  auto second = listeners_.open(route("/two", 0));
  ASSERT_TRUE(second.has_value());
  other_lease_ = std::move(second.value());
  // The same text of host and port is the same door.
  EXPECT_EQ(other_lease_->port(), lease_->port());
  EXPECT_EQ(listeners_.open(route("/two", 0)).error().code, Code::kAlreadyExists);
  EXPECT_THAT(client().ask(good("x", "/two")), StartsWith("HTTP/1.1 200 "));
  other_lease_.reset();
  EXPECT_THAT(client().ask(good("x", "/two")), StartsWith("HTTP/1.1 404 "));
  EXPECT_THAT(client().ask(good("x", "/one")), StartsWith("HTTP/1.1 200 "));
  const std::uint16_t port = lease_->port();
  lease_.reset();
  EXPECT_ANY_THROW(Client(*this, port));
  auto again = listeners_.open(route("/one", port));
  ASSERT_TRUE(again.has_value()) << again.error().message;
  lease_ = std::move(again.value());
  EXPECT_THAT(client().ask(good("x", "/one")), StartsWith("HTTP/1.1 200 "));
}

TEST_F(WebhookListeners, ARequestUnderWayIsAnsweredWhenItsRouteCloses) {
  open();
  hold_ = std::make_shared<Event>(runtime_);
  Client platform = client();
  platform.send(good("one"));
  run_until([&] { return got_.size() == 1; });
  lease_.reset();
  hold_->set();
  EXPECT_THAT(platform.read("\r\n\r\n"), HasSubstr("200 OK\r\nConnection: close\r\n"));
  EXPECT_TRUE(platform.at_end());
}

TEST_F(WebhookListeners, HalfOpenConnectionsDoNotKeepThePlatformOut) {
  open();
  std::vector<std::unique_ptr<Client>> half_open;
  for (std::size_t i = 0; i < kMaxConnections + 8; ++i) {
    half_open.push_back(std::make_unique<Client>(*this, lease_->port()));
    half_open.back()->send("POST /hook HTTP/1.1\r\n");
    runtime_.loop().poll();
  }
  EXPECT_THAT(client().ask(good("one")), StartsWith("HTTP/1.1 200 "));
  EXPECT_TRUE(half_open.front()->at_end());
}

TEST_F(WebhookListeners, A24NoSecretNoRouteAndATakenPortIsSaid) {
  Route open_to_all = route("/hook");
  open_to_all.secret.clear();
  EXPECT_EQ(listeners_.open(std::move(open_to_all)).error().code, Code::kInvalidArgument);
  Route by_name = route("/hook");
  by_name.host = "example.org";
  EXPECT_EQ(listeners_.open(std::move(by_name)).error().code, Code::kInvalidArgument);
  tcp::acceptor other(runtime_.loop(), {boost::asio::ip::address_v4::loopback(), 0});
  const std::uint16_t port = other.local_endpoint().port();
  const auto refused = listeners_.open(route("/hook", port));
  EXPECT_EQ(refused.error().code, Code::kAlreadyExists);
  EXPECT_THAT(refused.error().message, HasSubstr("127.0.0.1 port " + std::to_string(port)));
}

}  // namespace
}  // namespace openclaw::webhook
