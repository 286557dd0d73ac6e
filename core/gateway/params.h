// Checks the params of a method against a small table, with the error texts clients know. Pure.
// [any-thread]
#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "result.h"

namespace openclaw::gateway {

struct ParamTable;

struct Param {
  enum class Kind {
    kAny,
    kString,  // any string, also empty
    kText,    // at least one character
    kInteger,
    kNumber,
    kBoolean,
    kObject,    // with `nested`: a closed object; without: any
    kArray,     // of anything
    kStrings,   // array of strings
    kTexts,     // array of nonempty strings
    kBooleans,  // object whose values are booleans
    kNullableText,
    kNullableBoolean,
  };
  std::string_view name;
  Kind kind = Kind::kAny;
  bool required = false;
  std::int64_t min = std::numeric_limits<std::int64_t>::min();
  std::int64_t max = std::numeric_limits<std::int64_t>::max();  // for texts: the longest allowed
  std::vector<std::string_view> choices = {};                   // of a string
  const ParamTable* nested = nullptr;
};

// A closed object: keys that are not listed are refused.
struct ParamTable {
  std::vector<Param> params;
};
// Of a method without parameters.
inline const ParamTable kNothing{{}};

// Empty when `value` fits; null counts as {}. Otherwise the issues, joined with "; ", duplicates
// dropped.
std::string param_issues(const ParamTable& table, const json::value& value);
// "invalid <method> params: <issues>", or empty.
std::string check_params(std::string_view method, const ParamTable& table,
                         const json::value& value);

// Reads that never fail: params were checked before.
std::string text_param(const json::object& params, std::string_view key,
                       std::string_view otherwise = {});
std::int64_t int_param(const json::object& params, std::string_view key, std::int64_t otherwise);
bool bool_param(const json::object& params, std::string_view key, bool otherwise);
std::vector<std::string> strings_param(const json::object& params, std::string_view key);

}  // namespace openclaw::gateway
