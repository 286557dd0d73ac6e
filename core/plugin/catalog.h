// What lies in the plugin folders and whether it may be loaded: manifests, notes and trust, no
// plugin code. Blocking file access; no state of its own.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "plugin/elf_file.h"
#include "plugin/manifest.h"
#include "plugin/plugin_host.h"
#include "plugin/trust.h"
#include "result.h"

namespace openclaw::plugin {

struct Candidate {
  PluginInfo info;
  ManifestFile file;
  std::filesystem::path root;
  std::string folder;  // below root; empty when the root is the plugin itself
  bool bundled = false;
  ElfFacts facts;       // filled as far as the check came
};

// Reads one plugin folder. Never fails: what is wrong is in info.state and info.reason.
Candidate examine(const std::filesystem::path& root, const std::string& folder, bool bundled,
                  int host_minor);

// Every plugin of the options, bundled first; an id that comes twice is refused the second time,
// and what plugins.allow and plugins.deny say is in info.state.
std::vector<Candidate> scan_plugins(const HostOptions& options);

// The checks again, as close to loading as can be, and the digests of what was installed.
Result<TrustedFile> verify(const Candidate& candidate, const std::filesystem::path& state_dir);

}  // namespace openclaw::plugin
