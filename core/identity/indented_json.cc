#include "identity/indented_json.h"

namespace openclaw::identity {
namespace {

void indent_into(std::string& out, const json::value& value, std::size_t depth) {
  auto newline = [&](std::size_t at) { out.append("\n").append(at * 2, ' '); };
  if (const auto* object = value.if_object(); object && !object->empty()) {
    out += '{';
    bool first = true;
    for (const auto& [key, member] : *object) {
      if (!first) out += ',';
      first = false;
      newline(depth + 1);
      out += json::serialize(key);
      out += ": ";
      indent_into(out, member, depth + 1);
    }
    newline(depth);
    out += '}';
  } else if (const auto* array = value.if_array(); array && !array->empty()) {
    out += '[';
    bool first = true;
    for (const auto& member : *array) {
      if (!first) out += ',';
      first = false;
      newline(depth + 1);
      indent_into(out, member, depth + 1);
    }
    newline(depth);
    out += ']';
  } else {
    out += json::serialize(value);
  }
}

}  // namespace

std::string indented(const json::value& value) {
  std::string out;
  indent_into(out, value, 0);
  out += '\n';
  return out;
}

}  // namespace openclaw::identity
