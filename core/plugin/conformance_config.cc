#include "plugin/conformance_config.h"

namespace openclaw::plugin {
namespace {

constexpr int kDeepestExample = 16;

json::value sample(const json::object& schema, int depth) {
  if (depth > kDeepestExample) return nullptr;
  for (const char* keyword : {"const", "default"}) {
    if (const auto* value = schema.if_contains(keyword)) return *value;
  }
  if (const auto* values = schema.if_contains("enum");
      values && values->is_array() && !values->get_array().empty()) {
    return values->get_array().front();
  }
  if (schema.contains("$ref")) return "conformance";
  const auto* type = schema.if_contains("type");
  const std::string name = type && type->is_string() ? std::string(type->get_string()) : "object";
  if (name == "string") return "conformance";
  if (name == "boolean") return false;
  if (name == "array") return json::array();
  if (name == "integer" || name == "number") {
    const auto* least = schema.if_contains("minimum");
    return least && least->is_number() ? *least : json::value(1);
  }
  return sample_config(schema, {});
}

}  // namespace

json::object sample_config(const json::object& config_schema, json::object given) {
  const auto* required = config_schema.if_contains("required");
  const auto* properties = config_schema.if_contains("properties");
  if (!required || !required->is_array() || !properties || !properties->is_object()) return given;
  for (const auto& key : required->get_array()) {
    const auto* name = key.if_string();
    if (!name || given.contains(*name)) continue;
    const auto* property = properties->get_object().if_contains(*name);
    if (property && property->is_object()) given[*name] = sample(property->get_object(), 1);
  }
  return given;
}

}  // namespace openclaw::plugin
