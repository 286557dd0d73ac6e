#include "plugin/config_check.h"

// Without it valijson ends the process at a schema it cannot read.
#define VALIJSON_USE_EXCEPTIONS 1
#include <valijson/adapters/boost_json_adapter.hpp>
#include <valijson/schema.hpp>
#include <valijson/schema_parser.hpp>
#include <valijson/validation_results.hpp>
#include <valijson/validator.hpp>

namespace openclaw::plugin {
namespace {

constexpr int kMaxDepth = 32;
constexpr std::size_t kMaxReported = 5;

bool is_secret_mark(const json::object& schema) {
  const auto* ref = schema.if_contains("$ref");
  return ref && ref->is_string() &&
         ref->get_string() == json::string_view(kSecretRef.data(), kSecretRef.size());
}

json::object one_text_property(std::string_view name) {
  const json::string_view key(name.data(), name.size());
  return {{"type", "object"},
          {"required", json::array{key}},
          {"additionalProperties", false},
          {"properties", json::object{{key, {{"type", "string"}, {"minLength", 1}}}}}};
}

json::value without_secret_marks(const json::value& value, int depth) {
  if (depth > kMaxDepth) return value;
  if (const auto* list = value.if_array()) {
    json::array out;
    for (const auto& item : *list) out.push_back(without_secret_marks(item, depth + 1));
    return out;
  }
  const auto* object = value.if_object();
  if (!object) return value;
  if (is_secret_mark(*object)) {
    json::object text{{"type", "string"}};
    return json::object{
        {"anyOf", json::array{text, one_text_property("$secret"), one_text_property("$env")}}};
  }
  json::object out;
  for (const auto& [key, inner] : *object) out.emplace(key, without_secret_marks(inner, depth + 1));
  return out;
}

// {"$secret":...} or {"$env":...} and nothing else.
const json::string* only_text(const json::value& value, std::string_view key) {
  const auto* object = value.if_object();
  if (!object || object->size() != 1) return nullptr;
  const auto* inner = object->if_contains(json::string_view(key.data(), key.size()));
  return inner ? inner->if_string() : nullptr;
}

class Preparation {
 public:
  explicit Preparation(const SecretContext& context) : context_(context) {}
  // `schema` may be null: then only {"$env"} is looked for.
  Result<void> walk(const json::object* schema, json::value& value, const std::string& name,
                    int depth);

