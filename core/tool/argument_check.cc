#include "tool/argument_check.h"

#include <algorithm>
#include <exception>
#include <utility>

// Without it valijson ends the process on a schema it cannot read.
#define VALIJSON_USE_EXCEPTIONS 1
#include <valijson/adapters/boost_json_adapter.hpp>
#include <valijson/schema.hpp>
#include <valijson/schema_parser.hpp>
#include <valijson/validation_results.hpp>
#include <valijson/validator.hpp>

namespace openclaw::tool {
namespace {

// A copy of a schema with what we do not leave to its author: no unknown keys, no patterns.
json::value tightened(const json::value& schema, std::size_t depth) {
  if (depth > kMaxArgumentDepth) return schema;
  if (const json::array* list = schema.if_array()) {
    json::array out;
    for (const json::value& item : *list) out.push_back(tightened(item, depth + 1));
    return out;
  }
  const json::object* object = schema.if_object();
  if (object == nullptr) return schema;
  json::object out;
  for (const auto& [key, value] : *object) {
    if (key == "pattern" && value.is_string()) continue;
    if (key == "format" && value.is_string()) continue;
    if (key == "patternProperties" && value.is_object()) continue;
    bool data = key == "enum" || key == "const" || key == "default" || key == "examples";
    out[key] = data ? value : tightened(value, depth + 1);
  }
  const json::value* properties = out.if_contains("properties");
  bool typed_map =
      out.contains("additionalProperties") && !out.at("additionalProperties").is_bool();
  if (properties != nullptr && properties->is_object() && !typed_map)
    out["additionalProperties"] = false;
  return out;
}

std::string kind_of(const json::value& value) {
  switch (value.kind()) {
    case json::kind::null:
      return "null";
    case json::kind::bool_:
      return "boolean";
    case json::kind::int64:
    case json::kind::uint64:
      return "integer";
    case json::kind::double_:
      return "number";
    case json::kind::string:
      return "string";
    case json::kind::array:
      return "array";
    case json::kind::object:
      return "object";
  }
  return "value";
}

// What `schema` asks for, in words: `string`, `one of "a", "b"`, `integer from 1 to 50`.
std::string expectation(const json::object& schema) {
  if (const json::value* choices = schema.if_contains("enum");
      choices != nullptr && choices->is_array()) {
    std::string out = "one of ";
    for (const json::value& choice : choices->as_array()) {
      if (out.size() > 7) out += ", ";
      out += json::serialize(choice);
    }
    return out;
  }
  std::string out = "another value";
  if (const json::value* type = schema.if_contains("type"); type != nullptr) {
    if (type->is_string()) out = std::string(type->as_string());
    if (type->is_array()) {
      out.clear();
      for (const json::value& one : type->as_array()) {
        if (!one.is_string()) continue;
        out += (out.empty() ? "" : " or ") + std::string(one.as_string());
      }
    }
  }
  auto bound = [&](const char* key, const char* word) {
    if (const json::value* value = schema.if_contains(key))
      out += std::string(word) + json::serialize(*value);
  };
  bound("minimum", " from ");
  bound("maximum", " up to ");
  bound("minLength", ", length from ");
  bound("maxLength", ", length up to ");
  bound("minItems", ", items from ");
  bound("maxItems", ", items up to ");
  return out;
}

std::string quoted_names(const json::object& properties) {
  std::string out;
  for (const auto& [name, value] : properties) out += (out.empty() ? "" : ", ") + std::string(name);
  return out;
}

}  // namespace

struct ArgumentCheck::Impl {
  json::value document;  // outlives `schema`, which may keep views of it
  valijson::Schema schema;

