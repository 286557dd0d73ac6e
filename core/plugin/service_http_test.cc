#include "net/loopback_server_for_test.h"
#include "plugin/service_fixture_for_test.h"

namespace openclaw::plugin {
namespace {

using testing::HasSubstr;
using testing::Not;

void told_chunk(void* user, oc_bytes chunk) {
  static_cast<Told*>(user)->add(text_of(chunk));
}
void told_response(void* user, oc_status status, const oc_http_response* response) {
  auto* told = static_cast<Told*>(user);
  {
    std::lock_guard lock(told->mutex);
    told->http_status = response->http_status;
    told->headers = text_of(response->headers_json);
    told->blob = response->body_blob;
  }
  told->end(status, text_of(response->body));
}

class HttpServiceTest : public ServicesTest {
 protected:
  struct Ask {
    std::string method = "GET", target = "/", headers = {}, body = {};
    std::uint32_t flags = 0, timeout_ms = 0, max_bytes = 0;
    std::uint64_t id = 1, body_blob = 0;
    bool streams = false;
  };
  // The server that the instance's config names under apiRoot.
  void use(const net::LoopbackServer& server) {
    root_ = "http://127.0.0.1:" + std::to_string(server.port());
    instance_->settings["apiRoot"] = root_;
    instance_->granted.net = {"config:apiRoot"};
    instance_->granted.secrets = {{"telegram.*.botToken", {"config:apiRoot"}},
                                  {"other.key", {"api.example.com"}}};
    services_->secrets().put_transient("telegram.default.botToken", "123:AB/c\"d");
    services_->secrets().put_transient("other.key", "canary");
  }
  oc_status ask(const Ask& a, Told* told) {
    auto url = root_ + a.target;
    oc_http_request request{};
    request.struct_size = sizeof request;
    request.flags = a.flags;
    request.id = a.id;
    request.method = as_str(a.method);
    request.url = as_str(url);
    request.headers_json = as_str(a.headers);
    request.body = as_bytes(a.body);
    request.body_blob = a.body_blob;
    request.timeout_ms = a.timeout_ms;
    request.max_response_bytes = a.max_bytes;
    return http().request(instance_->ctx(), &request, a.streams ? told_chunk : nullptr,
                          told_response, told);
  }
  const oc_http_v1& http() { return table<oc_http_v1>(OC_HTTP_V1); }
  std::string root_;
};

TEST_F(HttpServiceTest, AnswersWithStatusHeadersAndBody) {
  net::LoopbackServer server(net::http_handler([](const std::string&) {
    return "HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\nX-A: 1\r\nX-A: 2\r\n\r\nno";
  }));
  use(server);
  Told told;
  ASSERT_EQ(ask({}, &told), OC_OK);
  ASSERT_TRUE(told.wait());
  EXPECT_EQ(told.status, OC_OK);
  EXPECT_EQ(told.http_status, 404u);
  EXPECT_EQ(told.value, "no");
  EXPECT_EQ(json::parse(told.headers).at("x-a"), "1, 2");
}

TEST_F(HttpServiceTest, WhatTheManifestDoesNotGrantIsRefused) {
  net::LoopbackServer server(
      net::http_handler([](const std::string&) { return net::http_answer("x"); }));
  use(server);
  Told told;
  instance_->granted.net = {"https://api.telegram.org:443"};
  EXPECT_EQ(ask({}, &told), OC_PERMISSION_DENIED);
  EXPECT_EQ(told.ends, 0);
  EXPECT_EQ(server.connections(), 0);
  oc_http_request bad{};
  EXPECT_EQ(http().request(instance_->ctx(), &bad, nullptr, told_response, &told),
            OC_INVALID_ARGUMENT);
  root_ = "http://user@127.0.0.1";
  EXPECT_EQ(ask({}, &told), OC_INVALID_ARGUMENT);
}

TEST_F(HttpServiceTest, SecretsArePutInWhereGrantedInTheRightSpelling) {
  std::string seen;
  net::LoopbackServer server([&](net::Peer& peer) {
    auto head = peer.read_until("\r\n\r\n");
    auto at = head.find("Content-Length: ");
    auto size = at == std::string::npos ? 0 : std::stoul(head.substr(at + 16));
    seen = head + peer.read_bytes(size);
    peer.write(net::http_answer("ok"));
  });
  use(server);
  const std::string name = "{{secret:telegram.default.botToken}}";
  Ask a;
  a.method = "POST";
  a.target = "/bot" + name + "/getMe?k=" + name;
  a.headers = R"({"Authorization":"Bearer )" + name +
              R"(","Content-Type":"application/json; charset=utf-8"})";
  a.body = R"({"token":")" + name + R"("})";
  Told told;
  ASSERT_EQ(ask(a, &told), OC_OK);
  ASSERT_TRUE(told.wait());
  EXPECT_THAT(seen, HasSubstr("POST /bot123:AB%2Fc%22d/getMe?k=123:AB%2Fc%22d HTTP/1.1"));
  EXPECT_THAT(seen, HasSubstr("Authorization: Bearer 123:AB/c\"d\r\n"));
  // Not in the body: text of users ends up there, and they must not be able to ask for it.
  EXPECT_THAT(seen, HasSubstr(a.body));
  a.flags = OC_HTTP_SECRETS_IN_BODY;
  Told with_flag;
  ASSERT_EQ(ask(a, &with_flag), OC_OK);
  ASSERT_TRUE(with_flag.wait());
  EXPECT_THAT(seen, HasSubstr(R"({"token":"123:AB/c\"d"})"));
}

