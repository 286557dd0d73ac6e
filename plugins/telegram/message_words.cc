#include "message_words.h"

#include <array>
#include <cstdio>

#include "json_fields.h"
#include "utf16.h"

namespace telegram {
namespace {

namespace json = boost::json;

constexpr std::size_t kMostUnits = 200;  // of one name or title
constexpr std::size_t kMostOptions = 12;

std::string short_text(const json::object& in, std::string_view key) {
  const std::string_view text = parts::text_in(in, key);
  return std::string(text.substr(0, parts::byte_offset(text, kMostUnits)));
}

std::string full_name(const json::object& person) {
  std::string name = short_text(person, "first_name");
  const std::string last = short_text(person, "last_name");
  if (!last.empty()) name += (name.empty() ? "" : " ") + last;
  return name;
}

// "52.520008", as exact as the service is; empty when it is no number.
std::string degrees(const json::object& in, std::string_view key) {
  boost::system::error_code no_number;
  const json::value* value = in.if_contains(key);
  const double number = value == nullptr ? 0 : value->to_number<double>(no_number);
  if (value == nullptr || no_number) return {};
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), "%.6f", number);
  return text.data();
}

std::string words_of_place(const json::object& message) {
  const json::object* venue = parts::object_in(message, "venue");
  const json::object* location = parts::object_in(message, "location");
  if (location == nullptr && venue != nullptr) location = parts::object_in(*venue, "location");
  if (location == nullptr) return {};
  const std::string latitude = degrees(*location, "latitude");
  const std::string longitude = degrees(*location, "longitude");
  if (latitude.empty() || longitude.empty()) return {};
  std::string out = location->contains("live_period") ? "[live location " : "[location ";
  out += latitude + ", " + longitude;
  if (venue == nullptr) return out + "]";
  for (const char* key : {"title", "address"}) {
    if (const std::string text = short_text(*venue, key); !text.empty()) out += ", " + text;
  }
  return out + "]";
}

std::string words_of_poll(const json::object& poll) {
  std::string out = "[poll \"" + short_text(poll, "question") + "\"";
  const json::array* options = parts::array_in(poll, "options");
  std::size_t count = 0;
  for (const json::value& item : options != nullptr ? *options : json::array()) {
    if (!item.is_object() || count >= kMostOptions) continue;
    out += (count++ == 0 ? ": " : " / ") + short_text(item.get_object(), "text");
  }
  return out + "]";
}

}  // namespace

std::string words_of(const json::object& message) {
  if (std::string place = words_of_place(message); !place.empty()) return place;
  if (const json::object* contact = parts::object_in(message, "contact")) {
    const std::string name = full_name(*contact), phone = short_text(*contact, "phone_number");
    return "[contact " + name + (name.empty() || phone.empty() ? "" : ", ") + phone + "]";
  }
  if (const json::object* poll = parts::object_in(message, "poll")) return words_of_poll(*poll);
  if (const json::object* dice = parts::object_in(message, "dice"))
    return "[" + short_text(*dice, "emoji") + " shows " +
           std::to_string(parts::int_in(*dice, "value", 0)) + "]";
  return {};
}

std::string name_of_origin(const json::object& origin) {
  if (const json::object* user = parts::object_in(origin, "sender_user")) return full_name(*user);
  for (const char* key : {"sender_chat", "chat"}) {
    if (const json::object* chat = parts::object_in(origin, key)) return short_text(*chat, "title");
  }
  return short_text(origin, "sender_user_name");
}

}  // namespace telegram
