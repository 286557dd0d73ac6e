#include "logging/redactor.h"

#include <algorithm>
#include <array>
#include <cstddef>

namespace openclaw::logging {
namespace {

constexpr std::size_t kMinSecret = 6;
constexpr std::size_t kMaxSecrets = 4096;
constexpr std::string_view kMask = "***";

bool is_token_char(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '_' || c == '.' || c == '~' || c == '+' || c == '/' || c == '=';
}

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

bool same_word(std::string_view text, std::size_t at, std::string_view word) {
  if (text.size() - at < word.size()) return false;
  for (std::size_t i = 0; i < word.size(); ++i) {
    if (lower(text[at + i]) != word[i]) return false;
  }
  return true;
}

std::size_t token_end(std::string_view text, std::size_t at) {
  while (at < text.size() && is_token_char(text[at])) ++at;
  return at;
}

// Where a secret value begins that the word at `at` announces, or npos. What lies between is kept.
std::size_t announced(std::string_view text, std::size_t at) {
  static constexpr std::array<std::string_view, 7> kFields = {
      "token", "password", "secret", "apikey", "api_key", "api-key", "passphrase"};
  if (same_word(text, at, "bearer ")) return at + 7;
  if (same_word(text, at, "basic ")) return at + 6;
  for (auto field : kFields) {
    if (!same_word(text, at, field)) continue;
    auto i = at + field.size();
    if (i < text.size() && (text[i] == '"' || text[i] == '\'')) ++i;
    while (i < text.size() && text[i] == ' ') ++i;
    if (i >= text.size() || (text[i] != '=' && text[i] != ':')) continue;
    ++i;
    while (i < text.size() && (text[i] == ' ' || text[i] == '"' || text[i] == '\'')) ++i;
    return i;
  }
  return std::string_view::npos;
}

// The end of a bot token "<6 or more digits>:<20 or more characters>" at `at`, or npos.
std::size_t bot_token(std::string_view text, std::size_t at) {
  auto i = at;
  while (i < text.size() && is_digit(text[i])) ++i;
  if (i - at < 6 || i >= text.size() || text[i] != ':') return std::string_view::npos;
  auto end = i + 1;
  while (end < text.size() && is_token_char(text[end]) && text[end] != '/' && text[end] != '.')
    ++end;
  return end - i > 20 ? end : std::string_view::npos;
}

std::string redact_patterns(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  std::size_t i = 0;
  bool in_word = false;  // the character before belongs to the same word
  while (i < text.size()) {
    if (!in_word && is_digit(text[i])) {
      if (auto end = bot_token(text, i); end != std::string_view::npos) {
        out += kMask;
        i = end;
        in_word = true;
        continue;
      }
    }
    if (same_word(text, i, "/bot") && i + 4 < text.size() && is_digit(text[i + 4])) {
      if (auto end = bot_token(text, i + 4); end != std::string_view::npos) {
        out.append(text.substr(i, 4)).append(kMask);
        i = end;
        continue;
      }
    }
    if (!in_word && same_word(text, i, "sk-")) {
      auto end = token_end(text, i);
      if (end - i >= 16) {
        out.append("sk-").append(kMask);
        i = end;
        continue;
      }
    }
    if (auto begin = announced(text, i); begin != std::string_view::npos) {
      auto end = token_end(text, begin);
      if (end - begin >= kMinSecret) {
        out.append(text.substr(i, begin - i)).append(kMask);
        i = end;
        continue;
      }
    }
    in_word = is_digit(text[i]) || (lower(text[i]) >= 'a' && lower(text[i]) <= 'z');
    out += text[i++];
  }
  return out;
}

void replace_all(std::string& text, const std::string& secret) {
  for (auto at = text.find(secret); at != std::string::npos;
       at = text.find(secret, at + kMask.size())) {
    text.replace(at, secret.size(), kMask);
  }
}

}  // namespace

void Redactor::add_secret(std::string_view value) {
  if (value.size() < kMinSecret) return;
  std::lock_guard lock(mutex_);
  if (std::find(secrets_.begin(), secrets_.end(), value) != secrets_.end()) return;
  if (secrets_.size() >= kMaxSecrets) secrets_.erase(secrets_.begin());
  auto place = std::find_if(secrets_.begin(), secrets_.end(),
                            [&](const std::string& s) { return s.size() < value.size(); });
  secrets_.insert(place, std::string(value));
}

std::string Redactor::redact(std::string_view text) const {
  std::string out(text);
  {
    std::lock_guard lock(mutex_);
    for (const auto& secret : secrets_) replace_all(out, secret);
  }
  return redact_patterns(out);
}

}  // namespace openclaw::logging
