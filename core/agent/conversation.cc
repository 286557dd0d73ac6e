#include "agent/conversation.h"

#include <algorithm>
#include <array>
#include <ctime>
#include <set>

#include "agent/fields.h"
#include "session/session_files.h"

namespace openclaw::agent {
namespace {

constexpr std::size_t kMaxToolResult = 100'000;
constexpr std::size_t kMaxAttachmentBytes = 7'000'000;  // 5 MB decoded, as base64
constexpr std::size_t kImageTokens = 1500;

std::tm local_parts(std::int64_t ms) {
  auto seconds = static_cast<std::time_t>(ms / 1000);
  std::tm parts{};
  ::localtime_r(&seconds, &parts);
  return parts;
}

json::object text_block(std::string_view text) {
  return {{"type", "text"}, {"text", text}};
}

bool is_base64(std::string_view text) {
  return std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '+' ||
           c == '/' || c == '=';
  });
}

// "[attached file: media/inbound/a.jpg (image/jpeg, 48211 bytes)]"
std::string file_line(const json::object& attachment) {
  const std::string path(text_at(attachment, "path"));
  const std::string missing(text_at(attachment, "missing"));
  const std::string name(text_at(attachment, "name"));
  std::string line = "[attached file";
  if (!path.empty()) line += ": " + path;
  if (path.empty() && !name.empty()) line += " " + name;
  std::string facts(text_at(attachment, "mimeType"));
  if (const auto bytes = int_at(attachment, "bytes", -1); bytes >= 0)
    facts += (facts.empty() ? "" : ", ") + std::to_string(bytes) + " bytes";
  if (!facts.empty()) line += " (" + facts + ")";
  if (!missing.empty()) line += " is missing: " + missing;
  return line + "]";
}

Result<void> add_attachment(const json::object& attachment, json::array& content) {
  const auto mime = text_at(attachment, "mimeType");
  const auto data = text_at(attachment, "data");
  const bool image = mime.starts_with("image/") && !data.empty();
  if (image && (data.size() > kMaxAttachmentBytes || !is_base64(data))) {
    return make_error(
        Code::kInvalidArgument,
        "attachment " + std::string(text_at(attachment, "name")) + " is no base64 of at most 5 MB");
  }
  const bool told = !text_at(attachment, "path").empty() || !text_at(attachment, "missing").empty();
  if (told || !image) content.push_back(text_block(file_line(attachment)));
  if (image) content.push_back(json::object{{"type", "image"}, {"mimeType", mime}, {"data", data}});
  return {};
}

json::object missing_result(const json::object& call) {
  return {{"role", "toolResult"},
          {"toolCallId", text_at(call, "id")},
          {"toolName", text_at(call, "name")},
          {"isError", true},
          {"content", json::array{text_block("No result: the call was interrupted.")}}};
}

bool is_empty_answer(const json::object& message) {
  const auto* content = array_at(message, "content");
  return text_at(message, "role") == "assistant" && (content == nullptr || content->empty());
}

}  // namespace

std::string time_envelope(std::int64_t ms) {
  auto parts = local_parts(ms);
  std::array<char, 64> text{};
  auto n = std::strftime(text.data(), text.size(), "[%a %Y-%m-%d %H:%M %Z] ", &parts);
  return {text.data(), n};
}

std::string local_timezone() {
  auto parts = local_parts(session::now_ms());
  return parts.tm_zone != nullptr ? parts.tm_zone : "UTC";
}

Result<session::Message> user_message(const TurnRequest& request, std::int64_t ms) {
  std::string text = request.text;
  const auto& origin = request.origin;
  bool room = origin.chat_type == "group" || origin.chat_type == "channel";
  if (room && !origin.sender_name.empty()) text = origin.sender_name + ": " + text;
  if (origin.kind != TurnOrigin::Kind::kHttp) text = time_envelope(ms) + text;
  json::array content{text_block(text)};
  for (const auto& value : request.attachments) {
    const auto* attachment = value.if_object();
    if (attachment == nullptr) continue;
    auto added = add_attachment(*attachment, content);
    if (added.has_error()) return added.error();
  }
  session::Message message{{"role", "user"}, {"content", std::move(content)}, {"timestamp", ms}};
  if (!request.run_id.empty()) message["runId"] = request.run_id;
  return message;
}

session::Message assistant_message(json::array content, const ModelInfo& model, const Usage& usage,
                                   std::string_view stop_reason) {
  json::object cost{{"input", 0}, {"output", 0}, {"cacheRead", 0}, {"cacheWrite", 0}, {"total", 0}};
  json::object counts{
      {"input", usage.input},
      {"output", usage.output},
      {"cacheRead", usage.cache_read},
      {"cacheWrite", usage.cache_write},
      {"totalTokens", usage.input + usage.output + usage.cache_read + usage.cache_write},
      {"cost", std::move(cost)}};
  return {{"role", "assistant"},       {"content", std::move(content)},
          {"api", model.api},          {"provider", model.provider},
          {"model", model.id},         {"usage", std::move(counts)},
          {"stopReason", stop_reason}, {"timestamp", session::now_ms()}};
}

