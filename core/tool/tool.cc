#include "tool/tool.h"

#include <utility>

namespace openclaw::tool {

ToolResult ToolResult::text(std::string text, json::object details) {
  ToolResult result;
  result.content.push_back(json::object{{"type", "text"}, {"text", std::move(text)}});
  result.details = std::move(details);
  return result;
}

ToolResult ToolResult::failure(std::string text, json::object details) {
  ToolResult result = ToolResult::text(std::move(text), std::move(details));
  result.is_error = true;
  return result;
}

std::string ToolResult::joined_text() const {
  std::string out;
  for (const json::value& item : content) {
    const json::object* object = item.if_object();
    const json::value* text = object ? object->if_contains("text") : nullptr;
    if (text == nullptr || !text->is_string()) continue;
    if (!out.empty()) out += '\n';
    out += std::string_view(text->as_string());
  }
  return out;
}

}  // namespace openclaw::tool
