#include "mount_map.h"

#include <algorithm>
#include <filesystem>
#include <set>
#include <sstream>

#include "spec_reader.h"

namespace openclaw::docker {

namespace {

bool is_container_id(const std::string& text) {
  constexpr std::size_t kIdSize = 64;
  return text.size() == kIdSize && text.find_first_not_of("0123456789abcdef") == std::string::npos;
}

}  // namespace

std::string own_container(std::string_view mountinfo) {
  static const std::set<std::string> kOfTheEngine = {"/etc/hostname", "/etc/hosts",
                                                     "/etc/resolv.conf"};
  std::istringstream lines{std::string(mountinfo)};
  std::string line, number, parent, device, root, place;
  while (std::getline(lines, line)) {
    std::istringstream fields(line);
    if (!(fields >> number >> parent >> device >> root >> place) || !kOfTheEngine.contains(place))
      continue;
    std::string folder;  // ".../containers/ID/hosts", Podman: ".../overlay-containers/ID/..."
    for (const auto& part : std::filesystem::path(root)) {
      if (folder.ends_with("containers") && is_container_id(part.string())) return part.string();
      folder = part.string();
    }
  }
  return {};
}

Outcome<Nothing> mapped_sources(const json::array& own, json::array& mounts) {
  for (auto& item : mounts) {
    std::string source = text_of(item.as_object(), "Source");
    std::string best_target, best_source;
    for (const auto& entry : own) {
      const json::object* mount = entry.if_object();
      if (!mount) continue;
      std::string target = text_of(*mount, "Destination");
      bool inside = source == target || (source.starts_with(target) &&
                                         (target.ends_with('/') || source[target.size()] == '/'));
      if (!target.empty() && inside && target.size() > best_target.size()) {
        best_target = target;
        best_source = text_of(*mount, "Source");
      }
    }
    if (best_source.empty()) {
      return failure(
          OC_FAILED_PRECONDITION,
          source +
              " exists only inside the gateway's own container, so the engine cannot mount it into "
              "a "
              "sandbox. Mount it from the host (docker-compose.yml, volumes) and start again");
    }
    item.as_object()["Source"] = best_source + source.substr(best_target.size());
  }
  return Nothing{};
}

}  // namespace openclaw::docker
