// What is left of an event that the host would not take: raw and unparsed, under its own id, so
// that the queue behind it can move on. Pure.
#pragma once

#include <string>
#include <string_view>

namespace parts {

// `event`: the JSON that was refused.
std::string reduced_event(std::string_view event);

}  // namespace parts
