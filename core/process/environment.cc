#include "process/environment.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>

namespace openclaw::process {

namespace {

constexpr std::array<std::string_view, 13> kInherited = {
    "PATH", "HOME", "USER",   "LOGNAME",      "SHELL",         "LANG",           "LANGUAGE",
    "TZ",   "TERM", "TMPDIR", "SSL_CERT_DIR", "SSL_CERT_FILE", "XDG_RUNTIME_DIR"};

constexpr std::array<std::string_view, 11> kRefusedPrefixes = {
    "LD_",  "DYLD_", "GIT_",      "NODE_",       "PYTHON", "PERL",
    "RUBY", "BASH_", "OPENCLAW_", "NPM_CONFIG_", "GLIBC_"};

constexpr std::array<std::string_view, 21> kRefused = {"PATH",          "HOME",
                                                       "SHELL",         "ENV",
                                                       "IFS",           "CDPATH",
                                                       "PS4",           "PROMPT_COMMAND",
                                                       "SHELLOPTS",     "JAVA_TOOL_OPTIONS",
                                                       "_JAVA_OPTIONS", "JDK_JAVA_OPTIONS",
                                                       "CLASSPATH",     "GCONV_PATH",
                                                       "MALLOC_CONF",   "EDITOR",
                                                       "VISUAL",        "PAGER",
                                                       "LESSOPEN",      "SSH_ASKPASS",
                                                       "OPENSSL_CONF"};

bool valid_name(std::string_view name) {
  if (name.empty() || std::isdigit(static_cast<unsigned char>(name.front()))) return false;
  return std::all_of(name.begin(), name.end(),
                     [](unsigned char c) { return std::isalnum(c) || c == '_'; });
}

}  // namespace

Variables host_environment() {
  Variables out;
  for (char** at = ::environ; at && *at; ++at) {
    std::string_view line = *at;
    auto equals = line.find('=');
    if (equals == std::string_view::npos) continue;
    auto name = line.substr(0, equals);
    bool listed = std::find(kInherited.begin(), kInherited.end(), name) != kInherited.end() ||
                  name.starts_with("LC_");
    if (listed) out.emplace_back(name, line.substr(equals + 1));
  }
  bool has_path =
      std::any_of(out.begin(), out.end(), [](const auto& v) { return v.first == "PATH"; });
  if (!has_path) out.emplace_back("PATH", "/usr/local/bin:/usr/bin:/bin");
  return out;
}

bool changes_program_behaviour(std::string_view name) {
  std::string upper;
  for (char c : name) upper += static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  for (auto prefix : kRefusedPrefixes) {
    if (upper.starts_with(prefix)) return true;
  }
  return std::find(kRefused.begin(), kRefused.end(), upper) != kRefused.end();
}

Result<void> check_variables(const Variables& variables, bool on_host) {
  for (const auto& [name, value] : variables) {
    if (!valid_name(name) || value.find('\0') != std::string::npos) {
      return make_error(Code::kInvalidArgument,
                        "env: \"" + name + "\" is not a name and value that a process can have");
    }
    if (on_host && changes_program_behaviour(name)) {
      return make_error(
          Code::kInvalidArgument,
          "env: " + name +
              " changes which code programs run and cannot be set for commands on the host; "
              "write it in the command itself if it is meant");
    }
  }
  return {};
}

}  // namespace openclaw::process
