#include "gateway/frame.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "gateway/handshake.h"
#include "gateway/params.h"

namespace openclaw::gateway {
namespace {

TEST(Frame, ARequestIsReadAndAnythingElseIsNamed) {
  auto good = parse_request(R"({"type":"req","id":"1","method":"health","params":{"probe":true}})");
  ASSERT_TRUE(good.request);
  EXPECT_EQ(good.request->method, "health");
  struct Case {
    const char* text;
    bool is_json;
    const char* message;
  };
  const Case cases[] = {
      {"nonsense", false, ""},
      {"[1]", true, "invalid request frame: must be object"},
      {R"({"type":"req","id":"1","method":"x","extra":1})", true,
       "invalid request frame: at root: unexpected property 'extra'"},
      {R"({"type":"req","id":"","method":"x"})", true,
       "invalid request frame: at /id: must NOT have fewer than 1 characters"},
      {R"({"type":"res","id":"1","method":7})", true,
       "invalid request frame: at /type: must be equal to constant; at /method: must be string"},
      {R"({"id":"1"})", true,
       "invalid request frame: must have required property 'type'; must have required property "
       "'method'"},
  };
  for (const auto& c : cases) {
    auto parsed = parse_request(c.text);
    ASSERT_TRUE(parsed.problem) << c.text;
    EXPECT_EQ(parsed.problem->is_json, c.is_json) << c.text;
    EXPECT_EQ(parsed.problem->message, c.message);
  }
}

TEST(Frame, DeepNestingIsRefusedNotCrashed) {
  std::string text = R"({"type":"req","id":"1","method":"x","params":)" + std::string(100000, '[');
  EXPECT_TRUE(parse_request(text).problem);
}

TEST(Frame, AnswersHaveExactlyTheKnownKeys) {
  EXPECT_EQ(ok_frame("a\"b", nullptr), R"({"type":"res","id":"a\"b","ok":true,"payload":null})");
  WireError error;
  error.code = kInvalidRequest;
  error.message = "no";
  EXPECT_EQ(
      error_frame("1", error),
      R"({"type":"res","id":"1","ok":false,"error":{"code":"INVALID_REQUEST","message":"no"}})");
  StateVersion version{3, 4};
  EXPECT_EQ(
      event_frame("health", "{}", 7, &version),
      R"({"type":"event","event":"health","payload":{},"seq":7,"stateVersion":{"presence":3,"health":4}})");
  EXPECT_EQ(event_frame("tick", "{}", 0), R"({"type":"event","event":"tick","payload":{}})");
}

TEST(Params, IssuesReadAsClientsKnowThem) {
  const ParamTable inner{{{"a", Param::Kind::kText, true}}};
  const ParamTable table{{{"id", Param::Kind::kText, true},
                          {"n", Param::Kind::kInteger, false, 1, 1000},
                          {.name = "mode", .kind = Param::Kind::kText, .choices = {"x", "y"}},
                          {.name = "o", .kind = Param::Kind::kObject, .nested = &inner},
                          {"list", Param::Kind::kTexts}}};
  auto check = [&](const char* text) { return check_params("m", table, json::parse(text)); };
  EXPECT_EQ(check(R"({"id":"1"})"), "");
  EXPECT_EQ(check("{}"), "invalid m params: must have required property 'id'");
  EXPECT_EQ(check(R"({"id":"1","z":1})"), "invalid m params: at root: unexpected property 'z'");
  EXPECT_EQ(check(R"({"id":"1","n":0})"), "invalid m params: at /n: must be >= 1");
  EXPECT_EQ(check(R"({"id":"1","n":1001})"), "invalid m params: at /n: must be <= 1000");
  EXPECT_EQ(check(R"({"id":"1","n":1.5})"), "invalid m params: at /n: must be integer");
  EXPECT_EQ(check(R"({"id":"1","n":2.0})"), "");
  EXPECT_EQ(check(R"({"id":5})"), "invalid m params: at /id: must be string");
  EXPECT_EQ(check(R"({"id":"1","mode":"q"})"),
            "invalid m params: at /mode: must be equal to one of the allowed values");
  EXPECT_EQ(
      check(R"({"id":"1","o":{"b":1}})"),
      "invalid m params: at /o: must have required property 'a'; at /o: unexpected property 'b'");
  EXPECT_EQ(check(R"({"id":"1","list":["a",2,""]})"),
            "invalid m params: at /list/1: must be string; at /list/2: must NOT have fewer than 1 "
            "characters");
  EXPECT_EQ(check("[]"), "invalid m params: must be object");
}

TEST(Params, ConnectTakesWhatTheKnownClientsSend) {
  auto cli = json::parse(
      R"({"minProtocol":3,"maxProtocol":3,"client":{"id":"cli","version":"1","platform":"linux",
    "mode":"cli","instanceId":"i"},"caps":[],"auth":{"token":"t"},"role":"operator","scopes":["operator.admin"],
    "device":{"id":"d","publicKey":"k","signature":"s","signedAt":1795415643951,"nonce":"n"}})");
  EXPECT_EQ(check_params("connect", connect_table(), cli), "");
  cli.as_object()["client"].as_object()["id"] = "stranger";
  EXPECT_EQ(check_params("connect", connect_table(), cli),
            "invalid connect params: at /client/id: must be equal to one of the allowed values");
}

}  // namespace
}  // namespace openclaw::gateway
