// Who may read and change what the gateway keeps on disk. Blocking file access.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "config/config.h"
#include "result.h"

namespace openclaw::cli {

struct PathProblem {
  enum class Kind { kForeignOwner, kOthersWrite, kOthersRead } kind = Kind::kOthersRead;
  std::filesystem::path path;
  std::string what;    // "the configuration", "credentials"
  std::string detail;  // "mode 0644: group or others may read it"
  std::string fix;     // command to type
  bool is_folder = false;
};

// The state directory, the configuration, and everything below that holds secrets or what people
// wrote. Paths that are not there are fine.
std::vector<PathProblem> check_private_paths(const config::Paths& paths);
// Takes the rights of group and others away. Not for kForeignOwner.
Result<void> make_private(const PathProblem& problem);
// Folders that plugins are loaded from and that others can change.
std::vector<PathProblem> check_plugin_folders(const std::vector<std::filesystem::path>& folders);

struct DiskSpace {
  std::uint64_t free_bytes = 0, free_inodes = 0;
  bool counts_inodes = false;
};
Result<DiskSpace> disk_space(const std::filesystem::path& folder);

}  // namespace openclaw::cli
