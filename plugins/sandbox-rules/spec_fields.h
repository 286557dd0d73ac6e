// Reads of JSON objects that somebody else wrote: a missing or odd value is the fallback, never a
// throw.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <boost/json.hpp>

namespace openclaw::sandbox_rules {

namespace json = boost::json;

const json::value* member(const json::object& from, std::string_view key);
std::string text_of(const json::object& from, std::string_view key);
bool flag_of(const json::object& from, std::string_view key, bool otherwise = false);
double number_of(const json::object& from, std::string_view key, double otherwise = 0);
// Empty when the member is absent or of another kind.
const json::array& list_of(const json::object& from, std::string_view key);
const json::object& object_of(const json::object& from, std::string_view key);

}  // namespace openclaw::sandbox_rules
