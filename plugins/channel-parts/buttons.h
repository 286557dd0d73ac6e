// The key "buttons" of a message (plugin-api/PAYLOADS.md, "channel"), checked against what one
// service takes. Pure.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "json_fields.h"

namespace parts {

struct Button {
  std::string text, data, style;  // style: "primary", ..., or empty
};
using ButtonRows = std::vector<std::vector<Button>>;

struct ButtonLimits {
  std::string_view service;  // for people
  std::size_t rows = 0, in_a_row = 0, all = 0;
  std::size_t text_units = 0;  // UTF-16
  std::size_t data_bytes = 0;
};

// Empty when the message has none. Nothing when the service would refuse them: `wrong` says why.
std::optional<ButtonRows> read_buttons(const json::object& message, const ButtonLimits& limits,
                                       std::string& wrong);

}  // namespace parts
