#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "gateway/http_routes.h"
#include "gateway/http_server.h"
#include "gateway/testing/test_gateway.h"

namespace openclaw::gateway {
namespace {

using namespace gateway::testing;  // NOLINT: the room's own test parts
using ::testing::HasSubstr;
using ::testing::Not;

json::object body_of(const HttpAnswer& answer) {
  return json::parse(answer.body).as_object();
}

json::object gateway_config(json::object more) {
  json::object auth{{"mode", "token"}, {"token", kToken}};
  json::object gateway = std::move(more);
  if (!gateway.contains("auth")) gateway["auth"] = std::move(auth);
  json::object root;
  root["gateway"] = std::move(gateway);
  return root;
}

TEST(Probes, R136_HealthzAnswersWithoutAuthentication) {
  TestGateway gateway;
  auto answer = gateway.http("GET", "/healthz");
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.body, R"({"ok":true,"status":"live"})");
  EXPECT_EQ(answer.header("Cache-Control"), "no-store");
  EXPECT_EQ(answer.header("Content-Type"), "application/json; charset=utf-8");
  auto head = gateway.http("HEAD", "/healthz");
  EXPECT_EQ(head.status, 200);
  EXPECT_EQ(head.body, "");
  auto post = gateway.http("POST", "/healthz");
  EXPECT_EQ(post.status, 405);
  EXPECT_EQ(post.header("Allow"), "GET, HEAD");
}

TEST(Probes, R137_P22_ReadyzTellsWhatIsDownWhileItIs) {
  TestGateway gateway;
  EXPECT_EQ(gateway.http("GET", "/readyz").status, 200);
  gateway.on_loop([&] { gateway.channels().failing_now = {"telegram"}; });
  auto down = gateway.http("GET", "/readyz");
  EXPECT_EQ(down.status, 503);
  EXPECT_THAT(down.body, HasSubstr(R"("failing":["telegram"])"));
  gateway.on_loop([&] { gateway.channels().failing_now.clear(); });
  EXPECT_EQ(gateway.http("GET", "/readyz").status, 200);
}

TEST(Probes, R138_AliasesEqualTheirOriginals) {
  TestGateway gateway;
  EXPECT_EQ(gateway.http("GET", "/health").body, gateway.http("GET", "/healthz").body);
  auto strip = [](HttpAnswer answer) {
    return answer.body.substr(0, answer.body.find("uptimeMs"));
  };
  EXPECT_EQ(strip(gateway.http("GET", "/ready")), strip(gateway.http("GET", "/readyz")));
}

TEST(Probes, R141_StrangersLearnNothingBeyondTheStatus) {
  TestGateway gateway;
  gateway.on_loop([&] { gateway.channels().failing_now = {"telegram"}; });
  auto stranger = gateway.http("GET", "/readyz", "X-Forwarded-For: 203.0.113.9\r\n");
  EXPECT_EQ(stranger.body, R"({"ready":false})");
  auto known = gateway.http(
      "GET", "/readyz",
      "X-Forwarded-For: 203.0.113.9\r\nAuthorization: Bearer " + std::string(kToken) + "\r\n");
  EXPECT_THAT(known.body, HasSubstr("telegram"));
  for (const auto& answer : {stranger, gateway.http("GET", "/healthz")}) {
    EXPECT_THAT(answer.head + answer.body, Not(HasSubstr("9.9.9-test")));
  }
}

TEST(Http, EveryAnswerCarriesTheSecurityHeaders) {
  TestGateway gateway;
  for (const char* path :
       {"/healthz", "/readyz", "/", "/nothing.js", "/tools/invoke", "/avatar/main?meta=1"}) {
    auto answer = gateway.http("GET", path);
    EXPECT_EQ(answer.header("X-Content-Type-Options"), "nosniff") << path;
    EXPECT_EQ(answer.header("Referrer-Policy"), "no-referrer") << path;
    EXPECT_EQ(answer.header("Permissions-Policy"), "camera=(), microphone=(), geolocation=()")
        << path;
  }
}

TEST(Http, PipelinedRequestsAreAnsweredInOrder) {
  TestGateway gateway;
  RawConnection connection(gateway.port());
  std::string one = "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n";
  std::string call = "POST /tools/invoke HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer " +
                     std::string(kToken) +
                     "\r\nContent-Length: 25\r\n\r\n{\"tool\":\"session_status\"}";
  std::string all;
  for (int i = 0; i < 300; ++i) all += i % 3 == 2 ? call : one;
  ASSERT_TRUE(connection.send(all));
  for (int i = 0; i < 300; ++i) {
    auto answer = connection.read();
    ASSERT_TRUE(answer) << i;
    EXPECT_EQ(answer->status, 200);
    EXPECT_THAT(answer->body, HasSubstr(i % 3 == 2 ? "ran session_status" : "live")) << i;
  }
}

TEST(Http, ARequestInSingleBytesIsOneRequest) {
  TestGateway gateway;
  RawConnection connection(gateway.port());
  std::string text =
      "POST /tools/invoke HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer " +
      std::string(kToken) +
      "\r\nConnection: close\r\nContent-Length: 25\r\n\r\n{\"tool\":\"session_status\"}";
  for (char c : text) ASSERT_TRUE(connection.send({&c, 1}));
  auto answer = connection.read();
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 200);
  EXPECT_EQ(answer->header("Connection"), "close");
  EXPECT_TRUE(connection.closed());
}