session::Message tool_result_message(const json::object& call, const tool::ToolResult& result) {
  auto content = result.content;
  for (auto& value : content) {
    auto* block = value.if_object();
    if (block == nullptr) continue;
    auto text = text_at(*block, "text");
    if (text.size() <= kMaxToolResult) continue;
    auto shorter = std::string(cut_utf8(text, kMaxToolResult)) +
                   "\n[cut: " + std::to_string(text.size()) + " bytes in all]";
    (*block)["text"] = shorter;
  }
  if (content.empty()) content.push_back(text_block("(no output)"));
  session::Message out{{"role", "toolResult"},
                       {"toolCallId", text_at(call, "id")},
                       {"toolName", text_at(call, "name")},
                       {"content", std::move(content)},
                       {"isError", result.is_error},
                       {"timestamp", session::now_ms()}};
  if (!result.details.empty()) out["details"] = result.details;
  return out;
}

std::string tools_json(const std::vector<const tool::ToolSpec*>& tools) {
  json::array out;
  for (const auto* spec : tools) {
    out.push_back(json::object{{"name", spec->name},
                               {"description", spec->description},
                               {"parameters", spec->parameters}});
  }
  return out.empty() ? std::string() : json::serialize(out);
}

namespace {

void append_json(std::string& out, json::serializer& serializer, const json::value& value) {
  std::array<char, 4096> piece;
  serializer.reset(&value);
  while (!serializer.done()) out.append(serializer.read(piece.data(), piece.size()));
}

// Of all that a transcript keeps, what a model is asked with: the rest (usage, times, where an
// answer came from, what a tool has noted for people) is several times as long and nobody reads it.
void append_message(std::string& out, json::serializer& serializer, const json::object& message) {
  static constexpr std::array<std::string_view, 5> kKeys{"role", "toolCallId", "toolName",
                                                         "isError", "content"};
  char before = '{';
  for (const std::string_view key : kKeys) {
    const json::value* value = message.if_contains(key);
    if (value == nullptr) continue;
    out += before;
    before = ',';
    out += '"';
    out += key;
    out += "\":";
    append_json(out, serializer, *value);
  }
  out += before == '{' ? "{}" : "}";
}

}  // namespace

std::string chat_request(const ChatParts& parts, const Context& context) {
  json::object head{{"model", parts.model}};
  if (!parts.system.empty()) head["system"] = parts.system;
  if (!parts.thinking.empty() && parts.thinking != "off") head["thinking"] = parts.thinking;
  if (parts.max_tokens > 0) head["maxTokens"] = parts.max_tokens;
  auto out = json::serialize(head);
  out.pop_back();
  if (!parts.tools_json.empty()) out += ",\"tools\":" + parts.tools_json;
  out += ",\"messages\":[";
  json::serializer serializer;
  bool first = true;
  auto add = [&](const json::object& message) {
    if (!first) out += ',';
    first = false;
    append_message(out, serializer, message);
  };
  std::vector<const json::object*> open_calls;  // without a result so far
  auto close_calls = [&] {
    for (const auto* call : open_calls) add(missing_result(*call));
    open_calls.clear();
  };
  for (const auto& item : context) {
    const auto& message = *item.message;
    auto role = text_at(message, "role");
    if (role == "toolResult") {
      auto id = text_at(message, "toolCallId");
      auto known =
          std::ranges::find_if(open_calls, [&](auto* call) { return text_at(*call, "id") == id; });
      if (known == open_calls.end()) continue;  // its call was compacted away
      open_calls.erase(known);
    } else {
      close_calls();
      if (is_empty_answer(message)) continue;
      if (const auto* content = array_at(message, "content");
          content != nullptr && role == "assistant") {
        open_calls = tool_calls_of(*content);
      }
    }
    add(message);
  }
  close_calls();
  return out + "]}";
}

std::string text_of(const json::array& content) {
  std::string out;
  for (const auto& value : content) {
    const auto* block = value.if_object();
    if (block == nullptr || text_at(*block, "type") != "text") continue;
    out += text_at(*block, "text");
  }
  return out;
}

std::vector<const json::object*> tool_calls_of(const json::array& content) {
  std::vector<const json::object*> out;
  for (const auto& value : content) {
    const auto* block = value.if_object();
    if (block != nullptr && text_at(*block, "type") == "toolCall") out.push_back(block);
  }
  return out;
}

std::size_t estimate_tokens(const json::object& message) {
  std::size_t bytes = 16;
  std::size_t images = 0;
  if (auto plain = text_at(message, "content"); !plain.empty()) bytes += plain.size();
  if (const auto* content = array_at(message, "content")) {
    for (const auto& value : *content) {
      const auto* block = value.if_object();
      if (block == nullptr) continue;
      if (text_at(*block, "type") == "image") ++images;
      bytes += text_at(*block, "text").size() + text_at(*block, "thinking").size();
      if (const auto* arguments = object_at(*block, "arguments"))
        bytes += json::serialize(*arguments).size();
    }
  }
  return bytes / 4 + images * kImageTokens;
}

std::size_t context_tokens(const Context& context) {
  std::size_t after = 0;
  for (auto it = context.rbegin(); it != context.rend(); ++it) {
    const auto& message = *it->message;
    const auto* usage = object_at(message, "usage");
    // Counts from before a compaction say nothing about now: those messages have the summary before
    // them.
    bool summarised = !context.empty() && context.front().id.empty();
    if (usage != nullptr && !summarised) {
      if (auto total = int_at(*usage, "totalTokens"); total > 0) {
        return static_cast<std::size_t>(total) + after;
      }
    }
    after += estimate_tokens(message);
  }
  return after;
}

}  // namespace openclaw::agent
