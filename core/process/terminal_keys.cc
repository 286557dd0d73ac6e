#include "process/terminal_keys.h"

#include <array>
#include <cctype>
#include <utility>

namespace openclaw::process {

std::string key_sequence(std::string_view name) {
  static constexpr std::array<std::pair<std::string_view, std::string_view>, 18> kKeys = {{
      {"enter", "\r"},
      {"return", "\r"},
      {"tab", "\t"},
      {"escape", "\x1b"},
      {"esc", "\x1b"},
      {"space", " "},
      {"backspace", "\x7f"},
      {"bspace", "\x7f"},
      {"up", "\x1b[A"},
      {"down", "\x1b[B"},
      {"right", "\x1b[C"},
      {"left", "\x1b[D"},
      {"home", "\x1b[H"},
      {"end", "\x1b[F"},
      {"delete", "\x1b[3~"},
      {"pageup", "\x1b[5~"},
      {"pagedown", "\x1b[6~"},
      {"f1", "\x1bOP"},
  }};
  std::string lower;
  for (char c : name) lower += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  for (const auto& [key, bytes] : kKeys) {
    if (lower == key) return std::string(bytes);
  }
  bool control = lower.size() == 3 && (lower.starts_with("c-") || lower.starts_with("^-"));
  if (control && lower[2] >= 'a' && lower[2] <= 'z') {
    return std::string(1, static_cast<char>(lower[2] - 'a' + 1));
  }
  if (name.size() == 3 && lower.starts_with("m-")) return "\x1b" + std::string(name.substr(2));
  return std::string(name);
}

}  // namespace openclaw::process