TEST(Http, MalformedAndOversizedHeadsAreRefused) {
  TestGateway gateway;
  {
    RawConnection connection(gateway.port());
    connection.send("NONSENSE\r\n\r\n");
    EXPECT_EQ(connection.read()->status, 400);
    EXPECT_TRUE(connection.closed());
  }
  {
    RawConnection connection(gateway.port());
    connection.send("GET / HTTP/1.1\r\nX-Long: " + std::string(20000, 'a') + "\r\n\r\n");
    EXPECT_EQ(connection.read()->status, 431);
  }
  {
    RawConnection connection(gateway.port());
    connection.send(
        "POST /tools/invoke HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: "
        "chunked\r\n\r\n0\r\n\r\n");
    auto answer = connection.read();
    ASSERT_TRUE(answer);
    EXPECT_GE(answer->status, 400) << "two lengths are how requests are smuggled";
    EXPECT_TRUE(connection.closed());
  }
}

TEST(ToolsInvoke, R124_WithoutTheTokenNothingIsRead) {
  TestGateway gateway;
  RawConnection connection(gateway.port());
  // A gigabyte is announced; the answer comes before any of it.
  connection.send(
      "POST /tools/invoke HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000000\r\n\r\n");
  auto answer = connection.read();
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 401);
  EXPECT_EQ(answer->body, R"({"error":{"message":"Unauthorized","type":"unauthorized"}})");
  EXPECT_TRUE(connection.closed());
  EXPECT_EQ(gateway.http("POST", "/tools/invoke", "Authorization: Bearer wrong\r\n", "{}").status,
            401);
  EXPECT_EQ(gateway.http("GET", "/tools/invoke").status, 405)
      << "the method is looked at before the secret";
}

TEST(ToolsInvoke, AnswersHaveTheDocumentedShapes) {
  TestGateway gateway;
  auto good = gateway.api("/tools/invoke", R"({"tool":"session_status"})");
  EXPECT_EQ(good.status, 200);
  auto result = body_of(good);
  EXPECT_EQ(result["ok"], true);
  EXPECT_EQ(result["result"].as_object()["content"].as_array()[0].as_object()["text"],
            "ran session_status for agent:main:main");
  auto none = gateway.api("/tools/invoke", "{}");
  EXPECT_EQ(none.status, 400);
  EXPECT_EQ(
      none.body,
      R"({"error":{"message":"tools.invoke requires body.tool","type":"invalid_request_error"}})");
  EXPECT_EQ(gateway.api("/tools/invoke", "nonsense").status, 400);
  auto unknown = gateway.api("/tools/invoke", R"({"tool":"nothing"})");
  EXPECT_EQ(unknown.status, 404);
  EXPECT_EQ(body_of(unknown)["error"],
            (json::object{{"type", "not_found"}, {"message", "Tool not available: nothing"}}));
  auto bad = gateway.api("/tools/invoke", R"({"tool":"session_status","args":{"text":5}})");
  EXPECT_EQ(bad.status, 400);
  EXPECT_EQ(body_of(bad)["error"].as_object()["type"], "tool_error");
  auto big = gateway.api("/tools/invoke", "{\"tool\":\"" + std::string(2200000, 'a') + "\"}");
  EXPECT_EQ(big.status, 413);
}

TEST(ToolsInvoke, TheBodyMayComeChunkedAndAfterContinue) {
  TestGateway gateway;
  RawConnection connection(gateway.port());
  connection.send("POST /tools/invoke HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer " +
                  std::string(kToken) +
                  "\r\nTransfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n");
  EXPECT_EQ(connection.read()->status, 100);
  connection.send("19\r\n{\"tool\":\"session_status\"}\r\n0\r\n\r\n");
  auto answer = connection.read();
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 200) << answer->body;
}

