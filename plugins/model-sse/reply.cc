#include "reply.h"

namespace openclaw::model {

Reply::Block& Reply::block(std::int64_t number, Kind kind) {
  auto [it, fresh] = blocks_.try_emplace(number);
  if (fresh) {
    it->second.kind = kind;
    if (kind == Kind::kToolCall) it->second.index = tool_calls_++;
  }
  return it->second;
}

void Reply::text(std::int64_t number, std::string_view delta) {
  if (delta.empty()) return;
  block(number, Kind::kText).text += delta;
  if (sink_) sink_(json::serialize(json::object{{"type", "text"}, {"delta", delta}}));
}

void Reply::thinking(std::int64_t number, std::string_view delta) {
  if (delta.empty()) return;
  block(number, Kind::kThinking).text += delta;
  if (sink_) sink_(json::serialize(json::object{{"type", "thinking"}, {"delta", delta}}));
}

void Reply::signature(std::int64_t number, std::string_view text) {
  block(number, Kind::kThinking).signature += text;
}

void Reply::redacted(std::int64_t number, std::string_view data) {
  block(number, Kind::kThinking).redacted = data;
}

void Reply::tool_call(std::int64_t number, std::string_view id, std::string_view name,
                      std::string_view arguments_delta) {
  auto& call = block(number, Kind::kToolCall);
  if (call.id.empty()) call.id = id;
  if (call.id.empty()) call.id = "call_" + std::to_string(call.index + 1);
  if (call.name.empty()) call.name = name;
  call.text += arguments_delta;
  if (!sink_) return;
  sink_(json::serialize(json::object{{"type", "toolCall"},
                                     {"index", call.index},
                                     {"id", call.id},
                                     {"name", call.name},
                                     {"argumentsDelta", arguments_delta}}));
}

bool Reply::has_tool_call(std::int64_t number) const {
  return blocks_.contains(number);
}

std::string Reply::tool_call_id(std::int64_t number) const {
  auto it = blocks_.find(number);
  return it == blocks_.end() ? std::string() : it->second.id;
}

void Reply::usage(std::string_view name, std::int64_t tokens) {
  if (tokens <= 0) return;
  usage_.insert_or_assign(std::string(name), tokens);
}

json::object Reply::completion() const {
  json::array content;
  for (const auto& [number, b] : blocks_) {
    if (b.kind == Kind::kText) {
      content.push_back(json::object{{"type", "text"}, {"text", b.text}});
    } else if (b.kind == Kind::kThinking) {
      json::object out{{"type", "thinking"}, {"thinking", b.text}};
      if (!b.signature.empty()) out["thinkingSignature"] = b.signature;
      if (!b.redacted.empty()) out["redacted"] = b.redacted;
      content.push_back(std::move(out));
    } else {
      json::object out{{"type", "toolCall"}, {"id", b.id}, {"name", b.name}};
      boost::system::error_code failure;
      auto arguments = b.text.empty() ? json::value(json::object()) : json::parse(b.text, failure);
      if (!failure && arguments.is_object()) {
        out["arguments"] = std::move(arguments);
      } else {
        out["arguments"] = json::object();
        out["argumentsError"] = "the arguments are not a JSON object";
      }
      content.push_back(std::move(out));
    }
  }
  json::object usage;
  for (auto name : {"input", "output", "cacheRead", "cacheWrite"}) {
    auto it = usage_.find(name);
    usage[name] = it == usage_.end() ? 0 : it->second;
  }
  auto reason = stop_.empty() ? std::string("stop") : stop_;
  if (tool_calls_ > 0 && reason == "stop") reason = "toolUse";
  return {{"content", std::move(content)}, {"usage", std::move(usage)}, {"stopReason", reason}};
}

}  // namespace openclaw::model
