// Which host folders may be mounted into a sandbox. Paths are compared by what they are (device and
// inode of the path and of its parents), not by how they are written, so links, ".." and bind
// mounts are no detour.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "rule_outcome.h"

namespace openclaw::sandbox_rules {

struct BindRules {
  std::vector<std::filesystem::path> blocked;  // no source inside, none that contains one
  std::vector<std::filesystem::path>
      protected_dirs;  // the gateway's state: like blocked, but for bind_roots
  std::vector<std::filesystem::path>
      bind_roots;               // workspaces: sources inside need no break-glass key
  bool allow_external = false;  // docker.dangerouslyAllowExternalBindSources
};

// The folders no sandbox gets to see; the engine's socket is added by the caller.
std::vector<std::filesystem::path> default_blocked();

// Answers the real path to mount. `kind` is "workspace", "agent" or "bind". Workspaces may lie
// below /root, where a gateway of root keeps them; nothing else differs.
Outcome<std::filesystem::path> checked_source(const std::string& source, const std::string& kind,
                                              const BindRules& rules);

}  // namespace openclaw::sandbox_rules