TEST(ToolsInvoke, ADeniedToolSaysWhyInTheSameWordsAsThePolicy) {
  GatewaySetup setup;
  setup.config["tools"] = json::object{{"deny", json::array{"sessions_list"}}};
  TestGateway gateway(setup);
  auto answer = gateway.api("/tools/invoke", R"({"tool":"sessions_list"})");
  EXPECT_EQ(answer.status, 404);
  auto body = body_of(answer);
  EXPECT_EQ(body["error"].as_object()["type"], "not_found");
  std::string explain;
  gateway.on_loop([&] {
    policy::Caller caller;
    caller.session_key = "agent:main:main";
    caller.is_owner = true;
    caller.http_invoke = true;
    explain = gateway.tools().authorize("sessions_list", caller).explain("sessions_list");
  });
  EXPECT_EQ(body["explain"], json::value(explain));
  EXPECT_EQ(body["verdict"].as_object()["key"], "tools.deny");
}

TEST(ToolsInvoke, ToolsThatAreNotForHttpAreNotOffered) {
  TestGateway gateway;
  auto answer = gateway.api("/tools/invoke", R"({"tool":"exec"})");
  EXPECT_EQ(answer.status, 404);
  EXPECT_EQ(body_of(answer)["error"].as_object()["message"], "Tool not available: exec");
}

// T-single-gate, the HTTP half: every route that is there, with a tool the policy denies.
TEST(Routes, NoRouteServesAnApiWithoutTheSecret) {
  GatewaySetup setup;
  setup.config = gateway_config(
      json::object{{"http", {{"endpoints", {{"chatCompletions", {{"enabled", true}}}}}}}});
  TestGateway gateway(setup);
  std::size_t apis = 0;
  for (const auto& route : http_routes()) {
    if (!route.post) {
      EXPECT_NE(route.access, Access::kBearer) << route.path;
      EXPECT_EQ(route.max_body, 0u) << route.path;
      continue;
    }
    ++apis;
    EXPECT_EQ(route.access, Access::kBearer) << route.path;
    EXPECT_EQ(gateway.http("POST", route.path, {}, "{}").status, 401) << route.path;
  }
  EXPECT_EQ(apis, 2u);
}

TEST(Host, ARebindingNameSeesNeitherPageNorApi) {
  GatewaySetup open;
  open.config = gateway_config({{"auth", {{"mode", "none"}}}});
  TestGateway gateway(open);
  for (const char* path :
       {"/", "/app.js", "/__openclaw/control-ui-config.json", "/avatar/main?meta=1"}) {
    EXPECT_EQ(gateway.http("GET", path, "Host: attacker.example\r\n").status, 403) << path;
    EXPECT_EQ(gateway.http("GET", path).status, 200) << path;
  }
  EXPECT_EQ(gateway
                .http("POST", "/tools/invoke", "Host: attacker.example\r\n",
                      R"({"tool":"session_status"})")
                .status,
            403);
  EXPECT_EQ(gateway.http("POST", "/tools/invoke", {}, R"({"tool":"session_status"})").status, 200);
  EXPECT_EQ(gateway
                .http("POST", "/tools/invoke", "Origin: http://evil.example\r\n",
                      R"({"tool":"session_status"})")
                .status,
            403);
  EXPECT_EQ(gateway.http("GET", "/healthz", "Host: attacker.example\r\n").status, 200);
}

TEST(Page, IsServedWithAStrictPolicyAndNothingFromElsewhere) {
  TestGateway gateway;
  auto page = gateway.http("GET", "/");
  EXPECT_EQ(page.status, 200);
  EXPECT_EQ(page.header("Content-Type"), "text/html; charset=utf-8");
  EXPECT_EQ(page.header("X-Frame-Options"), "DENY");
  auto policy = page.header("Content-Security-Policy");
  EXPECT_THAT(policy, HasSubstr("default-src 'none'"));
  EXPECT_THAT(policy, Not(HasSubstr("unsafe")));
  EXPECT_THAT(policy,
              HasSubstr("connect-src 'self' ws://127.0.0.1:" + std::to_string(gateway.port())));
  auto script = gateway.http("GET", "/app.js");
  EXPECT_EQ(script.header("Content-Type"), "text/javascript; charset=utf-8");
  for (const auto& file : {page, script, gateway.http("GET", "/style.css")}) {
    EXPECT_EQ(file.status, 200);
    EXPECT_THAT(file.body, Not(HasSubstr("https://")));
  }
  // A1: one WebSocket, to its own origin.
  auto first = script.body.find("new WebSocket(");
  ASSERT_NE(first, std::string::npos);
  EXPECT_EQ(script.body.find("new WebSocket(", first + 1), std::string::npos);
  EXPECT_THAT(script.body, Not(HasSubstr("innerHTML")));
  EXPECT_THAT(script.body, Not(HasSubstr("searchParams")));
  EXPECT_THAT(page.body, Not(HasSubstr("<script>")));
}

