#include "buttons.h"

#include "utf16.h"

namespace parts {
namespace {

std::optional<Button> read_button(const json::value& item, const ButtonLimits& limits,
                                  std::string& wrong) {
  const json::object* object = item.if_object();
  Button out;
  if (object != nullptr) {
    out.text = valid_utf8(text_in(*object, "text"));
    out.data = valid_utf8(text_in(*object, "callbackData"));
    out.style = text_in(*object, "style");
  }
  const std::string service(limits.service);
  if (out.text.empty() || out.data.empty()) {
    wrong = "a button needs \"text\" and \"callbackData\"";
  } else if (out.data.size() > limits.data_bytes) {
    wrong = "the callbackData of the button \"" + out.text + "\" has " +
            std::to_string(out.data.size()) + " bytes; " + service + " takes at most " +
            std::to_string(limits.data_bytes);
  } else if (utf16_length(out.text) > limits.text_units) {
    wrong = "the text of a button is longer than the " + std::to_string(limits.text_units) +
            " characters that " + service + " takes";
  } else {
    return out;
  }
  return std::nullopt;
}

}  // namespace

std::optional<ButtonRows> read_buttons(const json::object& message, const ButtonLimits& limits,
                                       std::string& wrong) {
  ButtonRows out;
  const json::array* rows = array_in(message, "buttons");
  if (rows == nullptr) return out;
  std::size_t count = 0;
  for (const json::value& row : *rows) {
    const json::array* buttons = row.if_array();
    if (buttons == nullptr || buttons->empty()) {
      wrong = "\"buttons\" must be rows of buttons: [[{\"text\",\"callbackData\"}]]";
      return std::nullopt;
    }
    count += buttons->size();
    if (out.size() >= limits.rows || buttons->size() > limits.in_a_row || count > limits.all) {
      wrong = std::string(limits.service) + " takes at most " + std::to_string(limits.rows) +
              " rows of " + std::to_string(limits.in_a_row) + " buttons, " +
              std::to_string(limits.all) + " in all";
      return std::nullopt;
    }
    out.emplace_back();
    for (const json::value& item : *buttons) {
      auto button = read_button(item, limits, wrong);
      if (!button) return std::nullopt;
      out.back().push_back(std::move(*button));
    }
  }
  return out;
}

}  // namespace parts