  // Walks to the field at `context` in arguments and schema; both may end early.
  std::string describe(const std::vector<std::string>& context, const json::object& args) const;
};

std::string ArgumentCheck::Impl::describe(const std::vector<std::string>& context,
                                          const json::object& args) const {
  const json::value root(args);
  const json::value* value = &root;
  const json::object* wanted = document.if_object();
  std::string path;
  for (std::size_t i = 1; i < context.size(); ++i) {
    std::string_view step = context[i];  // "[name]" or "[3]"
    if (step.size() >= 2 && step.front() == '[') step = step.substr(1, step.size() - 2);
    const json::value* next = nullptr;
    const json::object* next_wanted = nullptr;
    if (const json::object* object = value ? value->if_object() : nullptr) {
      next = object->if_contains(step);
      const json::value* properties = wanted ? wanted->if_contains("properties") : nullptr;
      const json::object* table = properties ? properties->if_object() : nullptr;
      const json::value* found = table ? table->if_contains(step) : nullptr;
      next_wanted = found ? found->if_object() : nullptr;
      path += (path.empty() ? "" : ".") + std::string(step);
    } else if (const json::array* list = value ? value->if_array() : nullptr) {
      std::size_t index =
          std::min<std::size_t>(std::strtoul(std::string(step).c_str(), nullptr, 10), list->size());
      next = index < list->size() ? &(*list)[index] : nullptr;
      const json::value* items = wanted ? wanted->if_contains("items") : nullptr;
      next_wanted = items ? items->if_object() : nullptr;
      path += "[" + std::string(step) + "]";
    }
    value = next;
    wanted = next_wanted;
  }
  std::string where = path.empty() ? "the arguments" : "argument " + path;
  if (wanted == nullptr) return where + " does not fit the tool's schema";
  if (const json::object* object = value ? value->if_object() : nullptr) {
    const json::value* properties = wanted->if_contains("properties");
    const json::object* known = properties ? properties->if_object() : nullptr;
    const json::value* required = wanted->if_contains("required");
    if (required != nullptr && required->is_array()) {
      for (const json::value& name : required->as_array()) {
        if (!name.is_string() || object->contains(name.as_string())) continue;
        const json::value* field = known ? known->if_contains(name.as_string()) : nullptr;
        std::string expected =
            field && field->is_object() ? " (" + expectation(field->as_object()) + ")" : "";
        return "argument " + (path.empty() ? "" : path + ".") + std::string(name.as_string()) +
               expected + " is missing";
      }
    }
    for (const auto& [name, ignored] : *object) {
      if (known == nullptr || known->contains(name)) continue;
      std::string shown = std::string(std::string_view(name).substr(0, 64));
      return "unknown argument " + (path.empty() ? "" : path + ".") + shown +
             "; expected: " + quoted_names(*known);
    }
  }
  std::string got = value ? ", got " + kind_of(*value) : "";
  if (value != nullptr && wanted->contains("enum") && value->is_string()) {
    got = ", got \"" + std::string(std::string_view(value->as_string()).substr(0, 64)) + "\"";
  }
  return where + " should be " + expectation(*wanted) + got;
}

ArgumentCheck::ArgumentCheck(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
ArgumentCheck::ArgumentCheck(ArgumentCheck&&) noexcept = default;
ArgumentCheck& ArgumentCheck::operator=(ArgumentCheck&&) noexcept = default;
ArgumentCheck::~ArgumentCheck() = default;

Result<ArgumentCheck> ArgumentCheck::compile(const json::object& parameters) {
  auto impl = std::make_unique<Impl>();
  json::object root = tightened(parameters, 0).as_object();
  if (!root.contains("type")) root["type"] = "object";
  if (!root.contains("properties")) {
    root["properties"] = json::object{};
    root["additionalProperties"] = false;
  }
  if (root.at("type") != json::value("object") || !root.at("properties").is_object()) {
    return Error(Code::kInvalidArgument,
                 "the parameters of a tool must be a JSON Schema of type object");
  }
  impl->document = std::move(root);
  try {
    valijson::SchemaParser parser(valijson::SchemaParser::kDraft7);
    parser.populateSchema(valijson::adapters::BoostJsonAdapter(impl->document), impl->schema);
  } catch (const std::exception& e) {
    return Error(Code::kInvalidArgument,
                 std::string("the parameters of a tool are no JSON Schema: ") + e.what());
  }
  return ArgumentCheck(std::move(impl));
}

Result<void> ArgumentCheck::check(const json::object& args) const {
  try {
    const json::value value(args);
    valijson::Validator validator;
    valijson::ValidationResults results;
    if (validator.validate(impl_->schema, valijson::adapters::BoostJsonAdapter(value), &results))
      return {};
    valijson::ValidationResults::Error first;
    results.popError(first);
    return Error(Code::kInvalidArgument, impl_->describe(first.context, args));
  } catch (const std::exception& e) {
    return Error(Code::kInvalidArgument,
                 std::string("the arguments cannot be checked: ") + e.what());
  }
}

namespace {

// Bytes that `value` holds, about as many as its JSON text has. Stops counting past the limit.
bool within(const json::value& value, std::size_t depth, std::size_t& bytes) {
  if (depth > kMaxArgumentDepth) return false;
  bytes += 2;
  if (const json::string* text = value.if_string()) {
    bytes += text->size();
  } else if (const json::array* list = value.if_array()) {
    for (const json::value& item : *list) {
      if (!within(item, depth + 1, bytes)) return false;
    }
  } else if (const json::object* object = value.if_object()) {
    for (const auto& [key, item] : *object) {
      bytes += key.size() + 2;
      if (!within(item, depth + 1, bytes)) return false;
    }
  } else {
    bytes += 4;
  }
  return bytes <= kMaxArgumentBytes;
}

}  // namespace

Result<void> check_bounds(const json::object& args) {
  std::size_t bytes = 0;
  for (const auto& [key, value] : args) {
    bytes += key.size() + 2;
    if (within(value, 2, bytes)) continue;
    std::string why =
        bytes > kMaxArgumentBytes ? "are larger than 1 MiB" : "are nested deeper than 32 levels";
    return Error(Code::kInvalidArgument, "the arguments " + why);
  }
  return {};
}

}  // namespace openclaw::tool