TEST(Page, PathsFallBackAsDocumented) {
  TestGateway gateway;
  struct Case {
    const char* method;
    const char* path;
    int status;
  };
  const Case cases[] = {
      {"GET", "/chat?session=main", 200},
      {"GET", "/missing.js", 404},
      {"GET", "/ui", 404},
      {"GET", "/ui/x", 404},
      {"GET", "/api/x", 404},
      {"GET", "/plugins", 404},
      {"GET", "/apis", 200},
      {"POST", "/", 404},
      {"POST", "/v1/chat/completions", 404},
      {"GET", "/v1/chat/completions", 200},
      {"GET", "/a/b/app.js", 200},
      {"GET", "/../../etc/passwd", 200},
      {"GET", "/avatar/main", 404},
      {"GET", "/avatar/../x?meta=1", 404},
  };
  for (const auto& c : cases)
    EXPECT_EQ(gateway.http(c.method, c.path).status, c.status) << c.method << " " << c.path;
  EXPECT_THAT(gateway.http("GET", "/../../etc/passwd").body, HasSubstr("openclaw"));
  EXPECT_EQ(gateway.http("GET", "/avatar/main?meta=1").body, R"({"avatarUrl":null})");
  auto config = body_of(gateway.http("GET", "/__openclaw/control-ui-config.json"));
  EXPECT_EQ(config["assistantAgentId"], "main");
  EXPECT_EQ(config["basePath"], "");
}

TEST(Page, ABasePathMovesIt) {
  GatewaySetup setup;
  setup.config = gateway_config({{"controlUi", {{"basePath", "/claw"}}}});
  TestGateway gateway(setup);
  EXPECT_EQ(gateway.http("GET", "/claw").header("Location"), "/claw/");
  EXPECT_EQ(gateway.http("GET", "/claw/").status, 200);
  EXPECT_EQ(gateway.http("GET", "/").status, 404);
}

class ChatCompletions : public ::testing::Test {
 protected:
  static GatewaySetup setup() {
    GatewaySetup out;
    out.config = gateway_config(
        json::object{{"http", {{"endpoints", {{"chatCompletions", {{"enabled", true}}}}}}}});
    return out;
  }
  TestGateway gateway_{setup()};
};

TEST_F(ChatCompletions, AWholeAnswer) {
  auto answer = gateway_.api(
      "/v1/chat/completions",
      R"({"model":"openclaw","user":"ann","messages":[{"role":"system","content":"be kind"},
                                 {"role":"user","content":[{"type":"text","text":"hello"}]}]})");
  EXPECT_EQ(answer.status, 200) << answer.body;
  auto body = body_of(answer);
  EXPECT_EQ(body["object"], "chat.completion");
  auto choice = body["choices"].as_array()[0].as_object();
  EXPECT_EQ(choice["message"].as_object()["content"], "echo: hello");
  EXPECT_EQ(choice["finish_reason"], "stop");
  gateway_.on_loop([&] {
    const auto& request = gateway_.agents().requests.back();
    EXPECT_EQ(request.session_key, "agent:main:openai-user:ann");
    EXPECT_EQ(request.extra_system_prompt, "be kind");
    EXPECT_TRUE(request.origin.is_owner);
  });
}

TEST_F(ChatCompletions, AStreamEndsWithDone) {
  auto answer = gateway_.api(
      "/v1/chat/completions",
      R"({"model":"openclaw","stream":true,"messages":[{"role":"user","content":"hello"}]})");
  EXPECT_EQ(answer.status, 200);
  EXPECT_THAT(answer.header("Content-Type"), HasSubstr("text/event-stream"));
  EXPECT_THAT(answer.body, HasSubstr(R"("delta":{"role":"assistant"})"));
  EXPECT_THAT(answer.body, HasSubstr(R"("delta":{"content":"echo: "},"finish_reason":null)"));
  EXPECT_THAT(answer.body, HasSubstr(R"("delta":{"content":"hello"})"));
  EXPECT_TRUE(answer.body.ends_with("data: [DONE]\n\n")) << answer.body;
}

