#include "mount_map.h"

#include <string>

#include "spec_reader.h"

namespace openclaw::docker {

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
