#include "openai_chat.h"

#include <string>

namespace openclaw::model {
namespace {

std::string joined_text(const json::array& content) {
  std::string out;
  for (const auto& block : content) {
    if (!block.is_object() || text_at(block.get_object(), "type") != "text") continue;
    if (!out.empty()) out += '\n';
    out += text_at(block.get_object(), "text");
  }
  return out;
}

bool has_image(const json::array& content) {
  for (const auto& block : content) {
    if (block.is_object() && text_at(block.get_object(), "type") == "image") return true;
  }
  return false;
}

json::array image_parts(const json::array& content, bool with_text) {
  json::array parts;
  for (const auto& value : content) {
    if (!value.is_object()) continue;
    const auto& block = value.get_object();
    auto type = text_at(block, "type");
    if (type == "text" && with_text) {
      parts.push_back(json::object{{"type", "text"}, {"text", text_at(block, "text")}});
    } else if (type == "image") {
      auto url = "data:" + std::string(text_at(block, "mimeType")) + ";base64," +
                 std::string(text_at(block, "data"));
      parts.push_back(
          json::object{{"type", "image_url"}, {"image_url", json::object{{"url", url}}}});
    }
  }
  return parts;
}

// A message in the memory of the others.
json::object& begin_message(json::array& messages, std::string_view role) {
  json::object& out = messages.emplace_back(json::object_kind).get_object();
  out.reserve(3);
  out.emplace("role", role);
  return out;
}

void add_assistant_message(const json::array& content, json::array& messages) {
  json::object& out = begin_message(messages, "assistant");
  json::array calls;
  for (const auto& value : content) {
    if (!value.is_object() || text_at(value.get_object(), "type") != "toolCall") continue;
    const auto& block = value.get_object();
    const auto* arguments = object_at(block, "arguments");
    calls.push_back(json::object{
        {"id", text_at(block, "id")},
        {"type", "function"},
        {"function",
         json::object{{"name", text_at(block, "name")},
                      {"arguments", arguments != nullptr ? json::serialize(*arguments) : "{}"}}}});
  }
  auto text = joined_text(content);
  if (text.empty() && !calls.empty()) {
    out["content"] = nullptr;
  } else {
    out.emplace("content", text);
  }
  if (!calls.empty()) out["tool_calls"] = std::move(calls);
}

// Images of tool results: a tool message may hold text only, so they follow in a user message, but
// not before all results of the same assistant message have been given.
void add_images(json::array& messages, json::array& images) {
  if (images.empty()) return;
  images.insert(images.begin(),
                json::object{{"type", "text"}, {"text", "Images from the tool results above:"}});
  messages.push_back(json::object{{"role", "user"}, {"content", std::move(images)}});
  images = json::array();
}

void add_message(const json::object& message, json::array& messages, json::array& images) {
  static const json::array kNothing;
  const auto* found = array_at(message, "content");
  const auto& content = found != nullptr ? *found : kNothing;
  auto role = text_at(message, "role");
  if (role == "toolResult") {
    auto text = joined_text(content);
    if (has_image(content)) {
      for (auto& part : image_parts(content, false)) images.push_back(std::move(part));
      if (text.empty()) text = "(image)";
    }
    json::object& out = begin_message(messages, "tool");
    out.emplace("tool_call_id", text_at(message, "toolCallId"));
    out.emplace("content", text);
    return;
  }
  add_images(messages, images);
  if (role == "assistant") {
    return add_assistant_message(content, messages);
  }
  json::object& out = begin_message(messages, "user");
  if (const auto* plain = field(message, "content"); plain != nullptr && plain->is_string()) {
    out.emplace("content", *plain);
  } else if (has_image(content)) {
    out.emplace("content", image_parts(content, true));
  } else {
    out.emplace("content", joined_text(content));
  }
}

}  // namespace

json::object openai_body(const json::object& request, const OpenAiOptions& options) {
  json::array messages(request.storage());
  if (auto system = text_at(request, "system"); !system.empty()) {
    messages.push_back(json::object{{"role", "system"}, {"content", system}});
  }
  json::array images;
  if (const auto* from = array_at(request, "messages")) {
    for (const auto& message : *from) {
      if (message.is_object()) add_message(message.get_object(), messages, images);
    }
  }
  add_images(messages, images);
  json::object body(request.storage());
  body.emplace("model", text_at(request, "model"));
  body.emplace("messages", std::move(messages));
  body.emplace("stream", true);
  if (options.usage_in_stream) body["stream_options"] = json::object{{"include_usage", true}};
  if (const auto* tools = array_at(request, "tools"); tools != nullptr && !tools->empty()) {
    json::array out;
    for (const auto& value : *tools) {
      if (!value.is_object()) continue;
      const auto& tool = value.get_object();
      const auto* parameters = object_at(tool, "parameters");
      out.push_back(json::object{
          {"type", "function"},
          {"function",
           json::object{{"name", text_at(tool, "name")},
                        {"description", text_at(tool, "description")},
                        {"parameters", parameters != nullptr ? *parameters : json::object()}}}});
    }
    body["tools"] = std::move(out);
  }
  if (auto limit = int_at(request, "maxTokens"); limit > 0) {
    body[options.max_completion_tokens ? "max_completion_tokens" : "max_tokens"] = limit;
  }
  if (const auto* temperature = field(request, "temperature");
      temperature != nullptr && temperature->is_number()) {
    body["temperature"] = *temperature;
  }
  auto thinking = text_at(request, "thinking");
  if (!thinking.empty() && thinking != "off") {
    body["reasoning_effort"] = thinking == "xhigh" ? "high" : thinking;
  }
  return body;
}

void OpenAiDecoder::event(std::string_view, std::string_view data, Reply& reply) {
  if (data == "[DONE]") {
    ended_ = true;
    return;
  }
  boost::system::error_code bad;
  auto value = json::parse(json::string_view(data.data(), data.size()), bad);
  if (bad || !value.is_object()) {
    if (!failure_)
      failure_ = Failure{OC_PROTOCOL, "the model's stream holds an event that is not JSON", 0, {}};
    return;
  }
  const auto& chunk = value.get_object();
  if (const auto* error = object_at(chunk, "error")) {
    auto code = text_at(*error, "code");
    failure_ =
        stream_failure(code.empty() ? text_at(*error, "type") : code, text_at(*error, "message"));
    return;
  }
  if (const auto* counts = object_at(chunk, "usage")) usage(*counts, reply);
  const auto* choices = array_at(chunk, "choices");
  if (choices == nullptr || choices->empty() || !choices->front().is_object()) return;
  const auto& choice = choices->front().get_object();
  if (const auto* delta = object_at(choice, "delta")) message(*delta, reply);
  finish(text_at(choice, "finish_reason"), reply);
}

bool OpenAiDecoder::document(const json::object& body, Reply& reply) {
  const auto* choices = array_at(body, "choices");
  if (choices == nullptr || choices->empty() || !choices->front().is_object()) return false;
  const auto& choice = choices->front().get_object();
  const auto* content = object_at(choice, "message");
  if (content == nullptr) return false;
  message(*content, reply);
  if (const auto* counts = object_at(body, "usage")) usage(*counts, reply);
  finish(text_at(choice, "finish_reason"), reply);
  ended_ = true;
  return true;
}

void OpenAiDecoder::message(const json::object& delta, Reply& reply) {
  for (auto key : {"reasoning_content", "reasoning", "reasoning_text"}) {
    if (auto text = text_at(delta, key); !text.empty()) {
      reply.thinking(0, text);
      break;  // servers that send two of them send the same text in both
    }
  }
  reply.text(1, text_at(delta, "content"));
  if (const auto* calls = array_at(delta, "tool_calls")) tool_calls(*calls, reply);
}

void OpenAiDecoder::tool_calls(const json::array& calls, Reply& reply) {
  std::int64_t position = 0;
  for (const auto& value : calls) {
    auto at = position++;
    if (!value.is_object()) continue;
    const auto& call = value.get_object();
    static const json::object kNone;
    const auto* function = object_at(call, "function");
    if (function == nullptr) function = &kNone;
    auto index = field(call, "index") != nullptr ? int_at(call, "index") : at;
    auto id = text_at(call, "id");
    auto name = text_at(*function, "name");
    auto known = blocks_.find(index);
    bool other = known != blocks_.end() && !id.empty() && !name.empty() &&
                 reply.tool_call_id(known->second) != id;
    if (known == blocks_.end() || other) {
      if (blocks_.size() >= 256) return;
      known = blocks_.insert_or_assign(index, next_block_++).first;
    }
    const auto* arguments = field(*function, "arguments");
    if (arguments != nullptr && arguments->is_object()) {  // Ollama's own shape
      reply.tool_call(known->second, id, name, json::serialize(*arguments));
    } else {
      reply.tool_call(known->second, id, name, text_at(*function, "arguments"));
    }
  }
}

void OpenAiDecoder::usage(const json::object& counts, Reply& reply) {
  auto input = int_at(counts, "prompt_tokens");
  if (const auto* details = object_at(counts, "prompt_tokens_details")) {
    auto cached = int_at(*details, "cached_tokens");
    if (cached > 0 && cached <= input) {
      reply.usage("cacheRead", cached);
      input -= cached;
    }
  }
  reply.usage("input", input);
  reply.usage("output", int_at(counts, "completion_tokens"));
}

void OpenAiDecoder::finish(std::string_view reason, Reply& reply) {
  if (reason.empty()) return;
  ended_ = true;
  if (reason == "length") {
    reply.stop("length");
  } else if (reason == "tool_calls" || reason == "function_call") {
    reply.stop("toolUse");
  } else if (reason == "content_filter" || reason == "error") {
    reply.stop("error");
  } else {
    reply.stop("stop");
  }
}

}  // namespace openclaw::model
