#include "installation/installation.h"

#include <cstdlib>
#include <system_error>

namespace openclaw::installation {

namespace fs = std::filesystem;

std::string_view version() { return OPENCLAW_VERSION; }

std::vector<fs::path> bundled_plugin_dirs() {
  const char* wanted = std::getenv("OPENCLAW_BUNDLED_PLUGINS_DIR");  // NOLINT(concurrency-mt-unsafe)
  if (wanted && *wanted) return {fs::path(wanted)};
  std::error_code failed;
  auto executable = fs::read_symlink("/proc/self/exe", failed);
  if (failed) return {};
  auto bin = executable.parent_path();
  // <prefix>/bin/openclaw with <prefix>/<libdir>/openclaw/plugins, or <build>/bin/openclaw with <build>/plugins.
  for (const auto& candidate : {bin.parent_path() / OPENCLAW_LIBDIR / "openclaw" / "plugins",
                                bin.parent_path() / "plugins"}) {
    if (fs::is_directory(candidate, failed)) return {candidate};
  }
  return {};
}

plugin::HostOptions host_options(const config::Paths& paths, const config::Config* config) {
  plugin::HostOptions options;
  options.state_dir = paths.state_dir;
  options.bundled_dirs = bundled_plugin_dirs();
  options.plugin_dirs.push_back(paths.state_dir / "plugins");
  if (config) {
    for (const char* key : {"plugins.paths", "plugins.load.paths"}) {
      for (const auto& dir : config->get_strings(key)) options.plugin_dirs.emplace_back(dir);
    }
    options.allow = config->get_strings("plugins.allow");
    options.deny = config->get_strings("plugins.deny");
    options.only_bundled = !config->get_bool("plugins.enabled", true);
    const auto* entries = config->find("plugins.entries");
    for (const auto& [id, entry] : entries && entries->is_object() ? entries->get_object() : json::object()) {
      const auto* enabled = entry.is_object() ? entry.get_object().if_contains("enabled") : nullptr;
      if (enabled && enabled->is_bool() && !enabled->get_bool()) options.off.emplace_back(id);
    }
  }
  return options;
}

}  // namespace openclaw::installation
