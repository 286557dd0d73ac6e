#include "config/toml_format.h"

#include <algorithm>
#include <charconv>
#include <cmath>

namespace openclaw::config {

namespace {

constexpr std::size_t kLineWidth = 100;

std::string quoted(std::string_view text) {
  static constexpr char kHex[] = "0123456789ABCDEF";
  std::string out = "\"";
  for (char c : text) {
    auto u = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '\t') {
      out += "\\t";
    } else if (c == '\r') {
      out += "\\r";
    } else if (u < 0x20 || u == 0x7F) {
      out += "\\u00";
      out += kHex[u >> 4U];
      out += kHex[u & 0xFU];
    } else {
      out += c;
    }
  }
  return out + "\"";
}

std::string number(double value) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value < 0 ? "-inf" : "inf";
  char buffer[40];
  auto end = std::to_chars(buffer, buffer + sizeof buffer, value).ptr;
  std::string text(buffer, end);
  if (text.find_first_of(".eE") == std::string::npos) text += ".0";
  return text;
}

std::string header_name(const KeyPath& path) {
  std::string out;
  for (const Step& step : path) {
    if (step.index) continue;
    if (!out.empty()) out += '.';
    out += toml_key(step.key);
  }
  return out;
}

// A small group of plain values reads better on one line.
bool goes_inline(const json::value& value, std::size_t depth) {
  const json::object* object = value.if_object();
  if (!object || object->empty()) return object != nullptr;
  if (depth < 4 || object->size() > 3) return false;
  bool plain = std::all_of(object->begin(), object->end(),
                           [](const auto& entry) { return entry.value().is_primitive(); });
  return plain && toml_value(value).size() <= 60;
}

std::string value_line(const json::value& value) {
  std::string line = toml_value(value);
  const json::array* array = value.if_array();
  if (!array || array->empty() || line.size() <= kLineWidth - 20) return line;
  std::string out = "[\n";
  for (const json::value& entry : *array) out += "  " + toml_value(entry) + ",\n";
  return out + "]";
}

void write_members(const KeyPath& path, const json::object& section, std::string& out) {
  for (const auto& [key, value] : section) {
    bool below =
        (value.is_object() && !goes_inline(value, path.size() + 1)) || is_object_list(value);
    if (!below && !value.is_null()) out += toml_key(key) + " = " + value_line(value) + "\n";
  }
  for (const auto& [key, value] : section) {
    KeyPath child = path;
    child.push_back(Step::of_key(key));
    std::string text;
    if (is_object_list(value)) {
      text = toml_section_list(child, value.get_array());
    } else if (value.is_object() && !goes_inline(value, child.size())) {
      text = toml_section(child, value.get_object());
    }
    if (text.empty()) continue;
    if (!out.empty()) out += "\n";
    out += text;
  }
}

// Nothing but sections below: its own header would say nothing.
bool needs_header(const json::object& section, std::size_t depth) {
  return section.empty() || std::any_of(section.begin(), section.end(), [&](const auto& entry) {
           const json::value& value = entry.value();
           bool below =
               (value.is_object() && !goes_inline(value, depth + 1)) || is_object_list(value);
           return !below && !value.is_null();
         });
}

}  // namespace

std::string toml_key(std::string_view key) {
  bool bare = !key.empty() && std::all_of(key.begin(), key.end(), [](unsigned char c) {
    return (c < 0x80 && std::isalnum(c) != 0) || c == '_' || c == '-';
  });
  return bare ? std::string(key) : quoted(key);
}

std::string toml_value(const json::value& value) {
  switch (value.kind()) {
    case json::kind::null:
      return "\"\"";
    case json::kind::bool_:
      return value.get_bool() ? "true" : "false";
    case json::kind::int64:
      return std::to_string(value.get_int64());
    case json::kind::uint64:
      return number(static_cast<double>(value.get_uint64()));
    case json::kind::double_:
      return number(value.get_double());
    case json::kind::string:
      return quoted(value.get_string());
    case json::kind::array: {
      std::string out = "[";
      for (const json::value& entry : value.get_array()) {
        out += (out.size() > 1 ? ", " : "") + toml_value(entry);
      }
      return out + "]";
    }
    case json::kind::object:
      break;
  }
  std::string out = "{";
  for (const auto& [key, entry] : value.get_object()) {
    if (entry.is_null()) continue;
    out += (out.size() > 1 ? ", " : " ") + toml_key(key) + " = " + toml_value(entry);
  }
  return out + (out.size() > 1 ? " }" : "}");
}

std::string toml_section(const KeyPath& path, const json::object& section) {
  std::string body;
  write_members(path, section, body);
  if (!needs_header(section, path.size())) return body;
  return "[" + header_name(path) + "]\n" + body;
}

std::string toml_section_list(const KeyPath& path, const json::array& list) {
  std::string out;
  for (const json::value& entry : list) {
    if (!out.empty()) out += "\n";
    out += "[[" + header_name(path) + "]]\n";
    write_members(path, entry.get_object(), out);
  }
  return out;
}

std::string toml_document(const json::object& root) {
  std::string out;
  write_members({}, root, out);
  return out;
}

bool is_object_list(const json::value& value) {
  const json::array* array = value.if_array();
  return array && !array->empty() &&
         std::all_of(array->begin(), array->end(),
                     [](const json::value& entry) { return entry.is_object(); });
}

}  // namespace openclaw::config