TEST_F(HttpServiceTest, SecretsStayAwayFromOtherHostsAndNames) {
  net::LoopbackServer server(
      net::http_handler([](const std::string& h) { return net::http_answer(h); }));
  use(server);
  Told told;
  auto with = [&](const std::string& name) {
    Ask a;
    a.headers = R"({"X-Key":"{{secret:)" + name + R"(}}"})";
    return ask(a, &told);
  };
  EXPECT_EQ(with("other.key"), OC_PERMISSION_DENIED);     // granted, but to another host
  EXPECT_EQ(with("unlisted.key"), OC_PERMISSION_DENIED);  // not granted at all
  EXPECT_EQ(with("telegram.ops.botToken"), OC_UNAUTHENTICATED);
  EXPECT_EQ(with("bad name"), OC_INVALID_ARGUMENT);
  Ask a;
  a.target = "/{{secret:telegram.default.botToken";
  EXPECT_EQ(ask(a, &told), OC_INVALID_ARGUMENT);
  root_ = "http://{{secret:telegram.default.botToken}}.example.com";
  EXPECT_EQ(ask({}, &told), OC_INVALID_ARGUMENT);
  EXPECT_EQ(server.connections(), 0);
  services_->secrets().put_transient("telegram.default.botToken", "a\r\nEvil: 1");
  use(server);
  services_->secrets().put_transient("telegram.default.botToken", "a\r\nEvil: 1");
  ASSERT_EQ(with("telegram.default.botToken"), OC_OK);
  ASSERT_TRUE(told.wait());
  EXPECT_EQ(told.status, OC_INVALID_ARGUMENT);
  EXPECT_THAT(told.value, Not(HasSubstr("Evil")));
}

TEST_F(HttpServiceTest, ErrorsNeverShowExpandedValues) {
  int port = 0;
  {
    net::LoopbackServer server([](net::Peer&) {});
    use(server);
    port = server.port();
  }
  Told told;
  Ask a;
  a.target = "/bot{{secret:telegram.default.botToken}}/x";
  ASSERT_EQ(ask(a, &told), OC_OK);
  ASSERT_TRUE(told.wait());
  EXPECT_EQ(told.status, OC_UNAVAILABLE);
  EXPECT_THAT(told.value, HasSubstr("127.0.0.1:" + std::to_string(port)));
  EXPECT_THAT(told.value, Not(HasSubstr("AB")));
}

