#include "gateway_payload.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace discord {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(GatewayPayload, ReadsADispatch) {
  const auto payload = read_payload(R"({"op":0,"s":42,"t":"MESSAGE_CREATE","d":{"id":"1"}})");
  ASSERT_TRUE(payload);
  EXPECT_EQ(payload->op, 0);
  EXPECT_EQ(payload->seq, 42);
  EXPECT_EQ(payload->type, "MESSAGE_CREATE");
  EXPECT_EQ(payload->data.at("id"), "1");
}

TEST(GatewayPayload, WhatIsNoPayloadIsRefused) {
  for (const char* text : {"", "[]", "7", "{", R"({"op":"0"})", R"({"op":-1})", R"({"op":999})"})
    EXPECT_FALSE(read_payload(text)) << text;
  EXPECT_FALSE(read_payload(std::string(10'000, '[')));
  const auto odd = read_payload(R"({"op":0,"s":"7","t":5})");
  ASSERT_TRUE(odd);
  EXPECT_EQ(odd->seq, 0);
  EXPECT_EQ(odd->type, "");
}

TEST(GatewayPayload, HeartbeatsStayWithinWhatIsSane) {
  EXPECT_EQ(read_hello(json::parse(R"({"heartbeat_interval":41250})")), 41250u);
  EXPECT_EQ(read_hello(json::parse(R"({"heartbeat_interval":1})")), 50u);
  EXPECT_EQ(read_hello(json::parse(R"({"heartbeat_interval":99999999999})")), 600'000u);
  EXPECT_EQ(read_hello(json::parse(R"({"heartbeat_interval":-5})")), 0u);
  EXPECT_EQ(read_hello(json::parse("null")), 0u);
}

TEST(GatewayPayload, ReadyNeedsASessionAndABot) {
  const auto ready = read_ready(json::parse(
      R"({"session_id":"s","resume_gateway_url":"wss://r","user":{"id":"9"},"application":{"id":"8"}})"));
  ASSERT_TRUE(ready);
  EXPECT_EQ(ready->session.id, "s");
  EXPECT_EQ(ready->user_id, "9");
  EXPECT_FALSE(read_ready(json::parse(R"({"session_id":"s","user":{"id":9}})")));
  EXPECT_FALSE(read_ready(json::parse(R"({"user":{"id":"9"}})")));
}

TEST(GatewayPayload, AHeartbeatNamesWhatIsStoredAndNothingBeforeThat) {
  EXPECT_EQ(heartbeat_payload(0), R"({"op":1,"d":null})");
  EXPECT_EQ(heartbeat_payload(7), R"({"op":1,"d":7})");
}

TEST(GatewayPayload, IdentifyAndResumeFitTheServicesLimit) {
  const std::string token(100, 't');
  EXPECT_LT(identify_payload(token, 37377, {}).size(), 4096u);
  Session session{std::string(256, 's'), "", 5};
  const auto resume = json::parse(resume_payload(token, session));
  EXPECT_EQ(resume.at("op"), 6);
  EXPECT_EQ(resume.at("d").at("seq"), 5);
}

TEST(GatewayPayload, PresenceGoesWithIdentifyOrAlone) {
  const json::object presence{{"status", "dnd"}};
  const auto identify = json::parse(identify_payload("t", 1, presence));
  EXPECT_EQ(identify.at("d").at("presence"), json::value(presence));
  EXPECT_FALSE(json::parse(identify_payload("t", 1, {})).at("d").as_object().contains("presence"));
  EXPECT_EQ(json::parse(presence_payload(presence)),
            json::parse(R"({"op":3,"d":{"status":"dnd"}})"));
  // Nothing configured takes back what an earlier configuration showed.
  EXPECT_EQ(
      json::parse(presence_payload({})),
      json::parse(R"({"op":3,"d":{"since":null,"activities":[],"status":"online","afk":false}})"));
}

TEST(GatewayPayload, AddressesGetTheQueryWhateverTheyCameWith) {
  const std::string query = "/?v=10&encoding=json&compress=zlib-stream";
  EXPECT_EQ(connection_url("wss://gateway.discord.gg"), "wss://gateway.discord.gg" + query);
  EXPECT_EQ(connection_url("wss://gateway.discord.gg/"), "wss://gateway.discord.gg" + query);
  EXPECT_EQ(connection_url("ws://127.0.0.1:80/x?y#z"), "ws://127.0.0.1:80" + query);
  for (const char* bad : {"", "gateway.discord.gg", "https://discord.com", "wss://", "wss://a b",
                          "wss://user@host", "wss://{{secret:discord.token}}.x"})
    EXPECT_EQ(connection_url(bad), "") << bad;
}

TEST(GatewayPayload, FatalCodesSayWhatToDo) {
  const std::string key = "channels.discord";
  const std::string command = "openclaw channels add --channel discord --account work";
  const FatalClose token = explain_fatal(4004, key, command);
  EXPECT_TRUE(token.token);
  EXPECT_THAT(token.message, HasSubstr(command));
  const FatalClose intents = explain_fatal(4014, key, command);
  EXPECT_FALSE(intents.token);
  EXPECT_THAT(intents.message, HasSubstr("\"Message Content Intent\""));
  for (const std::uint32_t code : {4010u, 4011u, 4012u, 4013u})
    EXPECT_THAT(explain_fatal(code, key, command).message, HasSubstr(std::to_string(code)));
}

}  // namespace
}  // namespace discord
