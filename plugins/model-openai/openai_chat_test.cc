#include "openai_chat.h"

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
  OpenAiDecoder decoder;
  void chunk(std::string_view data) { decoder.event("", data, reply); }
};

TEST(OpenAiBody, CarriesSystemToolsAndEveryRole) {
  auto body = openai_body(object(R"({
    "model":"m","system":"be kind","maxTokens":50,"temperature":0.5,"thinking":"low",
    "tools":[{"name":"exec","description":"run","parameters":{"type":"object"}}],
    "messages":[
      {"role":"user","content":[{"type":"text","text":"hi"}]},
      {"role":"assistant","content":[{"type":"thinking","thinking":"hm"},{"type":"text","text":"ok"},
        {"type":"toolCall","id":"c1","name":"exec","arguments":{"command":"ls"}},
        {"type":"toolCall","id":"c2","name":"exec","arguments":{}}]},
      {"role":"toolResult","toolCallId":"c1","toolName":"exec","content":[{"type":"text","text":"a"}]},
      {"role":"toolResult","toolCallId":"c2","toolName":"exec","content":[{"type":"text","text":"b"}]}]})"),
                          {});
  EXPECT_EQ(body, object(R"({
    "model":"m","stream":true,"stream_options":{"include_usage":true},"max_tokens":50,"temperature":0.5,
    "reasoning_effort":"low",
    "tools":[{"type":"function","function":{"name":"exec","description":"run","parameters":{"type":"object"}}}],
    "messages":[{"role":"system","content":"be kind"},{"role":"user","content":"hi"},
      {"role":"assistant","content":"ok","tool_calls":[
        {"id":"c1","type":"function","function":{"name":"exec","arguments":"{\"command\":\"ls\"}"}},
        {"id":"c2","type":"function","function":{"name":"exec","arguments":"{}"}}]},
      {"role":"tool","tool_call_id":"c1","content":"a"},
      {"role":"tool","tool_call_id":"c2","content":"b"}]})"));
}

TEST(OpenAiBody, ImagesOfToolResultsFollowAllResults) {
  auto body = openai_body(object(R"({"model":"m","messages":[
      {"role":"toolResult","toolCallId":"c1","content":[{"type":"image","mimeType":"image/png","data":"AA=="}]},
      {"role":"toolResult","toolCallId":"c2","content":[{"type":"text","text":"b"}]},
      {"role":"user","content":[{"type":"text","text":"see"},{"type":"image","mimeType":"image/png","data":"BB=="}]}]})"),
                          {});
  auto& messages = body["messages"].as_array();
  ASSERT_EQ(messages.size(), 4U);
  EXPECT_EQ(messages[0].as_object()["content"], "(image)");
  EXPECT_EQ(messages[1].as_object()["role"], "tool");
  EXPECT_EQ(
      messages[2].as_object()["content"].as_array()[1].as_object()["image_url"].as_object()["url"],
      "data:image/png;base64,AA==");
  EXPECT_EQ(messages[3].as_object()["content"].as_array().size(), 2U);
}

TEST(OpenAiDecoder, StreamsTextAndUsage) {
  Received r;
  r.chunk(R"({"choices":[{"delta":{"role":"assistant","content":""}}]})");
  r.chunk(R"({"choices":[{"delta":{"content":"Hel"}}]})");
  r.chunk(R"({"choices":[{"delta":{"content":"lo"},"finish_reason":"stop"}]})");
  r.chunk(
      R"({"choices":[],"usage":{"prompt_tokens":10,"completion_tokens":3,"prompt_tokens_details":{"cached_tokens":4}}})");
  r.chunk("[DONE]");
  EXPECT_TRUE(r.decoder.ended());
  EXPECT_EQ(r.deltas.size(), 2U);
  EXPECT_EQ(r.reply.completion(), object(R"({"content":[{"type":"text","text":"Hello"}],
                       "usage":{"input":6,"output":3,"cacheRead":4,"cacheWrite":0},"stopReason":"stop"})"));
}

