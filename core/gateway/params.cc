#include "gateway/params.h"

#include <algorithm>
#include <cmath>

namespace openclaw::gateway {
namespace {

using Kind = Param::Kind;

// Hostile input must not make long answers.
constexpr std::size_t kMaxIssues = 20;

class Checker {
 public:
  void object(const ParamTable& table, const json::object& value, const std::string& at) {
    for (const auto& param : table.params) {
      if (param.required && !value.contains(param.name)) {
        issue(at, "must have required property '" + std::string(param.name) + "'");
      }
    }
    for (const auto& [key, member] : value) {
      bool known =
          std::any_of(table.params.begin(), table.params.end(),
                      [&, k = std::string_view(key)](const Param& p) { return p.name == k; });
      if (!known) {
        add("at " + (at.empty() ? "root" : at) + ": unexpected property '" +
            std::string(key).substr(0, 64) + "'");
      }
    }
    for (const auto& param : table.params) {
      if (const auto* member = value.if_contains(param.name)) {
        one(param, *member, at + "/" + std::string(param.name));
      }
    }
  }

  void issue(const std::string& at, const std::string& message) {
    add(at.empty() ? message : "at " + at + ": " + message);
  }

  std::string joined() const {
    std::string out;
    for (const auto& text : issues_) {
      if (!out.empty()) out += "; ";
      out += text;
    }
    return out;
  }

 private:
  void add(std::string text) {
    if (issues_.size() >= kMaxIssues) return;
    if (std::find(issues_.begin(), issues_.end(), text) == issues_.end()) {
      issues_.push_back(std::move(text));
    }
  }

  void string(const Param& param, const json::value& value, const std::string& at) {
    if (!value.is_string()) return issue(at, "must be string");
    std::string_view text = value.get_string();
    bool nonempty = param.kind == Kind::kText || param.kind == Kind::kNullableText;
    if (nonempty && text.empty()) issue(at, "must NOT have fewer than 1 characters");
    if (param.max != std::numeric_limits<std::int64_t>::max() &&
        static_cast<std::int64_t>(text.size()) > param.max) {
      issue(at, "must NOT have more than " + std::to_string(param.max) + " characters");
    }
    if (!param.choices.empty() &&
        std::find(param.choices.begin(), param.choices.end(), text) == param.choices.end()) {
      issue(at, param.choices.size() == 1 ? "must be equal to constant"
                                          : "must be equal to one of the allowed values");
    }
  }

  void number(const Param& param, const json::value& value, const std::string& at) {
    double amount = 0;
    if (value.is_int64()) {
      amount = static_cast<double>(value.get_int64());
    } else if (value.is_uint64()) {
      amount = static_cast<double>(value.get_uint64());
    } else if (value.is_double()) {
      amount = value.get_double();
    } else {
      return issue(at, param.kind == Kind::kInteger ? "must be integer" : "must be number");
    }
    if (!std::isfinite(amount) || (param.kind == Kind::kInteger && std::floor(amount) != amount)) {
      return issue(at, "must be integer");
    }
    if (amount < static_cast<double>(param.min))
      issue(at, "must be >= " + std::to_string(param.min));
    if (amount > static_cast<double>(param.max))
      issue(at, "must be <= " + std::to_string(param.max));
  }

  void strings(const Param& param, const json::value& value, const std::string& at) {
    if (!value.is_array()) return issue(at, "must be array");
    const auto& items = value.get_array();
    if (param.min > 0 && static_cast<std::int64_t>(items.size()) < param.min) {
      issue(at, "must NOT have fewer than " + std::to_string(param.min) + " items");
    }
    std::size_t index = 0;
    for (const auto& item : items) {
      auto place = at + "/" + std::to_string(index++);
      if (!item.is_string()) {
        issue(place, "must be string");
      } else if (param.kind == Kind::kTexts && item.get_string().empty()) {
        issue(place, "must NOT have fewer than 1 characters");
      }
    }
  }

  void one(const Param& param, const json::value& value, const std::string& at) {
    switch (param.kind) {
      case Kind::kAny:
        return;
      case Kind::kNullableText:
        if (value.is_null()) return;
        return string(param, value, at);
      case Kind::kString:
      case Kind::kText:
        return string(param, value, at);
      case Kind::kInteger:
      case Kind::kNumber:
        return number(param, value, at);
      case Kind::kNullableBoolean:
        if (value.is_null()) return;
        [[fallthrough]];
      case Kind::kBoolean:
        if (!value.is_bool()) issue(at, "must be boolean");
        return;
      case Kind::kArray:
        if (!value.is_array()) issue(at, "must be array");
        return;
      case Kind::kStrings:
      case Kind::kTexts:
        return strings(param, value, at);
      case Kind::kObject:
      case Kind::kBooleans:
        if (!value.is_object()) return issue(at, "must be object");
        if (param.nested) object(*param.nested, value.get_object(), at);
        if (param.kind == Kind::kBooleans) {
          for (const auto& [key, member] : value.get_object()) {
            if (!member.is_bool())
              issue(at + "/" + std::string(key).substr(0, 64), "must be boolean");
          }
        }
        return;
    }
  }

  std::vector<std::string> issues_;
};

}  // namespace

std::string param_issues(const ParamTable& table, const json::value& value) {
  Checker checker;
  if (const auto* object = value.if_object()) {
    checker.object(table, *object, "");
  } else if (value.is_null()) {
    checker.object(table, {}, "");
  } else {
    checker.issue("", "must be object");
  }
  return checker.joined();
}

std::string check_params(std::string_view method, const ParamTable& table,
                         const json::value& value) {
  auto issues = param_issues(table, value);
  return issues.empty() ? issues : "invalid " + std::string(method) + " params: " + issues;
}

std::string text_param(const json::object& params, std::string_view key,
                       std::string_view otherwise) {
  const auto* value = params.if_contains(key);
  return value && value->is_string() ? std::string(value->get_string()) : std::string(otherwise);
}

std::int64_t int_param(const json::object& params, std::string_view key, std::int64_t otherwise) {
  const auto* value = params.if_contains(key);
  if (!value) return otherwise;
  if (value->is_int64()) return value->get_int64();
  if (value->is_uint64()) return std::numeric_limits<std::int64_t>::max();
  if (value->is_double() && std::fabs(value->get_double()) < 9e15) {
    return static_cast<std::int64_t>(value->get_double());
  }
  return otherwise;
}

bool bool_param(const json::object& params, std::string_view key, bool otherwise) {
  const auto* value = params.if_contains(key);
  return value && value->is_bool() ? value->get_bool() : otherwise;
}

std::vector<std::string> strings_param(const json::object& params, std::string_view key) {
  std::vector<std::string> out;
  const auto* value = params.if_contains(key);
  if (!value || !value->is_array()) return out;
  for (const auto& item : value->get_array()) {
    if (item.is_string()) out.emplace_back(item.get_string());
  }
  return out;
}

}  // namespace openclaw::gateway
