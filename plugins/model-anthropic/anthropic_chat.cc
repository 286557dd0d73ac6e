#include "anthropic_chat.h"

#include <algorithm>
#include <string>

namespace openclaw::model {
namespace {

constexpr std::int64_t kDefaultMaxTokens = 8192;

json::object cache_mark() {
  return {{"type", "ephemeral"}};
}

json::array blocks_of(const json::array& content) {
  json::array out;
  for (const auto& value : content) {
    if (!value.is_object()) continue;
    const auto& block = value.get_object();
    auto type = text_at(block, "type");
    if (type == "text" && !text_at(block, "text").empty()) {
      out.push_back(json::object{{"type", "text"}, {"text", text_at(block, "text")}});
    } else if (type == "image") {
      out.push_back(json::object{{"type", "image"},
                                 {"source", json::object{{"type", "base64"},
                                                         {"media_type", text_at(block, "mimeType")},
                                                         {"data", text_at(block, "data")}}}});
    } else if (type == "toolCall") {
      const auto* arguments = object_at(block, "arguments");
      out.push_back(json::object{{"type", "tool_use"},
                                 {"id", text_at(block, "id")},
                                 {"name", text_at(block, "name")},
                                 {"input", arguments != nullptr ? *arguments : json::object()}});
    } else if (type == "thinking" && !text_at(block, "redacted").empty()) {
      out.push_back(
          json::object{{"type", "redacted_thinking"}, {"data", text_at(block, "redacted")}});
    } else if (type == "thinking" && !text_at(block, "thinkingSignature").empty()) {
      // Thinking without a signature came from another vendor and would be refused.
      out.push_back(json::object{{"type", "thinking"},
                                 {"thinking", text_at(block, "thinking")},
                                 {"signature", text_at(block, "thinkingSignature")}});
    }
  }
  return out;
}

// Roles must alternate: what follows in the same role goes into the same message.
void add(json::array& messages, std::string_view role, json::array blocks) {
  if (blocks.empty()) return;
  if (!messages.empty() && text_at(messages.back().get_object(), "role") == role) {
    auto& content = messages.back().get_object()["content"].get_array();
    for (auto& block : blocks) content.push_back(std::move(block));
    return;
  }
  messages.push_back(json::object{{"role", role}, {"content", std::move(blocks)}});
}

json::array messages_of(const json::array& from) {
  json::array messages;
  for (const auto& value : from) {
    if (!value.is_object()) continue;
    const auto& message = value.get_object();
    auto role = text_at(message, "role");
    json::array blocks;
    if (const auto* content = array_at(message, "content")) {
      blocks = blocks_of(*content);
    } else if (auto text = text_at(message, "content"); !text.empty()) {
      blocks.push_back(json::object{{"type", "text"}, {"text", text}});
    }
    if (role == "toolResult") {
      json::object result{{"type", "tool_result"},
                          {"tool_use_id", text_at(message, "toolCallId")},
                          {"content", std::move(blocks)}};
      if (bool_at(message, "isError")) result["is_error"] = true;
      add(messages, "user", json::array{std::move(result)});
    } else {
      add(messages, role == "assistant" ? "assistant" : "user", std::move(blocks));
    }
  }
  return messages;
}

std::int64_t thinking_budget(std::string_view level) {
  if (level == "minimal") return 1024;
  if (level == "low") return 2048;
  if (level == "medium") return 8192;
  if (level == "high") return 16384;
  if (level == "xhigh") return 32768;
  return 0;
}

}  // namespace

json::object anthropic_body(const json::object& request) {
  bool cache = text_at(request, "cacheHints") != "none";
  json::object body{{"model", text_at(request, "model")}, {"stream", true}};
  auto limit = int_at(request, "maxTokens");
  if (limit <= 0) limit = kDefaultMaxTokens;
  auto budget = thinking_budget(text_at(request, "thinking"));
  if (budget > 0) {
    limit = std::max(limit, budget + 1024);
    body["thinking"] = json::object{{"type", "enabled"}, {"budget_tokens", budget}};
  } else if (const auto* temperature = field(request, "temperature");
             temperature != nullptr && temperature->is_number()) {
    body["temperature"] = *temperature;  // not allowed together with thinking
  }
  body["max_tokens"] = limit;
  if (auto system = text_at(request, "system"); !system.empty()) {
    json::object block{{"type", "text"}, {"text", system}};
    if (cache) block["cache_control"] = cache_mark();
    body["system"] = json::array{std::move(block)};
  }
  if (const auto* tools = array_at(request, "tools"); tools != nullptr && !tools->empty()) {
    json::array out;
    for (const auto& value : *tools) {
      if (!value.is_object()) continue;
      const auto& tool = value.get_object();
      const auto* parameters = object_at(tool, "parameters");
      out.push_back(
          json::object{{"name", text_at(tool, "name")},
                       {"description", text_at(tool, "description")},
                       {"input_schema",
                        parameters != nullptr ? *parameters : json::object{{"type", "object"}}}});
    }
    if (cache && !out.empty()) out.back().get_object()["cache_control"] = cache_mark();
    body["tools"] = std::move(out);
  }
  json::array messages;
  if (const auto* from = array_at(request, "messages")) messages = messages_of(*from);
  if (cache && !messages.empty() && text_at(messages.back().get_object(), "role") == "user") {
    auto& content = messages.back().get_object()["content"].get_array();
    content.back().get_object()["cache_control"] = cache_mark();
  }
  body["messages"] = std::move(messages);
  return body;
}

void AnthropicDecoder::event(std::string_view, std::string_view data, Reply& reply) {
  boost::system::error_code bad;
  auto value = json::parse(json::string_view(data.data(), data.size()), bad);
  if (bad || !value.is_object()) {
    if (!failure_) {
      failure_ = Failure{OC_PROTOCOL, "the model's stream holds an event that is not JSON", 0, {}};
    }
    return;
  }
  const auto& event = value.get_object();
  auto type = text_at(event, "type");
  auto index = int_at(event, "index");
  if (type == "error") {
    const auto* error = object_at(event, "error");
    failure_ = error != nullptr
                   ? stream_failure(text_at(*error, "type"), text_at(*error, "message"))
                   : stream_failure({}, "unknown error");
  } else if (type == "message_start") {
    const auto* message = object_at(event, "message");
    const auto* counts = message != nullptr ? object_at(*message, "usage") : nullptr;
    if (counts != nullptr) usage(*counts, reply);
  } else if (index < 0 || index > 4096) {
    return;
  } else if (type == "content_block_start") {
    if (const auto* block = object_at(event, "content_block")) block_start(index, *block, reply);
  } else if (type == "content_block_delta") {
    if (const auto* delta = object_at(event, "delta")) block_delta(index, *delta, reply);
  } else if (type == "message_delta") {
    if (const auto* counts = object_at(event, "usage")) usage(*counts, reply);
    if (const auto* delta = object_at(event, "delta")) stop(text_at(*delta, "stop_reason"), reply);
  } else if (type == "message_stop") {
    ended_ = true;
  }
}

bool AnthropicDecoder::document(const json::object& body, Reply& reply) {
  const auto* content = array_at(body, "content");
  if (content == nullptr) return false;
  std::int64_t index = 0;
  for (const auto& block : *content) {
    if (block.is_object()) block_start(index++, block.get_object(), reply);
  }
  if (const auto* counts = object_at(body, "usage")) usage(*counts, reply);
  stop(text_at(body, "stop_reason"), reply);
  ended_ = true;
  return true;
}

void AnthropicDecoder::block_start(std::int64_t index, const json::object& block, Reply& reply) {
  auto type = text_at(block, "type");
  if (type == "text") {
    reply.text(index, text_at(block, "text"));
  } else if (type == "thinking") {
    reply.thinking(index, text_at(block, "thinking"));
    if (auto signature = text_at(block, "signature"); !signature.empty()) {
      reply.signature(index, signature);
    }
  } else if (type == "redacted_thinking") {
    reply.redacted(index, text_at(block, "data"));
  } else if (type == "tool_use") {
    const auto* input = object_at(block, "input");
    auto arguments = input != nullptr && !input->empty() ? json::serialize(*input) : std::string();
    reply.tool_call(index, text_at(block, "id"), text_at(block, "name"), arguments);
  }
}

void AnthropicDecoder::block_delta(std::int64_t index, const json::object& delta, Reply& reply) {
  auto type = text_at(delta, "type");
  if (type == "text_delta") {
    reply.text(index, text_at(delta, "text"));
  } else if (type == "thinking_delta") {
    reply.thinking(index, text_at(delta, "thinking"));
  } else if (type == "signature_delta") {
    reply.signature(index, text_at(delta, "signature"));
  } else if (type == "input_json_delta" && reply.has_tool_call(index)) {
    reply.tool_call(index, {}, {}, text_at(delta, "partial_json"));
  }
}

void AnthropicDecoder::usage(const json::object& counts, Reply& reply) {
  reply.usage("input", int_at(counts, "input_tokens"));
  reply.usage("output", int_at(counts, "output_tokens"));
  reply.usage("cacheRead", int_at(counts, "cache_read_input_tokens"));
  reply.usage("cacheWrite", int_at(counts, "cache_creation_input_tokens"));
}

void AnthropicDecoder::stop(std::string_view reason, Reply& reply) {
  if (reason.empty()) return;
  if (reason == "max_tokens" || reason == "model_context_window_exceeded") {
    reply.stop("length");
  } else if (reason == "tool_use") {
    reply.stop("toolUse");
  } else if (reason == "refusal") {
    reply.stop("error");
  } else {
    reply.stop("stop");
  }
}

}  // namespace openclaw::model