TEST(OpenAiDecoder, CollectsParallelToolCalls) {
  Received r;
  r.chunk(
      R"({"choices":[{"delta":{"tool_calls":[{"index":0,"id":"a","function":{"name":"exec","arguments":""}}]}}]})");
  r.chunk(
      R"({"choices":[{"delta":{"tool_calls":[{"index":1,"id":"b","function":{"name":"write","arguments":"{\"p\""}}]}}]})");
  r.chunk(
      R"({"choices":[{"delta":{"tool_calls":[{"index":0,"function":{"arguments":"{\"c\":1}"}}]}}]})");
  r.chunk(
      R"({"choices":[{"delta":{"tool_calls":[{"index":1,"function":{"arguments":":2}"}}]},"finish_reason":"tool_calls"}]})");
  EXPECT_EQ(r.reply.completion()["content"],
            json::parse(R"([{"type":"toolCall","id":"a","name":"exec","arguments":{"c":1}},
                            {"type":"toolCall","id":"b","name":"write","arguments":{"p":2}}])"));
  EXPECT_EQ(r.reply.completion()["stopReason"], "toolUse");
}

TEST(OpenAiDecoder, CallsThatShareIndexZeroStayApart) {
  Received r;
  r.chunk(
      R"({"choices":[{"delta":{"tool_calls":[{"index":0,"id":"a","function":{"name":"x","arguments":"{}"}}]}}]})");
  r.chunk(
      R"({"choices":[{"delta":{"tool_calls":[{"index":0,"id":"b","function":{"name":"y","arguments":"{\"k\":1}"}}]},"finish_reason":"stop"}]})");
  auto completion = r.reply.completion();
  EXPECT_EQ(completion["content"].as_array().size(), 2U);
  EXPECT_EQ(completion["stopReason"], "toolUse");
}

TEST(OpenAiDecoder, BrokenArgumentsAreSaidSo) {
  Received r;
  r.chunk(
      R"({"choices":[{"delta":{"tool_calls":[{"index":0,"function":{"name":"x","arguments":"{\"a\":"}}]},"finish_reason":"tool_calls"}]})");
  auto call = r.reply.completion()["content"].as_array()[0].as_object();
  EXPECT_EQ(call["id"], "call_1");
  EXPECT_TRUE(call.contains("argumentsError"));
}

TEST(OpenAiDecoder, ReasoningBecomesThinking) {
  Received r;
  r.chunk(R"({"choices":[{"delta":{"reasoning_content":"let me see","reasoning":"let me see"}}]})");
  r.chunk(R"({"choices":[{"delta":{"content":"42"},"finish_reason":"length"}]})");
  EXPECT_EQ(r.deltas[0]["type"], "thinking");
  auto completion = r.reply.completion();
  EXPECT_EQ(completion["content"].as_array().size(), 2U);
  EXPECT_EQ(completion["content"].as_array()[0].as_object()["thinking"], "let me see");
  EXPECT_EQ(completion["stopReason"], "length");
}

TEST(OpenAiDecoder, ErrorInTheStreamIsAFailure) {
  Received r;
  r.chunk(R"({"error":{"message":"overloaded","code":"server_error"}})");
  ASSERT_TRUE(r.decoder.failure());
  EXPECT_EQ(r.decoder.failure()->code, OC_UNAVAILABLE);
  Received broken;
  broken.chunk("{not json");
  ASSERT_TRUE(broken.decoder.failure());
  EXPECT_EQ(broken.decoder.failure()->code, OC_PROTOCOL);
}

TEST(OpenAiDecoder, PlainDocumentIsUnderstood) {
  Received r;
  EXPECT_TRUE(r.decoder.document(
      object(
          R"({"choices":[{"message":{"role":"assistant","content":"yo"},"finish_reason":"stop"}]})"),
      r.reply));
  EXPECT_TRUE(r.decoder.ended());
  EXPECT_FALSE(r.decoder.document(object(R"({"hello":1})"), r.reply));
}

}  // namespace
}  // namespace openclaw::model
