#include "cli/secret_flags.h"

#include <algorithm>
#include <cctype>

#include <CLI/CLI.hpp>

#include "cli/prompt.h"

namespace openclaw::cli {
namespace {

constexpr std::size_t kLongestName = 40;

// "signingSecret" -> "--signing-secret"; empty for a key that makes no flag.
std::string flag_of(std::string_view key) {
  std::string flag = "--";
  for (char c : key.substr(0, kLongestName + 1)) {
    auto u = static_cast<unsigned char>(c);
    if (std::isupper(u) != 0) flag += '-';
    flag += c == '_' ? '-' : static_cast<char>(std::tolower(u));
  }
  const bool plain = !key.empty() && key.size() <= kLongestName && std::isalpha(static_cast<unsigned char>(key[0])) != 0 &&
                     flag.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-") == std::string::npos;
  return plain ? flag : std::string();
}

}  // namespace

std::string secret_flag(const ChannelKind& kind, const std::string& key) {
  return kind.traits.secrets.front().key == key ? "--token" : flag_of(key);
}

void add_secret_flags(CLI::App& command, const std::vector<ChannelKind>& kinds, SecretFlags& flags) {
  std::map<std::string, std::string> wanted;  // flag -> what it is
  for (const auto& kind : kinds) {
    for (const auto& source : kind.traits.secrets) {
      auto flag = flag_of(source.key);
      if (flag.empty() || command.get_option_no_throw(flag) != nullptr) continue;
      auto& text = wanted[flag];
      text += (text.empty() ? "" : "; ") + kind.traits.label + ": " + source.prompt;
    }
  }
  for (const auto& [flag, text] : wanted) command.add_option(flag, flags[flag], text);
}

Result<void> take_secret_flags(const SecretFlags& flags, const ChannelKind& kind, AccountSetup& setup) {
  const auto& secrets = kind.traits.secrets;
  for (const auto& [flag, given] : flags) {
    if (given.empty()) continue;
    auto found = std::find_if(secrets.begin(), secrets.end(), [&flag = flag](const auto& source) {
      return flag_of(source.key) == flag;
    });
    if (flag == "--token") found = secrets.begin();
    if (found == secrets.end()) return Error(Code::kInvalidArgument, kind.traits.label + " has no use for " + flag);
    auto text = given == "-" ? line_of_stdin() : Result<std::string>(given);
    if (text.has_error()) return text.error();
    if (!is_plain_secret(*text)) return Error(Code::kInvalidArgument, flag + " holds blanks or is too long");
    setup.secrets.emplace_back(found->key, std::move(*text));
  }
  return {};
}

}  // namespace openclaw::cli
