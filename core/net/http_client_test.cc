#include "net/http_client.h"

#include <atomic>
#include <condition_variable>
#include <future>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "async/run_for_test.h"
#include "net/loopback_server_for_test.h"

namespace openclaw::net {
namespace {

using std::chrono::milliseconds;
using testing::HasSubstr;
using testing::Not;

HttpRequest get(const LoopbackServer& server, const std::string& target = "/") {
  HttpRequest request;
  request.url = *parse_url("http://127.0.0.1:" + std::to_string(server.port()) + target);
  request.allow_private = true;
  return request;
}

Limits ten_seconds() {
  return Limits::within(milliseconds(10'000));
}

class HttpClientTest : public testing::Test {
 protected:
  Result<HttpResponse> fetch(HttpRequest request, Limits limits = ten_seconds(),
                             HttpClient::ChunkSink sink = {}) {
    return run_to_end(runtime_, client_.request(std::move(request), limits, std::move(sink)));
  }
  Runtime runtime_;
  HttpClient client_{runtime_};
};

TEST_F(HttpClientTest, NoThreadUntilTheFirstRequest) {
  EXPECT_FALSE(client_.started());
}

TEST_F(HttpClientTest, SendsMethodHeadersAndBodyAndReadsTheAnswer) {
  std::string head, body;
  LoopbackServer server([&](Peer& peer) {
    head = peer.read_until("\r\n\r\n");
    body = peer.read_bytes(5);
    peer.write(http_answer("fine", "X-Thing:  a b \r\n"));
  });
  auto request = get(server, "/p/../q?x=1");
  request.method = "PUT";
  request.headers = {{"X-One", "1"}, {"X-Empty", ""}, {"Host", "evil"}, {"Content-Length", "99"}};
  request.body = std::string("a\0b\r\n", 5);
  auto answer = fetch(request);
  ASSERT_TRUE(answer.has_value()) << answer.error().message;
  EXPECT_EQ(answer->status, 200);
  EXPECT_EQ(answer->body, "fine");
  EXPECT_THAT(answer->headers, testing::Contains(testing::Pair("x-thing", "a b")));
  EXPECT_THAT(head, HasSubstr("PUT /p/../q?x=1 HTTP/1.1\r\n"));
  EXPECT_THAT(head, HasSubstr("X-One: 1\r\n"));
  EXPECT_THAT(head, HasSubstr("X-Empty:"));
  EXPECT_THAT(head, HasSubstr("Content-Length: 5\r\n"));
  EXPECT_THAT(head, Not(HasSubstr("evil")));
  EXPECT_THAT(head, Not(HasSubstr("Expect")));
  EXPECT_THAT(head, Not(HasSubstr("Content-Type")));
  EXPECT_EQ(body, request.body);
}

TEST_F(HttpClientTest, ReusesConnections) {
  LoopbackServer server(http_handler([](const std::string&) { return http_answer("x"); }));
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(fetch(get(server)).has_value());
  EXPECT_EQ(server.connections(), 1);
}

// A server that reads a request on a kept connection, acts on it, and breaks off.
TEST_F(HttpClientTest, ARequestForOnceIsNotRepeatedOnASecondConnection) {
  for (const bool once : {false, true}) {
    std::atomic<int> seen{0};
    LoopbackServer server([&](Peer& peer) {
      while (!peer.read_until("\r\n\r\n").empty()) {
        if (++seen == 2) return;
        peer.write(http_answer("x"));
      }
    });
    ASSERT_TRUE(fetch(get(server)).has_value());
    auto request = get(server);
    request.method = "POST";
    request.once = once;
    auto answer = fetch(request);
    EXPECT_EQ(answer.has_value(), !once);
    EXPECT_EQ(seen.load(), once ? 2 : 3);
    if (!once) continue;
    EXPECT_EQ(answer.error().code, Code::kUnavailable);
    EXPECT_FALSE(answer.error().details.contains("unsent"));
  }
}

TEST_F(HttpClientTest, AnErrorSaysThatNothingWasWritten) {
  auto request = HttpRequest();
  {
    LoopbackServer closed([](Peer&) {});
    request = get(closed);
  }
  auto answer = fetch(request);
  ASSERT_TRUE(answer.has_error());
  EXPECT_TRUE(answer.error().details.contains("unsent"));
  LoopbackServer silent([](Peer& peer) { peer.read_until("\r\n\r\n"); });
  answer = fetch(get(silent));
  ASSERT_TRUE(answer.has_error());
  EXPECT_FALSE(answer.error().details.contains("unsent"));
}

TEST_F(HttpClientTest, APooledConnectionDoesNotLendItsRights) {
  LoopbackServer server(http_handler([](const std::string&) { return http_answer("x"); }));
  auto named = get(server);
  named.url = *parse_url("http://localhost:" + std::to_string(server.port()) + "/");
  ASSERT_TRUE(fetch(named).has_value());
  named.allow_private = false;
  auto denied = fetch(named);
  ASSERT_TRUE(denied.has_error());
  EXPECT_EQ(denied.error().code, Code::kPermissionDenied);
}

TEST_F(HttpClientTest, TSsrfANameThatResolvesToLoopbackIsNeverConnectedTo) {
  LoopbackServer server(http_handler([](const std::string&) { return http_answer("x"); }));
  auto request = get(server);
  request.url = *parse_url("http://localhost:" + std::to_string(server.port()) + "/");
  request.allow_private = false;
  auto denied = fetch(request);
  EXPECT_EQ(denied.error().code, Code::kPermissionDenied);
  EXPECT_THAT(denied.error().message, HasSubstr("loopback"));
  EXPECT_EQ(server.connections(), 0);
}

TEST_F(HttpClientTest, SpeaksToUnixSockets) {
  std::string path = testing::TempDir() + "openclaw-http-" + std::to_string(::getpid()) + ".sock";
  std::string seen;
  {
    LoopbackServer server(http_handler([&](const std::string& head) {
                            seen = head;
                            return http_answer("[]");
                          }),
                          path);
    HttpRequest request;
    request.url = *parse_url("unix:" + path + ":/v1.41/containers/json?all=1");
    auto answer = fetch(request);
    ASSERT_TRUE(answer.has_value()) << answer.error().message;
    EXPECT_EQ(answer->body, "[]");
  }
  EXPECT_THAT(seen, HasSubstr("GET /v1.41/containers/json?all=1 HTTP/1.1"));
  ::unlink(path.c_str());
}

TEST_F(HttpClientTest, LargeBodiesGoBothWays) {
  constexpr std::size_t kSize = 8u << 20;
  LoopbackServer server([&](Peer& peer) {
    peer.read_until("\r\n\r\n");
    auto body = peer.read_bytes(kSize);
    peer.write(http_answer(body));
  });
  auto request = get(server);
  request.method = "POST";
  request.body.resize(kSize);
  for (std::size_t i = 0; i < kSize; ++i) request.body[i] = static_cast<char>(i * 31);
  auto expected = request.body;
  auto answer = fetch(std::move(request));
  ASSERT_TRUE(answer.has_value()) << answer.error().message;
  EXPECT_EQ(answer->body == expected, true);
}

TEST_F(HttpClientTest, ABodyCanComeFromASource) {
  std::string seen;
  LoopbackServer server([&](Peer& peer) {
    peer.read_until("\r\n\r\n");
    seen = peer.read_bytes(300'000);
    peer.write(http_answer("ok"));
  });
  auto request = get(server);
  request.method = "POST";
  request.body_source_bytes = 300'000;
  auto left = std::make_shared<std::size_t>(300'000);
  request.body_source = [left](char* buffer, std::size_t size) {
    auto n = std::min(size, *left);
    std::fill_n(buffer, n, 'z');
    *left -= n;
    return static_cast<std::int64_t>(n);
  };
  ASSERT_TRUE(fetch(std::move(request)).has_value());
  EXPECT_EQ(seen, std::string(300'000, 'z'));
}

TEST_F(HttpClientTest, AnAnswerThatIsTooLargeEndsTheTransfer) {
  LoopbackServer server(
      http_handler([](const std::string&) { return http_answer(std::string(200'000, 'x')); }));
  auto request = get(server);
  request.max_response_bytes = 100'000;
  EXPECT_EQ(fetch(request).error().code, Code::kResourceExhausted);
}

TEST_F(HttpClientTest, HeadersWithoutEndAreRefused) {
  LoopbackServer server([](Peer& peer) {
    peer.read_until("\r\n\r\n");
    peer.write("HTTP/1.1 200 OK\r\n");
    while (peer.write("X-Filler: " + std::string(1000, 'a') + "\r\n")) continue;
  });
  EXPECT_EQ(fetch(get(server)).error().code, Code::kResourceExhausted);
}

TEST_F(HttpClientTest, TheDeadlineAndTheTotalTimeoutEndASilentServer) {
  LoopbackServer server([](Peer& peer) { peer.read_all(); });
  EXPECT_EQ(fetch(get(server), Limits::within(milliseconds(50))).error().code,
            Code::kDeadlineExceeded);
  auto request = get(server, "/?token=canary");
  request.total_timeout = milliseconds(50);
  auto result = fetch(request);
  EXPECT_EQ(result.error().code, Code::kDeadlineExceeded);
  EXPECT_THAT(result.error().message, Not(HasSubstr("canary")));
}

TEST_F(HttpClientTest, TheIdleTimeoutEndsAStreamThatStops) {
  LoopbackServer server([](Peer& peer) {
    peer.read_until("\r\n\r\n");
    peer.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n");
    peer.read_all();
  });
  auto request = get(server);
  request.idle_timeout = milliseconds(60);
  std::string seen;
  auto result =
      fetch(request, ten_seconds(), [&](std::string chunk, const Credit&) { seen += chunk; });
  EXPECT_EQ(result.error().code, Code::kDeadlineExceeded);
  EXPECT_EQ(seen, "ab");
}

TEST_F(HttpClientTest, KeptCreditsPauseTheServerAndReturnedOnesResumeIt) {
  constexpr std::size_t kSize = 16u << 20;
  std::atomic<std::size_t> written{0};
  LoopbackServer server([&](Peer& peer) {
    peer.read_until("\r\n\r\n");
    peer.write("HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(kSize) + "\r\n\r\n");
    std::string piece(64 * 1024, 'q');
    for (std::size_t sent = 0; sent < kSize && peer.write(piece); sent += piece.size()) {
      written += piece.size();
    }
  });
  std::vector<Credit> kept;
  std::size_t received = 0, most_kept = 0, kept_bytes = 0;
  asio::steady_timer timer(runtime_.loop());
  auto request = get(server);
  request.max_response_bytes = kSize;
  auto sink = [&](const std::string& chunk, Credit credit) {
    received += chunk.size();
    kept_bytes += chunk.size();
    most_kept = std::max(most_kept, kept_bytes);
    kept.push_back(std::move(credit));
    // Given back only when nothing more has come for a while, which is what a full window looks
    // like.
    timer.expires_after(milliseconds(10));
    timer.async_wait([&](const boost::system::error_code& e) {
      if (e) return;
      kept.clear();
      kept_bytes = 0;
    });
  };
  auto result = fetch(request, Limits::within(milliseconds(60'000)), sink);
  settle(runtime_, timer);
  ASSERT_TRUE(result.has_value()) << result.error().message;
  EXPECT_EQ(received, kSize);
  EXPECT_LE(most_kept, 512u * 1024);
}

TEST_F(HttpClientTest, AbortCancelsAtAnyTime) {
  std::promise<void> reached;
  LoopbackServer server([&](Peer& peer) {
    peer.read_until("\r\n\r\n");
    reached.set_value();
    EXPECT_EQ(peer.read_all(), "");  // ends when the client hangs up
  });
  AbortSource source;
  std::thread stopper([&] {
    reached.get_future().wait();
    runtime_.post([&] { source.abort("enough"); });
  });
  auto result = fetch(get(server), Limits{Deadline::never(), source.signal()});
  stopper.join();
  EXPECT_EQ(result.error().code, Code::kCancelled);
}

TEST_F(HttpClientTest, StopEndsWhatIsUnderWayExactlyOnce) {
  LoopbackServer server([](Peer& peer) { peer.read_all(); });
  std::atomic<int> done{0};
  for (int i = 0; i < 20; ++i) {
    HttpEvents events;
    events.done = [&](Result<HttpResponse> r) {
      EXPECT_EQ(r.error().code, Code::kCancelled);
      ++done;
    };
    client_.start(get(server), events);
  }
  client_.stop();
  EXPECT_EQ(done, 20);
  HttpEvents events;
  events.done = [&](Result<HttpResponse>) { ++done; };
  client_.start(get(server), events);
  EXPECT_EQ(done, 21);
}

TEST_F(HttpClientTest, RedirectsAreNotFollowedUnlessAskedAndEachHopIsChecked) {
  LoopbackServer target(http_handler([](const std::string& head) { return http_answer(head); }));
  std::string there = "http://127.0.0.1:" + std::to_string(target.port()) + "/end";
  LoopbackServer server(http_handler([&](const std::string&) {
    return "HTTP/1.1 302 Found\r\nLocation: " + there + "\r\nContent-Length: 3\r\n\r\nabc";
  }));
  auto request = get(server);
  request.headers = {{"Authorization", "canary"}, {"X-Key", "canary"}, {"X-Plain", "yes"}};
  request.sensitive_headers = {"x-key"};
  EXPECT_EQ(fetch(request)->status, 302);
  request.max_redirects = 3;
  request.redirect_guard = [](const Url&) -> Result<EgressGuard::Verdict> {
    return EgressGuard::Verdict{true};
  };
  auto followed = fetch(request);
  ASSERT_TRUE(followed.has_value()) << followed.error().message;
  EXPECT_THAT(followed->body, HasSubstr("GET /end"));
  EXPECT_THAT(followed->body, HasSubstr("X-Plain: yes"));
  EXPECT_THAT(followed->body, Not(HasSubstr("canary")));
  request.redirect_guard = [](const Url&) -> Result<EgressGuard::Verdict> {
    return EgressGuard::Verdict{false};
  };
  EXPECT_EQ(fetch(request).error().code, Code::kPermissionDenied);
  request.redirect_guard = [](const Url&) -> Result<EgressGuard::Verdict> {
    return Error(Code::kPermissionDenied, "not granted");
  };
  EXPECT_EQ(fetch(request).error().message, "not granted");
}

TEST_F(HttpClientTest, RefusesHeadersThatWouldSplitTheRequest) {
  LoopbackServer server([](Peer& peer) { peer.read_all(); });
  auto request = get(server);
  request.headers = {{"X", "a\r\nEvil: 1"}};
  EXPECT_EQ(fetch(request).error().code, Code::kInvalidArgument);
  request.headers = {{"X Y", "a"}};
  EXPECT_EQ(fetch(request).error().code, Code::kInvalidArgument);
  request.headers = {};
  request.method = "GET /x HTTP/1.1\r\n";
  EXPECT_EQ(fetch(request).error().code, Code::kInvalidArgument);
}

TEST_F(HttpClientTest, ARefusedPortIsUnavailable) {
  int port = 0;
  {
    LoopbackServer server([](Peer&) {});
    port = server.port();
  }
  HttpRequest request;
  request.url = *parse_url("http://127.0.0.1:" + std::to_string(port) + "/");
  request.allow_private = true;
  EXPECT_EQ(fetch(request).error().code, Code::kUnavailable);
}

TEST_F(HttpClientTest, ManyAtOnceFromManyThreads) {
  LoopbackServer server(http_handler([](const std::string&) { return http_answer("y"); }));
  std::mutex mutex;
  std::condition_variable changed;
  int done = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 25; ++i) {
        HttpEvents events;
        events.done = [&](Result<HttpResponse> r) {
          EXPECT_TRUE(r.has_value() || r.error().code == Code::kCancelled);
          std::lock_guard lock(mutex);
          ++done;
          changed.notify_one();
        };
        auto id = client_.start(get(server), events);
        if (i % 5 == 0) client_.cancel(id);
      }
    });
  }
  for (auto& thread : threads) thread.join();
  std::unique_lock lock(mutex);
  EXPECT_TRUE(changed.wait_for(lock, std::chrono::seconds(30), [&] { return done == 100; }));
}

}  // namespace
}  // namespace openclaw::net