 private:
  Result<void> walk_object(const json::object* schema, json::object& object,
                           const std::string& name, int depth);
  void store(const std::string& name, std::string secret, json::value& value) {
    context_.secrets.put_transient(name, std::move(secret));
    value = json::object{{"$secret", name}};
  }
  const SecretContext& context_;
};

const json::object* inner_schema(const json::object* schema, json::string_view keyword) {
  const auto* value = schema ? schema->if_contains(keyword) : nullptr;
  return value ? value->if_object() : nullptr;
}

Result<void> Preparation::walk_object(const json::object* schema, json::object& object,
                                      const std::string& name, int depth) {
  const auto* properties = inner_schema(schema, "properties");
  const auto* others = inner_schema(schema, "additionalProperties");
  for (auto&& member : object) {
    const auto* own = inner_schema(properties, member.key());
    const std::string inner_name = name + "." + std::string(member.key());
    if (auto walked = walk(own ? own : others, member.value(), inner_name, depth + 1); !walked)
      return walked.error();
  }
  if (!properties) return {};
  for (const auto& [key, property] : *properties) {
    const auto* described = property.if_object();
    const auto* otherwise = described ? described->if_contains("default") : nullptr;
    if (otherwise && !object.contains(key)) object.emplace(key, *otherwise);
  }
  return {};
}

Result<void> Preparation::walk(const json::object* schema, json::value& value,
                               const std::string& name, int depth) {
  if (depth > kMaxDepth)
    return make_error(Code::kInvalidArgument, "the configuration nests deeper than 32");
  if (const auto* variable = only_text(value, "$env")) {
    auto found = context_.environment(std::string(*variable));
    if (!found) {
      return make_error(Code::kFailedPrecondition,
                        "the environment variable " + std::string(*variable) +
                            " is not set; export it, or put the value in the "
                            "configuration");
    }
    store(name, std::move(*found), value);
    return {};
  }
  if (schema && is_secret_mark(*schema)) {
    if (const auto* text = value.if_string()) store(name, std::string(*text), value);
    return {};
  }
  if (auto* object = value.if_object()) return walk_object(schema, *object, name, depth);
  if (auto* list = value.if_array()) {
    std::size_t index = 0;
    for (auto& item : *list) {
      const std::string inner_name = name + "." + std::to_string(index++);
      if (auto walked = walk(inner_schema(schema, "items"), item, inner_name, depth + 1); !walked) {
        return walked.error();
      }
    }
  }
  return {};
}

// "<root>", "[dm]", "[policy]" as dm.policy.
std::string place_of(const std::vector<std::string>& context) {
  std::string out;
  for (std::string_view part : context) {
    if (part == "<root>") continue;
    if (part.size() >= 2 && part.front() == '[' && part.back() == ']')
      part = part.substr(1, part.size() - 2);
    if (!out.empty()) out += '.';
    out += part;
  }
  return out.empty() ? "the whole" : out;
}

std::string describe(valijson::ValidationResults& results) {
  std::string text;
  valijson::ValidationResults::Error error;
  for (std::size_t n = 0; n < kMaxReported && results.popError(error);) {
    // The outer levels only repeat that an inner one failed.
    if (error.description.rfind("Failed to validate against schema", 0) == 0 ||
        error.description.rfind("Failed to validate item", 0) == 0) {
      continue;
    }
    if (!text.empty()) text += "; ";
    text += place_of(error.context) + ": " + error.description;
    ++n;
  }
  return text.empty() ? "it does not match the schema" : text;
}

}  // namespace

bool has_foreign_reference(const json::value& schema) {
  if (const auto* list = schema.if_array()) {
    for (const auto& item : *list) {
      if (has_foreign_reference(item)) return true;
    }
  }
  const auto* object = schema.if_object();
  if (!object) return false;
  const auto* ref = object->if_contains("$ref");
  if (ref && ref->is_string() && !is_secret_mark(*object)) return true;
  for (const auto& [key, inner] : *object) {
    if (has_foreign_reference(inner)) return true;
  }
  return false;
}

json::object validation_schema(const json::object& config_schema) {
  return without_secret_marks(config_schema, 0).get_object();
}

Result<void> check_config(const json::object& config_schema, const json::object& config,
                          std::string_view where) {
  if (has_foreign_reference(config_schema)) {
    return make_error(Code::kInvalidArgument, std::string(where) +
                                                  ": the plugin's configSchema cannot be used: " +
                                                  std::string(kForeignReference));
  }
  // valijson reports a schema it cannot read by exceptions.
  try {
    const json::value schema_json(validation_schema(config_schema));
    valijson::Schema schema;
    valijson::SchemaParser parser;
    parser.populateSchema(valijson::adapters::BoostJsonAdapter(schema_json), schema);
    valijson::Validator validator;
    valijson::ValidationResults results;
    const json::value target_json(config);
    valijson::adapters::BoostJsonAdapter target(target_json);
    if (validator.validate(schema, target, &results)) return {};
    return make_error(Code::kInvalidArgument, std::string(where) + ": " + describe(results));
  } catch (const std::exception& e) {
    return make_error(
        Code::kInvalidArgument,
        std::string(where) + ": the plugin's configSchema cannot be used: " + e.what());
  }
}

Result<json::object> prepare_config(const json::object& config_schema, json::object config,
                                    const SecretContext& context) {
  json::value value(std::move(config));
  Preparation preparation(context);
  if (auto walked = preparation.walk(&config_schema, value, context.prefix, 0); !walked)
    return walked.error();
  return std::move(value.get_object());
}

}  // namespace openclaw::plugin
