#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "gateway/method_registry.h"
#include "gateway/testing/test_gateway.h"

namespace openclaw::gateway {
namespace {

using namespace gateway::testing;  // NOLINT: the room's own test parts
using ::testing::HasSubstr;

json::object error_of(const json::object& answer) {
  const auto* error = answer.if_contains("error");
  return error ? error->as_object() : json::object{};
}
std::string message_of(const json::object& answer) {
  auto error = error_of(answer);
  const auto* message = error.if_contains("message");
  return message ? std::string(message->as_string()) : "";
}
std::string detail_of(const json::object& answer, const char* key) {
  auto error = error_of(answer);
  const auto* details = error.if_contains("details");
  const auto* value = details ? details->as_object().if_contains(key) : nullptr;
  return value && value->is_string() ? std::string(value->as_string()) : "";
}
json::object payload_of(const json::object& answer) {
  const auto* payload = answer.if_contains("payload");
  return payload && payload->is_object() ? payload->as_object() : json::object{};
}
bool ok(const json::object& answer) {
  return answer.contains("ok") && answer.at("ok").as_bool();
}

TEST(Handshake, TheCliGetsHelloOkWithADeviceToken) {
  TestGateway gateway;
  TestDevice device;
  WsClient client(gateway.port());
  ASSERT_TRUE(client.open());
  auto answer = client.connect(full(device));
  ASSERT_TRUE(ok(answer)) << json::serialize(answer);
  auto hello = payload_of(answer);
  EXPECT_EQ(hello["type"], "hello-ok");
  EXPECT_EQ(hello["protocol"], 3);
  EXPECT_EQ(hello["server"].as_object()["version"], "9.9.9-test");
  EXPECT_EQ(hello["auth"].as_object()["deviceToken"].as_string().size(), 43u);
  EXPECT_EQ(hello["auth"].as_object()["role"], "operator");
  EXPECT_EQ(hello["policy"].as_object()["tickIntervalMs"], 30000);
  EXPECT_EQ(hello["policy"].as_object()["maxPayload"], 26214400);
  auto snapshot = hello["snapshot"].as_object();
  EXPECT_EQ(snapshot["authMode"], "token");
  EXPECT_EQ(snapshot["sessionDefaults"].as_object()["mainSessionKey"], "agent:main:main");
  EXPECT_EQ(hello["features"].as_object()["events"].as_array().size(), 19u);
  EXPECT_TRUE(client.event("health"));
  EXPECT_TRUE(std::filesystem::exists(gateway.state_dir() / "devices" / "paired.json"));
}

TEST(Handshake, TheControlUiSignsV2) {
  TestGateway gateway;
  TestDevice device;
  auto origin = "http://127.0.0.1:" + std::to_string(gateway.port());
  WsClient client(gateway.port(), {{"Origin", origin}});
  auto options = full(device);
  options.client_id = "openclaw-control-ui";
  options.client_mode = "webchat";
  options.sign_v2 = true;
  EXPECT_TRUE(ok(client.connect(options)));
}

struct Refusal {
  const char* name;
  std::function<void(ConnectOptions&)> change;
  const char* message;
  const char* code;
  unsigned close = 1008;
};

TEST(Handshake, R124_RefusalsHaveTheKnownWordsAndCloses) {
  TestGateway gateway;
  TestDevice device;
  const Refusal refusals[] = {
      {"no token", [](ConnectOptions& o) { o.token.reset(); },
       "unauthorized: gateway token missing (set gateway.remote.token to match gateway.auth.token)",
       "AUTH_TOKEN_MISSING"},
      {"wrong token", [](ConnectOptions& o) { o.token = "wrong"; },
       "unauthorized: gateway token mismatch (set gateway.remote.token to match "
       "gateway.auth.token)",
       "AUTH_TOKEN_MISMATCH"},
      {"wrong device token",
       [](ConnectOptions& o) {
         o.token.reset();
         o.device_token = "wrong";
       },
       "unauthorized: device token mismatch (rotate/reissue device token)",
       "AUTH_DEVICE_TOKEN_MISMATCH"},
      {"no device, no token",
       [](ConnectOptions& o) {
         o.token.reset();
         o.device = nullptr;
       },
       "device identity required", "DEVICE_IDENTITY_REQUIRED"},
      {"a nonce of another connection",
       [](ConnectOptions& o) { o.nonce = "11111111-1111-4111-8111-111111111111"; },
       "device nonce mismatch", "DEVICE_AUTH_NONCE_MISMATCH"},
      {"a blank nonce", [](ConnectOptions& o) { o.nonce = "  "; }, "device nonce required",
       "DEVICE_AUTH_NONCE_REQUIRED"},
      {"an old signature", [](ConnectOptions& o) { o.signed_at_offset_ms = -130000; },
       "device signature expired", "DEVICE_AUTH_SIGNATURE_EXPIRED"},
      {"a signature of the future", [](ConnectOptions& o) { o.signed_at_offset_ms = 130000; },
       "device signature expired", "DEVICE_AUTH_SIGNATURE_EXPIRED"},
      {"a wrong signature", [](ConnectOptions& o) { o.signature = std::string(86, 'A'); },
       "device signature invalid", "DEVICE_AUTH_SIGNATURE_INVALID"},
      {"an unknown role", [](ConnectOptions& o) { o.role = "king"; }, "invalid role", ""},
      {"the control ui without origin",
       [](ConnectOptions& o) { o.client_id = "openclaw-control-ui"; },
       "origin not allowed (open the Control UI from the gateway host or allow it in "
       "gateway.controlUi.allowedOrigins)",
       "CONTROL_UI_ORIGIN_NOT_ALLOWED"},
  };
  for (const auto& refusal : refusals) {
    WsClient client(gateway.port());
    auto options = full(device);
    refusal.change(options);
    auto answer = client.connect(options);
    EXPECT_FALSE(ok(answer)) << refusal.name;
    EXPECT_EQ(message_of(answer), refusal.message) << refusal.name;
    EXPECT_EQ(detail_of(answer, "code"), refusal.code) << refusal.name;
    auto closed = client.wait_closed();
    EXPECT_EQ(closed.code, refusal.close) << refusal.name;
    EXPECT_EQ(closed.reason, std::string(refusal.message).substr(0, 120)) << refusal.name;
  }
}

TEST(Handshake, R124_AnUnknownDeviceFromElsewhereNeedsPairing) {
  TestGateway gateway;
  TestDevice device;
  TestDevice admin;
  WsClient operator_client(gateway.port());
  ASSERT_TRUE(ok(operator_client.connect(full(admin))));
  // A forwarding header: the client is not local for certain.
  const std::vector<std::pair<std::string, std::string>> remote = {
      {"X-Forwarded-For", "203.0.113.7"}};
  std::string request_id;
  {
    WsClient client(gateway.port(), remote);
    auto answer = client.connect(full(device));
    EXPECT_EQ(error_of(answer)["code"], "NOT_PAIRED");
    EXPECT_EQ(message_of(answer), "pairing required");
    EXPECT_EQ(detail_of(answer, "code"), "PAIRING_REQUIRED");
    EXPECT_EQ(detail_of(answer, "reason"), "not-paired");
    request_id = detail_of(answer, "requestId");
    auto closed = client.wait_closed();
    EXPECT_EQ(closed.code, 1008u);
    EXPECT_EQ(closed.reason, "pairing required");
  }
  auto asked = operator_client.event("device.pair.requested");
  ASSERT_TRUE(asked);
  EXPECT_EQ(asked->at("payload").as_object().at("requestId"), json::value(request_id));
  // R126: the request is listed with its id. R127: approving admits exactly this device.
  auto list = payload_of(operator_client.call("device.pair.list"));
  ASSERT_EQ(list["pending"].as_array().size(), 1u);
  EXPECT_EQ(list["pending"].as_array()[0].as_object()["requestId"], json::value(request_id));
  EXPECT_EQ(message_of(operator_client.call("device.pair.approve", {{"requestId", "unknown"}})),
            "unknown requestId");
  ASSERT_TRUE(ok(operator_client.call("device.pair.approve", {{"requestId", request_id}})));
  WsClient again(gateway.port(), remote);
  EXPECT_TRUE(ok(again.connect(full(device))));
}

TEST(Handshake, ADeviceTokenIsEnoughUntilItIsRevokedAndOpenConnectionsEnd) {
  TestGateway gateway;
  TestDevice device;
  std::string token;
  {
    WsClient first(gateway.port());
    auto hello = payload_of(first.connect(full(device)));
    token = std::string(hello["auth"].as_object()["deviceToken"].as_string());
  }
  auto options = full(device);
  options.token = token;
  WsClient by_token(gateway.port());
  ASSERT_TRUE(ok(by_token.connect(options)));
  TestDevice admin;
  WsClient admin_client(gateway.port());
  ASSERT_TRUE(ok(admin_client.connect(full(admin))));
  auto revoked =
      admin_client.call("device.token.revoke", {{"deviceId", device.id()}, {"role", "operator"}});
  ASSERT_TRUE(ok(revoked)) << json::serialize(revoked);
  EXPECT_EQ(by_token.wait_closed().code, 1008u)
      << "a credential that was taken back ends its connections";
  WsClient later(gateway.port());
  EXPECT_EQ(detail_of(later.connect(options), "code"), "AUTH_TOKEN_MISMATCH");
}

TEST(Handshake, WithoutADeviceTheScopesAreGone) {
  TestGateway gateway;
  WsClient client(gateway.port());
  ConnectOptions options;
  options.token = kToken;
  options.client_mode = "probe";
  options.scopes = {"operator.read"};
  ASSERT_TRUE(ok(client.connect(options)));
  EXPECT_TRUE(ok(client.call("health")));
  EXPECT_EQ(message_of(client.call("status")), "missing scope: operator.read");
  EXPECT_EQ(message_of(client.call("nothing.like.this")), "missing scope: operator.admin");
}

TEST(Handshake, BrokenFirstFramesCloseAsDocumented) {
  TestGateway gateway;
  struct Case {
    std::string frame;
    unsigned code;
    const char* reason;
  };
  const Case cases[] = {
      {"nonsense", 1000, ""},
      {"{\"type\":\"hello\"}", 1008, "invalid request frame"},
      {R"({"type":"req","id":"1","method":"health"})", 1008,
       "invalid handshake: first request must be connect"},
      {R"({"type":"req","id":"1","method":"connect","params":{}})", 1008, nullptr},
      {R"({"type":"req","id":"1","method":"connect","params":{"minProtocol":4,"maxProtocol":9,)"
       R"("client":{"id":"cli","version":"1","platform":"x","mode":"cli"}}})",
       1002, "protocol mismatch"},
      {std::string(70000, 'x'), 1009, ""},
  };
  for (const auto& c : cases) {
    WsClient client(gateway.port());
    client.nonce();
    client.send(c.frame);
    auto closed = client.wait_closed();
    EXPECT_EQ(closed.code, c.code) << c.frame.substr(0, 60);
    if (c.reason) {
      EXPECT_EQ(closed.reason, c.reason);
    }
  }
}

TEST(Handshake, ASilentClientIsClosedAfterThreeSeconds) {
  TestGateway gateway;
  WsClient client(gateway.port());
  client.nonce();
  auto begun = std::chrono::steady_clock::now();
  auto closed = client.wait_closed(std::chrono::seconds(8));
  EXPECT_EQ(closed.code, 1000u);
  EXPECT_EQ(closed.reason, "");
  EXPECT_GE(std::chrono::steady_clock::now() - begun, std::chrono::milliseconds(2500));
}

// A3, T-auth-bruteforce over real sockets: extra fields change nothing.
TEST(Handshake, GuessesAreLimitedWhateverElseTheySay) {
  TestGateway gateway;
  TestDevice device;
  int mismatches = 0;
  int limited = 0;
  for (int i = 0; i < 60; ++i) {
    WsClient client(gateway.port());
    auto options = full(device);
    options.token = "guess-" + std::to_string(i);
    if (i % 3 == 1) options.device_token = "fake";
    if (i % 3 == 2) options.device = nullptr;
    auto code = detail_of(client.connect(options), "code");
    mismatches += code == "AUTH_TOKEN_MISMATCH" || code == "AUTH_DEVICE_TOKEN_MISMATCH" ? 1 : 0;
    limited += code == "AUTH_RATE_LIMITED" ? 1 : 0;
  }
  EXPECT_LE(mismatches, 30);
  EXPECT_EQ(mismatches + limited, 60);
}

class Connected : public ::testing::Test {
 protected:
  Connected() { client_.connect(full(device_)); }
  TestGateway gateway_;
  TestDevice device_;
  WsClient client_{gateway_.port()};
};

TEST_F(Connected, BadFramesAreAnsweredAndTheConnectionStays) {
  client_.send("nonsense");
  client_.send(R"({"type":"req","id":"x1","method":"health","extra":1})");
  auto answer = client_.response("x1");
  ASSERT_TRUE(answer);
  EXPECT_EQ(message_of(*answer), "invalid request frame: at root: unexpected property 'extra'");
  client_.send(R"({"type":"req","method":"health"})");
  ASSERT_TRUE(client_.response("invalid"));
  EXPECT_EQ(message_of(client_.call("connect")), "connect is only valid as the first request");
  EXPECT_EQ(message_of(client_.call("nothing.like.this")), "unknown method: nothing.like.this");
  EXPECT_EQ(message_of(client_.call("logs.tail", {{"limit", 0}})),
            "invalid logs.tail params: at /limit: must be >= 1");
  EXPECT_TRUE(ok(client_.call("health")));
}

TEST_F(Connected, R142_HealthCarriesChannelsAgentsAndSessions) {
  auto health = payload_of(client_.call("health", {{"probe", true}}));
  EXPECT_EQ(health["ok"], true);
  EXPECT_TRUE(health["channels"].as_object().contains("telegram"));
  EXPECT_EQ(health["defaultAgentId"], "main");
  EXPECT_EQ(health["agents"].as_array()[0].as_object()["agentId"], "main");
  EXPECT_TRUE(health["sessions"].is_object());
}

TEST_F(Connected, HealthIsCollectedAnewForTheNextQuestion) {
  client_.call("health");
  gateway_.on_loop([&] { gateway_.sessions().entries["agent:main:work"]["sessionId"] = "s"; });
  client_.call("health");
  json::value count = 0;
  while (count != 1) {
    auto event = client_.event("health");  // of the connect and of the first question too
    ASSERT_TRUE(event) << "the new session was never told of";
    count = event->at("payload").at("sessions").at("count");
  }
  EXPECT_EQ(payload_of(client_.call("health"))["sessions"].at("count"), 1);
}

TEST_F(Connected, EveryListedMethodAnswersAndNoneClosesTheConnection) {
  MethodRegistry registry;
  for (const auto& method : registry.all()) {
    if (method.node_only) continue;
    auto answer = client_.call(method.name);
    ASSERT_TRUE(answer.contains("ok")) << method.name;
    if (!method.handler) {
      EXPECT_EQ(error_of(answer)["code"], "UNAVAILABLE") << method.name;
      EXPECT_FALSE(method.listed) << method.name;
    }
  }
  EXPECT_TRUE(ok(client_.call("health")));
}

TEST_F(Connected, EmptyReadsAreWellShaped) {
  EXPECT_EQ(payload_of(client_.call("cron.list"))["jobs"].as_array().size(), 0u);
  EXPECT_EQ(payload_of(client_.call("node.list"))["nodes"].as_array().size(), 0u);
  EXPECT_EQ(payload_of(client_.call("skills.status"))["skills"].as_array().size(), 0u);
  EXPECT_EQ(payload_of(client_.call("usage.cost", {{"days", 30}}))["days"], 30);
  EXPECT_EQ(payload_of(client_.call("exec.approvals.get"))["exists"], false);
  EXPECT_EQ(payload_of(client_.call("models.list"))["models"].as_array().size(), 1u);
  EXPECT_EQ(payload_of(client_.call("agents.list"))["defaultId"], "main");
  auto answer = client_.call("last-heartbeat");
  EXPECT_TRUE(ok(answer));
  EXPECT_TRUE(answer["payload"].is_null());
  EXPECT_EQ(payload_of(client_.call("agent.identity.get")),
            (json::object{{"agentId", "main"}, {"name", "Assistant"}, {"avatar", "A"}}));
  EXPECT_FALSE(ok(client_.call("cron.add", {{"name", "x"}})))
      << "a write that does nothing must not say ok";
}

TEST_F(Connected, ChatSendStreamsAndEndsOnce) {
  client_.call("health");
  auto started = client_.call(
      "chat.send", {{"sessionKey", "main"}, {"message", "hello"}, {"idempotencyKey", "k1"}});
  EXPECT_EQ(payload_of(started), (json::object{{"runId", "k1"}, {"status", "started"}}));
  std::vector<std::string> states;
  std::string text;
  while (states.empty() || states.back() != "final") {
    auto event = client_.event("chat");
    ASSERT_TRUE(event);
    auto payload = event->at("payload").as_object();
    EXPECT_EQ(payload["sessionKey"], "agent:main:main");
    states.emplace_back(payload["state"].as_string());
    text = std::string(
        payload["message"].as_object()["content"].as_array()[0].as_object()["text"].as_string());
  }
  EXPECT_EQ(text, "echo: hello");
  EXPECT_EQ(std::count(states.begin(), states.end(), "final"), 1);
  auto repeated = client_.call(
      "chat.send", {{"sessionKey", "main"}, {"message", "hello"}, {"idempotencyKey", "k1"}});
  EXPECT_EQ(payload_of(repeated)["status"], "ok");
  gateway_.on_loop([&] { EXPECT_EQ(gateway_.agents().requests.size(), 1u); });
}

TEST_F(Connected, SequenceNumbersHaveNoGaps) {
  client_.call("chat.send",
               {{"sessionKey", "main"}, {"message", "hello"}, {"idempotencyKey", "k1"}});
  std::int64_t last = 0;
  int seen = 0;
  while (seen < 5) {
    auto frame = client_.next(std::chrono::seconds(5));
    ASSERT_TRUE(frame);
    const auto* seq = frame->if_contains("seq");
    if (!seq) continue;
    if (last > 0) {
      EXPECT_EQ(seq->as_int64(), last + 1);
    }
    last = seq->as_int64();
    ++seen;
  }
}

TEST_F(Connected, ASlashCommandAnswersWithTheKeyAsWritten) {
  client_.call("chat.send",
               {{"sessionKey", "main"}, {"message", "/help"}, {"idempotencyKey", "k2"}});
  auto event = client_.event("chat");
  ASSERT_TRUE(event);
  EXPECT_EQ(event->at("payload").as_object().at("sessionKey"), "main");
  EXPECT_EQ(event->at("payload").as_object().at("state"), "final");
}

TEST_F(Connected, ChatAbortStopsTheRunAndSaysSoOnce) {
  client_.call("chat.send",
               {{"sessionKey", "main"}, {"message", "hang"}, {"idempotencyKey", "k3"}});
  auto busy = client_.call("chat.send",
                           {{"sessionKey", "main"}, {"message", "hang"}, {"idempotencyKey", "k3"}});
  EXPECT_EQ(payload_of(busy)["status"], "in_flight");
  EXPECT_EQ(
      message_of(client_.call("chat.abort", {{"sessionKey", "agent:main:x"}, {"runId", "k3"}})),
      "runId does not match sessionKey");
  auto aborted = payload_of(client_.call("chat.abort", {{"sessionKey", "main"}, {"runId", "k3"}}));
  EXPECT_EQ(aborted["aborted"], true);
  EXPECT_EQ(aborted["runIds"], json::array{"k3"});
  auto event = client_.event("chat");
  ASSERT_TRUE(event);
  EXPECT_EQ(event->at("payload").as_object().at("state"), "aborted");
  EXPECT_EQ(event->at("payload").as_object().at("stopReason"), "rpc");
  EXPECT_FALSE(client_.event("chat", std::chrono::milliseconds(200)));
  auto stop = client_.call(
      "chat.send", {{"sessionKey", "main"}, {"message", "/stop"}, {"idempotencyKey", "k4"}});
  EXPECT_EQ(payload_of(stop)["aborted"], false);
}

TEST_F(Connected, AFailedRunIsAnErrorState) {
  client_.call("chat.send",
               {{"sessionKey", "main"}, {"message", "fail"}, {"idempotencyKey", "k5"}});
  auto event = client_.event("chat");
  ASSERT_TRUE(event);
  EXPECT_EQ(event->at("payload").as_object().at("state"), "error");
  EXPECT_EQ(event->at("payload").as_object().at("errorMessage"), "the model said no");
}

TEST_F(Connected, AgentAnswersTwiceUnderOneId) {
  auto id = client_.send_request(
      "agent", {{"message", "hi"}, {"idempotencyKey", "a1"}, {"agentId", "main"}});
  auto first = client_.response(id);
  ASSERT_TRUE(first);
  EXPECT_EQ(payload_of(*first)["status"], "accepted");
  auto last = client_.response(id);
  ASSERT_TRUE(last);
  auto payload = payload_of(*last);
  EXPECT_EQ(payload["status"], "ok");
  EXPECT_EQ(payload["result"].as_object()["payloads"].as_array()[0].as_object()["text"],
            "echo: hi");
  EXPECT_EQ(payload_of(client_.call("agent.wait", {{"runId", "a1"}}))["status"], "ok");
  auto failing = client_.send_request("agent", {{"message", "fail"}, {"idempotencyKey", "a2"}});
  client_.response(failing);
  auto failed = client_.response(failing);
  ASSERT_TRUE(failed);
  EXPECT_EQ(error_of(*failed)["code"], "UNAVAILABLE");
  EXPECT_EQ(payload_of(*failed)["status"], "error");
  EXPECT_EQ(message_of(client_.call(
                "agent", {{"message", "x"}, {"idempotencyKey", "a3"}, {"agentId", "ghost"}})),
            "invalid agent params: unknown agent id \"ghost\"");
}

TEST_F(Connected, ToolEventsGoToWhoAskedForThemWithoutResults) {
  TestDevice device;
  WsClient watcher(gateway_.port());
  auto options = full(device);
  options.caps = {"tool-events"};
  ASSERT_TRUE(ok(watcher.connect(options)));
  watcher.call("chat.send",
               {{"sessionKey", "main"}, {"message", "use-tool"}, {"idempotencyKey", "t1"}});
  int tools = 0;
  while (auto event = watcher.event("agent", std::chrono::seconds(2))) {
    auto payload = event->at("payload").as_object();
    if (payload["stream"] == "tool") {
      ++tools;
      EXPECT_FALSE(event->contains("seq"));
      EXPECT_FALSE(payload["data"].as_object().contains("result"));
    }
    if (payload["stream"] == "lifecycle" && payload["data"].as_object()["phase"] == "end") break;
  }
  EXPECT_EQ(tools, 2);
  while (auto event = client_.event("agent", std::chrono::milliseconds(200))) {
    EXPECT_NE(event->at("payload").as_object().at("stream"), "tool");
  }
}

TEST_F(Connected, ToolsInvokeRunsAndADenialIsExplained) {
  auto answer = client_.call("tools.invoke", {{"tool", "exec"}, {"args", {{"text", "x"}}}});
  ASSERT_TRUE(ok(answer)) << json::serialize(answer);
  EXPECT_THAT(json::serialize(payload_of(answer)), HasSubstr("ran exec for agent:main:main"));
  auto unknown = client_.call("tools.invoke", {{"tool", "nothing"}});
  EXPECT_FALSE(ok(unknown));
}

TEST_F(Connected, AToolWhoseCallerLeftIsStopped) {
  {
    WsClient leaving(gateway_.port());
    TestDevice device;
    ASSERT_TRUE(ok(leaving.connect(full(device))));
    leaving.send(
        R"({"type":"req","id":"1","method":"tools.invoke","params":{"tool":"exec","args":{"text":"wait"}}})");
    EXPECT_FALSE(leaving.response("1", std::chrono::milliseconds(200)));
  }
  int stopped = 0;
  for (int i = 0; i < 100 && stopped == 0; ++i) {
    gateway_.on_loop([&] { stopped = gateway_.stopped_calls(); });
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  EXPECT_EQ(stopped, 1);
}

TEST_F(Connected, LogsTailReadsWholeLinesFromACursor) {
  auto answer = client_.call("logs.tail", {{"limit", 10}, {"maxBytes", 1000}});
  ASSERT_TRUE(ok(answer));
  EXPECT_TRUE(payload_of(answer)["lines"].is_array());
}

TEST_F(Connected, SessionsArePatchedListedAndDeleted) {
  gateway_.on_loop([&] { gateway_.sessions().entries["agent:main:work"]["sessionId"] = "s"; });
  auto patched = client_.call("sessions.patch",
                              {{"key", "work"}, {"label", "Work"}, {"thinkingLevel", "high"}});
  ASSERT_TRUE(ok(patched)) << json::serialize(patched);
  EXPECT_EQ(payload_of(patched)["entry"].as_object()["label"], "Work");
  EXPECT_THAT(
      message_of(client_.call("sessions.patch", {{"key", "work"}, {"thinkingLevel", "huge"}})),
      HasSubstr("invalid thinkingLevel"));
  EXPECT_THAT(message_of(client_.call("sessions.patch", {{"key", "work"}, {"spawnDepth", 0}})),
              HasSubstr("unexpected property 'spawnDepth'"));
  auto list = payload_of(client_.call("sessions.list", {{"includeGlobal", true}}));
  EXPECT_EQ(list["count"], 1);
  EXPECT_EQ(message_of(client_.call("sessions.delete", {{"key", "main"}})),
            "Cannot delete the main session (agent:main:main).");
  EXPECT_EQ(payload_of(client_.call("sessions.delete", {{"key", "work"}}))["deleted"], true);
}

TEST_F(Connected, ConfigIsShownWithoutSecretsAndWritesAreLimited) {
  auto shown = client_.call("config.get");
  ASSERT_TRUE(ok(shown));
  EXPECT_EQ(json::serialize(shown).find(kToken), std::string::npos);
  for (int i = 0; i < 3; ++i) client_.call("config.patch", {{"raw", "{}"}});
  auto fourth = client_.call("config.patch", {{"raw", "{}"}});
  EXPECT_EQ(error_of(fourth)["code"], "UNAVAILABLE");
  EXPECT_THAT(message_of(fourth), HasSubstr("rate limit exceeded for config.patch; retry after"));
  EXPECT_EQ(error_of(fourth)["retryable"], true);
}

TEST_F(Connected, APairingOnlyClientCannotMakeAnAdministrator) {
  TestDevice weak;
  TestDevice newcomer;
  WsClient pairing(gateway_.port());
  auto options = full(weak);
  options.scopes = {"operator.pairing"};
  ASSERT_TRUE(ok(pairing.connect(options)));
  WsClient remote(gateway_.port(), {{"X-Forwarded-For", "203.0.113.7"}});
  auto id = detail_of(remote.connect(full(newcomer)), "requestId");
  ASSERT_NE(id, "");
  EXPECT_EQ(message_of(pairing.call("device.pair.approve", {{"requestId", id}})),
            "missing scope: operator.admin");
}

TEST_F(Connected, SendGoesToAConfiguredChannel) {
  auto sent = client_.call(
      "send", {{"to", "42"}, {"message", "hi"}, {"channel", "telegram"}, {"idempotencyKey", "s1"}});
  ASSERT_TRUE(ok(sent)) << json::serialize(sent);
  EXPECT_EQ(payload_of(sent)["messageId"], "42");
  client_.call(
      "send", {{"to", "42"}, {"message", "hi"}, {"channel", "telegram"}, {"idempotencyKey", "s1"}});
  gateway_.on_loop([&] { EXPECT_EQ(gateway_.channels().sent.size(), 1u); });
  EXPECT_EQ(
      message_of(client_.call(
          "send", {{"to", "1"}, {"message", "x"}, {"channel", "icq"}, {"idempotencyKey", "s2"}})),
      "unsupported channel: icq");
}

TEST_F(Connected, SendTakesFilesAndNoAddresses) {
  json::object send{{"to", "42"}, {"channel", "telegram"}, {"idempotencyKey", "f1"}};
  auto with = [&](std::string_view key, json::value value) {
    json::object params = send;
    params[key] = std::move(value);
    return client_.call("send", std::move(params));
  };
  EXPECT_EQ(message_of(with("mediaUrl", "https://x.org/a.png")),
            "https://x.org/a.png is an address; name a file of the agent's workspace, or bring it "
            "under attachments");
  EXPECT_EQ(message_of(with("attachments", json::array{1})), "attachments must be objects");
  EXPECT_EQ(message_of(with("attachments",
                            json::array{json::object{{"content", std::string(6'700'000, 'A')}}})),
            "attachment exceeds size limit (5000000 bytes)");
  json::object file{{"fileName", "a.txt"}, {"mimeType", "text/plain"}, {"content", "aGk="}};
  send["mediaUrls"] = json::array{"charts/b.png"};
  auto sent = with("attachments", json::array{std::move(file)});
  ASSERT_TRUE(ok(sent)) << json::serialize(sent);
  gateway_.on_loop([&] {
    ASSERT_EQ(gateway_.channels().sent.size(), 1u);
    const auto& action = gateway_.channels().sent[0];
    EXPECT_EQ(action.media, std::vector<std::string>{"charts/b.png"});
    EXPECT_EQ(action.brought.at(0).name, "a.txt");
    EXPECT_EQ(action.session_key, "agent:main:main");
  });
}

TEST_F(Connected, ShutdownIsAnnouncedAndClosesWith1012) {
  std::thread stopper([&] { gateway_.stop(); });
  EXPECT_TRUE(client_.event("shutdown"));
  auto closed = client_.wait_closed();
  stopper.join();
  EXPECT_EQ(closed.code, 1012u);
  EXPECT_EQ(closed.reason, "service restart");
}

TEST(Nodes, NodesMayNotCallOperatorMethods) {
  TestGateway gateway;
  TestDevice device;
  WsClient client(gateway.port());
  auto options = full(device);
  options.role = "node";
  options.client_id = "node-host";
  options.client_mode = "node";
  options.scopes = {};
  ASSERT_TRUE(ok(client.connect(options)));
  for (int i = 0; i < 10; ++i)
    EXPECT_EQ(message_of(client.call("status")), "unauthorized role: node");
  client.call("status");
  auto closed = client.wait_closed();
  EXPECT_EQ(closed.code, 1008u);
  EXPECT_EQ(closed.reason, "repeated unauthorized calls");
}

// T-ws-origin over real sockets, the combinations that matter most.
TEST(Origin, ACrossSitePageIsRefusedBeforeItsSecretIsLookedAt) {
  TestGateway gateway;
  TestDevice device;
  for (const char* origin : {"http://evil.example", "null", "http://localhost.evil.example"}) {
    for (bool right : {true, false}) {
      WsClient client(gateway.port(), {{"Origin", origin}});
      auto options = full(device);
      options.token = right ? kToken : "guess";
      auto answer = client.connect(options);
      EXPECT_EQ(detail_of(answer, "code"), "CONTROL_UI_ORIGIN_NOT_ALLOWED") << origin;
    }
  }
  WsClient rebound(gateway.port(),
                   {{"Origin", "http://attacker.example"}, {"Host", "attacker.example"}});
  EXPECT_EQ(detail_of(rebound.connect(full(device)), "code"), "CONTROL_UI_ORIGIN_NOT_ALLOWED");
}

}  // namespace
}  // namespace openclaw::gateway
