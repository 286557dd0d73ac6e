// What a message says that has no text of its own, in words: "[location 52.52, 13.405]". Pure.
#pragma once

#include <string>

#include <boost/json.hpp>

namespace telegram {

// Empty: nothing that a person said.
std::string words_of(const boost::json::object& message);
// Who wrote first what was forwarded or is quoted from elsewhere: a MessageOrigin. May be empty.
std::string name_of_origin(const boost::json::object& origin);

}  // namespace telegram
