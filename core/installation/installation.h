// Where this program's own files are: bundled plugins and data beside the executable, in a build tree or
// under an install prefix. OPENCLAW_BUNDLED_PLUGINS_DIR overrides the former.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "config/config.h"
#include "plugin/plugin_host.h"

namespace openclaw::installation {

std::string_view version();  // "0.1.0"
std::vector<std::filesystem::path> bundled_plugin_dirs();
// Everything PluginHost needs, from the state directory and (when given) the configuration's plugins section.
plugin::HostOptions host_options(const config::Paths& paths, const config::Config* config);

}  // namespace openclaw::installation
