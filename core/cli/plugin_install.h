// plugins install and uninstall: brings a plugin's two files into <state>/plugins/<id>, writes down
// their digests and names the plugin in plugins.allow. Runs no plugin code. Blocks.
#pragma once

#include <filesystem>
#include <string>

#include "config/config.h"
#include "result.h"

namespace openclaw::cli {

struct InstallSource {
  std::filesystem::path folder;  // of library and manifest
  std::string id, version, library;
  std::string library_sha256, manifest_sha256;
  json::object manifest;
};

// `given` is the folder, the library or the manifest. Refuses what could not be loaded, but for its
// owner and mode: the copy gets its own.
Result<InstallSource> read_install_source(const std::filesystem::path& given);

// Where it now lies. A plugin that lies below the state directory or in a folder of plugins.paths
// is recorded where it is.
Result<std::filesystem::path> install_plugin(const config::Paths& paths,
                                             const config::Snapshot& config,
                                             const InstallSource& source);
// Adds the id to plugins.allow. False: it was there.
Result<bool> allow_plugin(const config::Paths& paths, const config::Config& config,
                          const std::string& id);
// Takes the files, the record and the entry of plugins.allow away.
Result<void> uninstall_plugin(const config::Paths& paths, const config::Config& config,
                              const std::string& id);

}  // namespace openclaw::cli
