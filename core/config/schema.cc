#include <algorithm>

#include "config/config.h"
#include "config/key_path.h"
#include "config/schema_check.h"
#include "config/schema_text.h"

namespace openclaw::config {

namespace {

// Walks every property once and notes what a form needs: label, help, group, whether it is a
// secret.
class HintCollector {
 public:
  explicit HintCollector(const json::object& root) : root_(root) {}

  json::object collect() {
    visit_members(root_, "", "", 0);
    return std::move(hints_);
  }

 private:
  static std::string text(const json::object& schema, const char* key) {
    const json::value* value = schema.if_contains(key);
    return value && value->is_string() ? std::string(value->get_string()) : std::string();
  }
  static bool flag(const json::object& schema, const char* key) {
    const json::value* value = schema.if_contains(key);
    return value && value->is_bool() && value->get_bool();
  }

  void visit(const json::object& schema, const std::string& path, const std::string& group,
             int depth) {
    const json::object* target = resolve_schema(schema, root_);
    if (!target || depth > 16) return;
    auto either = [&](const char* key) {
      std::string own = text(schema, key);
      return own.empty() ? text(*target, key) : own;
    };
    json::object hint;
    if (std::string label = either("title"); !label.empty()) hint["label"] = label;
    if (std::string help = either("description"); !help.empty()) hint["help"] = help;
    std::string own_group = either("x-group");
    if (!own_group.empty()) hint["group"] = own_group;
    if (flag(schema, "x-sensitive") || flag(*target, "x-sensitive")) hint["sensitive"] = true;
    if (flag(schema, "x-advanced") || flag(*target, "x-advanced")) hint["advanced"] = true;
    const json::value* fallback = schema.if_contains("default");
    if (fallback && fallback->is_primitive() && !fallback->is_bool()) {
      hint["placeholder"] =
          fallback->is_string() ? std::string(fallback->get_string()) : json::serialize(*fallback);
    }
    if (!hint.empty()) {
      hint["order"] = ++order_;
      hints_[path] = std::move(hint);
    }
    if (!flag(*target, "x-sensitive")) {
      visit_members(*target, path, own_group.empty() ? group : own_group, depth);
    }
  }

  void visit_members(const json::object& schema, const std::string& path, const std::string& group,
                     int depth) {
    if (const json::value* members = schema.if_contains("properties"); members) {
      for (const auto& [key, member] : members->as_object()) {
        if (member.is_object()) visit(member.get_object(), join_key(path, key), group, depth + 1);
      }
    }
    const json::value* rest = schema.if_contains("additionalProperties");
    if (rest && rest->is_object()) visit(rest->get_object(), join_key(path, "*"), group, depth + 1);
    const json::value* items = schema.if_contains("items");
    if (items && items->is_object()) visit(items->get_object(), path + "[]", group, depth + 1);
  }

  const json::object& root_;
  json::object hints_;
  std::int64_t order_ = 0;
};

}  // namespace

const json::object& schema() {
  static const json::object kSchema = json::parse(kSchemaText).as_object();
  return kSchema;
}

const json::object& ui_hints() {
  static const json::object kHints = HintCollector(schema()).collect();
  return kHints;
}

}  // namespace openclaw::config
