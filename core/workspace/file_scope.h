// FileScope: which part of the file system one call of a file tool may reach, and under which
// names. Made for one call; blocking, for the blocking pool.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "result.h"
#include "sandbox/sandbox_manager.h"
#include "workspace/rooted_dir.h"

namespace openclaw::workspace {

enum class Access { kRead, kWrite };

// A path as its root knows it. `root` belongs to the scope.
struct Place {
  const RootedDir* root = nullptr;
  std::string path;   // relative to the root
  std::string shown;  // as the caller wrote it
};

class FileScope {
 public:
  // `whole_file_system`: absolute paths outside of the workspace are permitted; never in a sandbox.
  FileScope(sandbox::View view, bool whole_file_system)
      : view_(std::move(view)), whole_(whole_file_system && !view_.sandboxed) {}

  // Relative paths start at the session's folder. kPermissionDenied says which folder is the limit.
  Result<Place> locate(const std::string& path, Access access);

 private:
  Result<Place> in_sandbox(const std::string& path);
  Result<Place> on_host(const std::string& path);
  Result<const RootedDir*> root(const std::string& dir, std::string label, RootOptions options);

  sandbox::View view_;
  bool whole_;
  bool prepared_ = false;
  std::map<std::string, RootedDir> roots_;
};

}  // namespace openclaw::workspace
