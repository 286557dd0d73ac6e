#include "anthropic_chat.h"

#include <vector>

#include <gtest/gtest.h>

namespace openclaw::model {
namespace {

json::object object(std::string_view text) {
  return json::parse(json::string_view(text.data(), text.size())).as_object();
}

struct Received {
  std::vector<json::object> deltas;
  Reply reply{[this](std::string_view delta) { deltas.push_back(object(delta)); }};
  AnthropicDecoder decoder;
  void event(std::string_view data) { decoder.event("", data, reply); }
};

TEST(AnthropicBody, MergesRolesAndMarksTheCache) {
  auto body = anthropic_body(object(R"({
    "model":"m","system":"be kind","maxTokens":50,
    "tools":[{"name":"a","description":"","parameters":{"type":"object"}},
             {"name":"b","description":"","parameters":{"type":"object"}}],
    "messages":[
      {"role":"user","content":[{"type":"text","text":"hi"}]},
      {"role":"assistant","content":[{"type":"text","text":""},
        {"type":"thinking","thinking":"other vendor"},
        {"type":"thinking","thinking":"mine","thinkingSignature":"sig"},
        {"type":"toolCall","id":"c1","name":"a","arguments":{"x":1}},
        {"type":"toolCall","id":"c2","name":"b","arguments":{}}]},
      {"role":"toolResult","toolCallId":"c1","isError":true,"content":[{"type":"text","text":"no"}]},
      {"role":"toolResult","toolCallId":"c2","content":[{"type":"text","text":"yes"}]},
      {"role":"user","content":[{"type":"text","text":"and?"}]}]})"));
  EXPECT_EQ(body, object(R"({
    "model":"m","stream":true,"max_tokens":50,
    "system":[{"type":"text","text":"be kind","cache_control":{"type":"ephemeral"}}],
    "tools":[{"name":"a","description":"","input_schema":{"type":"object"}},
             {"name":"b","description":"","input_schema":{"type":"object"},"cache_control":{"type":"ephemeral"}}],
    "messages":[
      {"role":"user","content":[{"type":"text","text":"hi"}]},
      {"role":"assistant","content":[{"type":"thinking","thinking":"mine","signature":"sig"},
        {"type":"tool_use","id":"c1","name":"a","input":{"x":1}},
        {"type":"tool_use","id":"c2","name":"b","input":{}}]},
      {"role":"user","content":[
        {"type":"tool_result","tool_use_id":"c1","content":[{"type":"text","text":"no"}],"is_error":true},
        {"type":"tool_result","tool_use_id":"c2","content":[{"type":"text","text":"yes"}]},
        {"type":"text","text":"and?","cache_control":{"type":"ephemeral"}}]}]})"));
}

TEST(AnthropicBody, ThinkingGetsABudgetBelowMaxTokens) {
  auto body = anthropic_body(
      object(R"({"model":"m","thinking":"high","temperature":0.1,"maxTokens":100,"messages":[]})"));
  EXPECT_EQ(body["thinking"].as_object()["budget_tokens"], 16384);
  EXPECT_GT(body["max_tokens"].as_int64(), 16384);
  EXPECT_FALSE(body.contains("temperature"));
}

TEST(AnthropicBody, CacheCanBeSwitchedOff) {
  auto body = anthropic_body(object(
      R"({"model":"m","system":"s","cacheHints":"none","messages":[{"role":"user","content":[{"type":"text","text":"x"}]}]})"));
  EXPECT_EQ(json::serialize(body).find("cache_control"), std::string::npos);
}

TEST(AnthropicDecoder, StreamsThinkingTextAndTools) {
  Received r;
  r.event(
      R"({"type":"message_start","message":{"usage":{"input_tokens":7,"cache_read_input_tokens":100,"cache_creation_input_tokens":5,"output_tokens":1}}})");
  r.event(
      R"({"type":"content_block_start","index":0,"content_block":{"type":"thinking","thinking":""}})");
  r.event(
      R"({"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"hm"}})");
  r.event(
      R"({"type":"content_block_delta","index":0,"delta":{"type":"signature_delta","signature":"s1"}})");
  r.event(R"({"type":"content_block_start","index":1,"content_block":{"type":"text","text":""}})");
  r.event(R"({"type":"ping"})");
  r.event(R"({"type":"content_block_delta","index":1,"delta":{"type":"text_delta","text":"Hi"}})");
  r.event(
      R"({"type":"content_block_start","index":2,"content_block":{"type":"tool_use","id":"t1","name":"exec","input":{}}})");
  r.event(
      R"({"type":"content_block_delta","index":2,"delta":{"type":"input_json_delta","partial_json":"{\"c\":"}})");
  r.event(
      R"({"type":"content_block_delta","index":2,"delta":{"type":"input_json_delta","partial_json":"1}"}})");
  r.event(R"({"type":"content_block_stop","index":2})");
  r.event(
      R"({"type":"message_delta","delta":{"stop_reason":"tool_use"},"usage":{"output_tokens":20}})");
  EXPECT_FALSE(r.decoder.ended());
  r.event(R"({"type":"message_stop"})");
  EXPECT_TRUE(r.decoder.ended());
  EXPECT_EQ(r.reply.completion(), object(R"({
    "content":[{"type":"thinking","thinking":"hm","thinkingSignature":"s1"},{"type":"text","text":"Hi"},
               {"type":"toolCall","id":"t1","name":"exec","arguments":{"c":1}}],
    "usage":{"input":7,"output":20,"cacheRead":100,"cacheWrite":5},"stopReason":"toolUse"})"));
  ASSERT_GE(r.deltas.size(), 2U);
  EXPECT_EQ(r.deltas[0]["type"], "thinking");
  EXPECT_EQ(r.deltas[1]["delta"], "Hi");
}

TEST(AnthropicDecoder, OverloadIsTransient) {
  Received r;
  r.event(R"({"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}})");
  ASSERT_TRUE(r.decoder.failure());
  EXPECT_EQ(r.decoder.failure()->code, OC_UNAVAILABLE);
}

TEST(AnthropicDecoder, RedactedThinkingComesBackUnchanged) {
  Received r;
  r.event(
      R"({"type":"content_block_start","index":0,"content_block":{"type":"redacted_thinking","data":"zzz"}})");
  r.event(R"({"type":"message_stop"})");
  json::object request{
      {"model", "m"},
      {"messages", json::array{json::object{{"role", "assistant"},
                                            {"content", r.reply.completion()["content"]}}}}};
  EXPECT_EQ(anthropic_body(request)["messages"].as_array()[0].as_object()["content"],
            json::parse(R"([{"type":"redacted_thinking","data":"zzz"}])"));
}

}  // namespace
}  // namespace openclaw::model
