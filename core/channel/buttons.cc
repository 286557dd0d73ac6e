#include "channel/buttons.h"

#include <algorithm>
#include <array>
#include <utility>

namespace openclaw::channel {
namespace {

constexpr std::size_t kMostButtons = 100;
constexpr std::size_t kMostLabelBytes = 512;
constexpr std::size_t kMostDataBytes = 512;
constexpr std::array<std::string_view, 4> kStyles{"primary", "secondary", "success", "danger"};
constexpr std::array<std::pair<std::string_view, ButtonScope>, 5> kScopes{
    {{"off", ButtonScope::kOff},
     {"dm", ButtonScope::kDirect},
     {"group", ButtonScope::kGroup},
     {"all", ButtonScope::kAll},
     {"allowlist", ButtonScope::kAllowlist}}};

constexpr const char* kShape =
    R"(buttons are rows of buttons: [[{"text":"Yes","callback_data":"yes"}]])";

Error wrong(const std::string& what) {
  return make_error(Code::kInvalidArgument, what + "; " + kShape);
}

Result<json::object> button_from(const json::value& given) {
  const json::object* button = given.if_object();
  if (button == nullptr) return wrong("a button is not an object");
  for (const auto& member : *button) {
    const std::string_view key = member.key();
    const bool known =
        key == "text" || key == "callback_data" || key == "callbackData" || key == "style";
    if (!known) return wrong("a button has the unknown key \"" + std::string(key) + "\"");
  }
  const std::string text = string_or(*button, "text", "");
  const std::string data =
      string_or(*button, "callback_data", string_or(*button, "callbackData", ""));
  const std::string style = string_or(*button, "style", "");
  if (text.empty() || text.size() > kMostLabelBytes)
    return wrong("the text of a button has 1 to 512 bytes");
  if (data.empty() || data.size() > kMostDataBytes)
    return wrong("the button \"" + text + "\" needs callback_data of 1 to 512 bytes");
  json::object out{{"text", text}, {"callbackData", data}};
  if (style.empty()) return out;
  if (std::find(kStyles.begin(), kStyles.end(), style) == kStyles.end())
    return wrong("the style of a button is primary, secondary, success or danger");
  out["style"] = style;
  return out;
}

}  // namespace

ButtonScope button_scope(const json::object& account_config) {
  const json::value* capabilities = account_config.if_contains("capabilities");
  if (capabilities == nullptr) return ButtonScope::kAllowlist;
  if (const json::array* names = capabilities->if_array()) {
    const bool named = std::any_of(names->begin(), names->end(), [](const json::value& name) {
      return name.is_string() && name.get_string() == "inlineButtons";
    });
    return named ? ButtonScope::kAll : ButtonScope::kOff;
  }
  const json::object* table = capabilities->if_object();
  if (table == nullptr || !table->contains("inlineButtons")) return ButtonScope::kAllowlist;
  const std::string name = string_or(*table, "inlineButtons", "");
  const auto found = std::find_if(kScopes.begin(), kScopes.end(),
                                  [&](const auto& scope) { return scope.first == name; });
  // A word that nobody knows opens nothing.
  return found == kScopes.end() ? ButtonScope::kOff : found->second;
}

Result<json::array> buttons_from(const json::value& rows) {
  const json::array* list = rows.if_array();
  if (list == nullptr) return wrong("buttons must be a list");
  json::array out;
  std::size_t count = 0;
  for (const json::value& row : *list) {
    const json::array* buttons = row.if_array();
    if (buttons == nullptr || buttons->empty())
      return wrong("a row of buttons is no list, or empty");
    json::array checked;
    for (const json::value& each : *buttons) {
      if (++count > kMostButtons) return wrong("a message has at most 100 buttons");
      auto button = button_from(each);
      if (button.has_error()) return button.error();
      checked.emplace_back(std::move(button.value()));
    }
    out.emplace_back(std::move(checked));
  }
  return out;
}

std::string refused_press(ButtonScope scope, std::string_view chat_type, const Access& access) {
  const bool direct = chat_type == "direct";
  switch (scope) {
    case ButtonScope::kOff:
      return "capabilities.inlineButtons is \"off\"";
    case ButtonScope::kDirect:
      return direct ? "" : "capabilities.inlineButtons is \"dm\", and this is a group";
    case ButtonScope::kGroup:
      return direct ? "capabilities.inlineButtons is \"group\", and this is no group" : "";
    case ButtonScope::kAllowlist:
      return access.may_command
                 ? ""
                 : "capabilities.inlineButtons is \"allowlist\" and the sender is not listed";
    case ButtonScope::kAll:
      break;
  }
  return {};
}

}  // namespace openclaw::channel
