#include "sandbox/setup_check.h"

#include <algorithm>
#include <array>
#include <cctype>

#include "json_fields.h"
#include "sandbox/settings.h"

namespace openclaw::sandbox {

namespace {

bool installs_packages(std::string_view command) {
  static constexpr std::array<std::string_view, 9> kInstallers = {
      "apt-get", "apt", "apk", "dnf", "yum", "microdnf", "zypper", "pacman", "dpkg"};
  std::size_t at = 0;
  while (at < command.size()) {
    auto is_word = [](char c) {
      return std::isalnum(static_cast<unsigned char>(c)) || c == '-' || c == '_';
    };
    if (!is_word(command[at])) {
      ++at;
      continue;
    }
    std::size_t end = at;
    while (end < command.size() && is_word(command[end])) ++end;
    auto word = command.substr(at, end - at);
    if (std::find(kInstallers.begin(), kInstallers.end(), word) != kInstallers.end()) return true;
    at = end;
  }
  return false;
}

}  // namespace

std::string setup_problem(const json::object& spec) {
  std::string command = text_of(spec, "setupCommand");
  if (command.empty() || !installs_packages(command)) return {};
  std::string keys;
  auto blame = [&](const std::string& line) { keys += (keys.empty() ? "" : "; ") + line; };
  if (text_of(spec, "network") == "none") {
    blame("docker.network is \"none\" and the download needs egress (set it to \"bridge\")");
  }
  const json::value* read_only = spec.if_contains("readOnlyRoot");
  if (read_only && read_only->is_bool() && read_only->get_bool()) {
    blame("docker.readOnlyRoot is true and the installation writes to the root (set it to false)");
  }
  std::string user = text_of(spec, "setupUser");
  if (user != "0:0" && user != "0" && user != "root") {
    blame("docker.user is \"" + user +
          "\" and the package manager needs root (omit it or set \"0:0\")");
  }
  if (keys.empty()) return {};
  return "agents.defaults.sandbox.docker.setupCommand installs packages, which cannot work here: " +
         keys + ". Better: build an image with the packages and set docker.image";
}

Result<void> check_usable(const config::Config& config, const View& view) {
  auto issues = check_settings(*view.settings);
  if (!issues.empty()) {
    return make_error(Code::kFailedPrecondition,
                      "the sandbox was not created: " + issues.front().path + " (" +
                          config.origin(issues.front().path).text() + ") " +
                          issues.front().message);
  }
  std::string problem = setup_problem(view.spec);
  if (!problem.empty()) return make_error(Code::kFailedPrecondition, problem);
  return {};
}

}  // namespace openclaw::sandbox