TEST_F(ChatCompletions, RefusesWhatHasNoQuestion) {
  auto answer =
      gateway_.api("/v1/chat/completions", R"({"messages":[{"role":"system","content":"x"}]})");
  EXPECT_EQ(answer.status, 400);
  EXPECT_THAT(answer.body, HasSubstr("Missing user message in `messages`."));
  auto image = gateway_.api("/v1/chat/completions",
                            R"({"messages":[{"role":"user","content":[{"type":"image_url",
      "image_url":{"url":"http://169.254.169.254/"}}]}]})");
  EXPECT_EQ(image.status, 400);
  auto failed =
      gateway_.api("/v1/chat/completions", R"({"messages":[{"role":"user","content":"fail"}]})");
  EXPECT_EQ(failed.status, 500);
  EXPECT_EQ(failed.body, R"({"error":{"message":"internal error","type":"api_error"}})");
}

TEST_F(ChatCompletions, AClientThatLeavesStopsItsTurn) {
  {
    RawConnection connection(gateway_.port());
    std::string body = R"({"messages":[{"role":"user","content":"hang"}]})";
    connection.send(
        "POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer " +
        std::string(kToken) + "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
        body);
    bool running = false;
    auto until = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (!running && std::chrono::steady_clock::now() < until) {
      gateway_.on_loop([&] { running = gateway_.agents().active_runs() == 1; });
    }
    ASSERT_TRUE(running);
  }
  bool stopped = false;
  auto until = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (!stopped && std::chrono::steady_clock::now() < until) {
    gateway_.on_loop([&] { stopped = gateway_.agents().active_runs() == 0; });
  }
  EXPECT_TRUE(stopped);
}

// A7, T-preauth-dos, small enough for every run: strangers that sit on sockets and send bodies
// nobody asked for.
TEST(PreAuth, HalfOpenSocketsDoNotKeepAClientWithTheTokenOut) {
  TestGateway gateway;
  std::vector<std::unique_ptr<RawConnection>> strangers;
  for (int i = 0; i < 700; ++i) {
    strangers.push_back(std::make_unique<RawConnection>(gateway.port()));
    if (!strangers.back()->connected()) break;
    strangers.back()->send(i % 2 == 0 ? "GET /healthz HT" : "");
  }
  EXPECT_GE(strangers.size(), 300u);
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(gateway.api("/tools/invoke", R"({"tool":"session_status"})").status, 200);
  }
  // The oldest ones were closed for the newer.
  EXPECT_TRUE(strangers.front()->closed(std::chrono::seconds(5)));
}

TEST(PreAuth, UnauthenticatedBodiesAreNotKept) {
  TestGateway gateway;
  std::string piece(1 << 20, 'x');
  for (int i = 0; i < 20; ++i) {
    RawConnection connection(gateway.port());
    connection.send(
        "POST /tools/invoke HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000000\r\n\r\n");
    for (int k = 0; k < 4; ++k) {
      if (!connection.send(piece)) break;
    }
  }
  EXPECT_EQ(gateway.http("GET", "/healthz").status, 200);
}

TEST(Bind, R145_R146_ModesAreNamesAndAddressesAreRefusedWithTheModeToUse) {
  for (const char* mode : {"loopback", "lan", "auto"}) {
    GatewaySetup setup;
    setup.bind_mode = mode;
    TestGateway gateway(setup);
    EXPECT_EQ(gateway.http("GET", "/healthz").status, 200) << mode;
  }
  const std::pair<const char*, const char*> aliases[] = {{"0.0.0.0", "lan"},
                                                         {"::", "lan"},
                                                         {"127.0.0.1", "loopback"},
                                                         {"localhost", "loopback"},
                                                         {"::1", "loopback"}};
  for (const auto& [alias, mode] : aliases) {
    GatewaySetup setup;
    setup.bind_mode = alias;
    try {
      TestGateway gateway(setup);
      ADD_FAILURE() << alias;
    } catch (const std::exception& e) {
      EXPECT_THAT(e.what(), HasSubstr("gateway.bind " + std::string(mode))) << alias;
    }
  }
}

TEST(Bind, ModeNoneBeyondLoopbackIsRefused) {
  GatewaySetup setup;
  setup.bind_mode = "lan";
  setup.config = gateway_config({{"auth", {{"mode", "none"}}}});
  EXPECT_THROW(TestGateway gateway(setup), std::runtime_error);
}

}  // namespace
}  // namespace openclaw::gateway