TEST_F(HttpServiceTest, ChunksArriveInOrderAndASlowPluginSlowsTheServer) {
  constexpr std::size_t kSize = 8u << 20;
  std::atomic<std::size_t> written{0};
  net::LoopbackServer server([&](net::Peer& peer) {
    peer.read_until("\r\n\r\n");
    peer.write("HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(kSize) + "\r\n\r\n");
    for (std::size_t i = 0; i < kSize / 65536; ++i) {
      if (!peer.write(std::string(65536, static_cast<char>('a' + i % 26)))) return;
      written += 65536;
    }
  });
  use(server);
  std::promise<void> gate;
  instance_->post_to_plugin([open = gate.get_future().share()] { open.wait(); });
  Told told;
  Ask a;
  a.streams = true;
  ASSERT_EQ(ask(a, &told), OC_OK);
  // The plugin's thread is busy: a tenth of a second is ample for the rest to fill up.
  std::promise<void> later;
  asio::steady_timer timer(runtime_.loop(), std::chrono::milliseconds(100));
  timer.async_wait([&](const boost::system::error_code&) { later.set_value(); });
  later.get_future().wait();
  EXPECT_LT(written, kSize);
  gate.set_value();
  ASSERT_TRUE(told.wait());
  EXPECT_EQ(told.status, OC_OK);
  std::string all;
  for (const auto& event : told.events) all += event;
  ASSERT_EQ(all.size(), kSize);
  for (std::size_t i = 0; i < kSize; i += 65536) {
    ASSERT_EQ(all[i], static_cast<char>('a' + (i / 65536) % 26));
  }
}

TEST_F(HttpServiceTest, LargeAnswersBecomeBlobsAndBlobsBecomeBodies) {
  std::string big(3u << 20, 'B');
  std::string seen;
  net::LoopbackServer server([&](net::Peer& peer) {
    auto head = peer.read_until("\r\n\r\n");
    if (head.find("POST") == 0) seen = peer.read_bytes(big.size());
    peer.write(net::http_answer(big, "Content-Type: image/png\r\n"));
  });
  use(server);
  Told told;
  ASSERT_EQ(ask({}, &told), OC_OK);
  ASSERT_TRUE(told.wait());
  EXPECT_EQ(told.value, "");
  ASSERT_NE(told.blob, 0u);
  Told upload;
  Ask a;
  a.method = "POST";
  a.body_blob = told.blob;
  a.id = 2;
  ASSERT_EQ(ask(a, &upload), OC_OK);
  ASSERT_TRUE(upload.wait());
  EXPECT_EQ(upload.status, OC_OK);
  EXPECT_EQ(seen == big, true);
  a.body_blob = 12345;
  EXPECT_EQ(ask(a, &upload), OC_NOT_FOUND);
}

TEST_F(HttpServiceTest, LimitsOnSizeTimeAndCount) {
  net::LoopbackServer server([](net::Peer& peer) {
    auto head = peer.read_until("\r\n\r\n");
    if (head.find("/big") != std::string::npos)
      peer.write(net::http_answer(std::string(5000, 'x')));
    peer.read_all();
  });
  use(server);
  Told slow, big;
  Ask a;
  a.timeout_ms = 50;
  ASSERT_EQ(ask(a, &slow), OC_OK);
  ASSERT_TRUE(slow.wait());
  EXPECT_EQ(slow.status, OC_DEADLINE_EXCEEDED);
  a.timeout_ms = 0;
  a.target = "/big";
  a.max_bytes = 4096;
  ASSERT_EQ(ask(a, &big), OC_OK);
  ASSERT_TRUE(big.wait());
  EXPECT_EQ(big.status, OC_RESOURCE_EXHAUSTED);
  std::deque<Told> many(65);
  a.target = "/";
  for (std::uint64_t i = 0; i < 64; ++i) {
    a.id = 100 + i;
    ASSERT_EQ(ask(a, &many[i]), OC_OK);
  }
  EXPECT_EQ(ask(a, &many[64]), OC_ALREADY_EXISTS);
  a.id = 1000;
  EXPECT_EQ(ask(a, &many[64]), OC_RESOURCE_EXHAUSTED);
  http().cancel(instance_->ctx(), 100);
  ASSERT_TRUE(many[0].wait());
  EXPECT_EQ(many[0].status, OC_CANCELLED);
  release(*instance_);
  for (std::size_t i = 0; i < 64; ++i) {
    EXPECT_EQ(many[i].ends, 1);
    EXPECT_EQ(many[i].status, OC_CANCELLED);
  }
  EXPECT_EQ(ask(a, &many[64]), OC_CANCELLED);
  EXPECT_EQ(many[64].ends, 0);
}

TEST_F(HttpServiceTest, RedirectsGoOnlyToGrantedPlaces) {
  net::LoopbackServer target(
      net::http_handler([](const std::string& head) { return net::http_answer(head); }));
  net::LoopbackServer server(net::http_handler([&](const std::string& head) {
    auto where = head.find("/out") != std::string::npos
                     ? "http://127.0.0.1:" + std::to_string(target.port()) + "/x"
                     : std::string("/final");
    if (head.find("/final") != std::string::npos) return net::http_answer("end");
    return "HTTP/1.1 302 Found\r\nContent-Length: 0\r\nLocation: " + where + "\r\n\r\n";
  }));
  use(server);
  Told plain, inside, outside;
  Ask a;
  a.target = "/in";
  ASSERT_EQ(ask(a, &plain), OC_OK);
  ASSERT_TRUE(plain.wait());
  EXPECT_EQ(plain.http_status, 302u);
  a.flags = OC_HTTP_FOLLOW;
  ASSERT_EQ(ask(a, &inside), OC_OK);
  ASSERT_TRUE(inside.wait());
  EXPECT_EQ(inside.value, "end");
  a.target = "/out";
  ASSERT_EQ(ask(a, &outside), OC_OK);
  ASSERT_TRUE(outside.wait());
  EXPECT_EQ(outside.status, OC_PERMISSION_DENIED);
  EXPECT_EQ(target.connections(), 0);
}

TEST_F(HttpServiceTest, SpeaksToTheDockerSocketForm) {
  auto path = (dir_.path() / "d.sock").string();
  net::LoopbackServer server(
      net::http_handler([](const std::string& head) { return net::http_answer(head); }), path);
  instance_->granted.net = {"unix:" + path};
  root_ = "unix:" + path + ":";
  Told told;
  Ask a;
  a.target = "/v1.41/info";
  ASSERT_EQ(ask(a, &told), OC_OK);
  ASSERT_TRUE(told.wait());
  EXPECT_THAT(told.value, HasSubstr("GET /v1.41/info HTTP/1.1"));
}

}  // namespace
}  // namespace openclaw::plugin
