#include "cli/onboard.h"
#include "program/offline.h"
#include "session/session_key.h"

namespace openclaw::cli {
namespace {

// The settings as they would be with sandboxes on.
config::Snapshot with_sandboxes(const config::Config& config) {
  json::object root = config.root();
  json::value* place = &root["agents"];
  for (const char* key : {"defaults", "sandbox"}) {
    if (!place->is_object()) *place = json::object();
    place = &place->get_object()[key];
  }
  if (!place->is_object()) *place = json::object();
  place->get_object()["mode"] = "all";
  return config::from_json(std::move(root));
}

std::string trouble_in(const Result<std::vector<sandbox::Finding>>& found) {
  if (found.has_error()) return found.error().message;
  for (const auto& finding : *found) {
    if (!finding.ok) return finding.detail + (finding.fix.empty() ? "" : ". Type: " + finding.fix);
  }
  return {};
}

}  // namespace

std::vector<BackendChoice> look_at_backends(const config::Paths& paths, const config::Config& config,
                                            const std::vector<plugin::PluginInfo>& plugins) {
  std::vector<BackendChoice> out;
  auto sandboxed = with_sandboxes(config);
  const auto agent = session::default_agent(*sandboxed);
  auto view = sandbox::resolve_view(*sandboxed, paths, agent, "agent:" + agent + ":probe");
  const gateway::Offline offline{paths, sandboxed, std::chrono::seconds(10)};
  for (const auto& info : plugins) {
    if (!info.usable) continue;
    for (const auto& name : info.manifest.backends) {
      view.backend = name;
      out.push_back({name, info.manifest.description, trouble_in(probe_sandbox(offline, view))});
    }
  }
  return out;
}

}  // namespace openclaw::cli
