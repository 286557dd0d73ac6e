#include "config/redaction.h"

#include <algorithm>
#include <array>
#include <cctype>

#include "config/config.h"
#include "config/key_path.h"

namespace openclaw::config {

namespace {

std::string folded_key(std::string_view key) {
  std::string out;
  for (char c : key) {
    if (std::isalnum(static_cast<unsigned char>(c)) != 0) {
      out += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    }
  }
  return out;
}

bool ends_with(std::string_view text, std::string_view tail) {
  return text.size() >= tail.size() && text.substr(text.size() - tail.size()) == tail;
}

// "https://user:password@host": the whole text is hidden, for a part of it could be guessed from
// the rest.
bool has_credentials(std::string_view text) {
  std::size_t scheme = text.find("://");
  if (scheme == std::string_view::npos) return false;
  std::string_view rest = text.substr(scheme + 3);
  std::string_view authority = rest.substr(0, rest.find_first_of("/?#"));
  std::size_t at = authority.rfind('@');
  return at != std::string_view::npos &&
         authority.substr(0, at).find(':') != std::string_view::npos;
}

// A reference names a secret and is none.
bool is_reference(const json::object& object) {
  return object.contains("$secret") || (object.contains("source") && object.contains("id"));
}

void hide_all(json::value& value) {
  if (json::object* object = value.if_object()) {
    if (is_reference(*object)) return;
    for (auto& entry : *object) hide_all(entry.value());
  } else if (json::array* array = value.if_array()) {
    for (json::value& entry : *array) hide_all(entry);
  } else if (const json::string* text = value.if_string()) {
    if (!text->empty()) value = kRedacted;
  } else if (value.is_number()) {
    value = kRedacted;
  }
}

void redact_object(json::object& object, bool headers) {
  for (auto& entry : object) {
    std::string_view key = entry.key();
    json::value& value = entry.value();
    if (headers || is_secret_key(key)) {
      hide_all(value);
    } else if (json::object* inner = value.if_object()) {
      redact_object(*inner, key == "headers");
    } else if (json::array* list = value.if_array()) {
      for (json::value& item : *list) {
        if (json::object* each = item.if_object()) redact_object(*each, false);
        if (item.is_string() && has_credentials(item.get_string())) item = kRedacted;
      }
    } else if (const json::string* text = value.if_string(); text && has_credentials(*text)) {
      value = kRedacted;
    }
  }
}

}  // namespace

bool is_secret_key(std::string_view key) {
  std::string word = folded_key(key);
  static constexpr std::array<std::string_view, 7> kPlain = {
      "tokens", "file", "path", "field", "secrets", "passwords", "dir"};
  for (std::string_view tail : kPlain) {
    if (ends_with(word, tail)) return false;
  }
  static constexpr std::array<std::string_view, 12> kTails = {
      "token",      "password",  "passwd",    "passphrase",  "secret",     "apikey",
      "privatekey", "secretkey", "accesskey", "credentials", "credential", "signingkey"};
  return std::any_of(kTails.begin(), kTails.end(),
                     [&](std::string_view tail) { return ends_with(word, tail); });
}

bool is_secret_path(std::string_view dotted_path) {
  if (dotted_path.empty()) return false;
  auto path = parse_key_path(dotted_path);
  if (!path) return true;
  for (auto step = path->rbegin(); step != path->rend(); ++step) {
    if (step->index) continue;
    if (is_secret_key(step->key)) return true;
    auto above = step + 1;
    return above != path->rend() && above->key == "headers";
  }
  return false;
}

json::object redacted(const json::object& config) {
  json::object copy = config;
  redact_object(copy, false);
  return copy;
}

}  // namespace openclaw::config
