#include "workspace/file_scope.h"

#include <filesystem>
#include <optional>
#include <system_error>
#include <utility>

#include "sandbox/workspace_setup.h"

namespace openclaw::workspace {
namespace {

// The part of `path` below `dir`; nothing when it is elsewhere. Both absolute, `path` as written.
std::optional<std::string> below(const std::string& path, std::string dir) {
  while (dir.size() > 1 && dir.back() == '/') dir.pop_back();
  if (path.compare(0, dir.size(), dir) != 0) return std::nullopt;
  if (path.size() == dir.size()) return ".";
  if (path[dir.size()] != '/') return std::nullopt;
  return path.substr(dir.size() + 1);
}

}  // namespace

Result<const RootedDir*> FileScope::root(const std::string& dir, std::string label,
                                         RootOptions options) {
  auto found = roots_.find(dir);
  if (found != roots_.end()) return &found->second;
  auto opened = RootedDir::open(dir, std::move(label), options);
  if (!opened) return opened.error();
  return &roots_.emplace(dir, std::move(*opened)).first->second;
}

Result<Place> FileScope::in_sandbox(const std::string& path) {
  if (!prepared_) {
    auto ready = sandbox::prepare_workspace(view_);
    if (!ready) return ready.error();
    prepared_ = true;
  }
  Place place;
  place.shown = path;
  std::optional<std::string> inside = path[0] == '/' ? below(path, view_.workdir) : path;
  if (!inside && view_.workspace_access == "ro") {
    if (auto agent = below(path, "/agent")) {
      RootOptions options;
      options.read_only = true;
      auto opened = root(view_.agent_workspace.string(), "/agent", options);
      if (!opened) return opened.error();
      place.root = *opened;
      place.path = *agent;
      return place;
    }
  }
  if (!inside) {
    return Error(Code::kPermissionDenied,
                 path + " is outside of the sandbox: file tools reach " + view_.workdir +
                     (view_.workspace_access == "ro" ? " and, for reading, /agent" : "") +
                     ". Use a path relative to it.");
  }
  auto opened = root(view_.host_workspace.string(), view_.workdir, {});
  if (!opened) return opened.error();
  place.root = *opened;
  place.path = *inside;
  return place;
}

Result<Place> FileScope::on_host(const std::string& path) {
  const std::string workspace = view_.host_workspace.string();
  if (!prepared_) {
    std::error_code failed;
    std::filesystem::create_directories(view_.host_workspace, failed);
    if (failed) {
      return Error(Code::kFailedPrecondition,
                   "cannot make the workspace " + workspace + ": " + failed.message());
    }
    prepared_ = true;
  }
  Place place;
  place.shown = path;
  std::optional<std::string> inside = path[0] == '/' ? below(path, workspace) : path;
  // "../x" of the owner is an absolute path in other words.
  if (inside && whole_ && !clean_relative(*inside)) {
    inside.reset();
    place.path = (view_.host_workspace / path).lexically_normal().string();
  }
  if (inside) {
    auto opened = root(workspace, "the workspace " + workspace, {});
    if (!opened) return opened.error();
    place.root = *opened;
    place.path = *inside;
    return place;
  }
  if (!whole_) {
    return Error(Code::kPermissionDenied, path + " is outside of the workspace " + workspace +
                                              ". Use a path inside it; the owner may lift the "
                                              "limit with tools.fs.workspaceOnly = false.");
  }
  RootOptions options;
  options.whole_file_system = true;
  options.give_to_owner = false;
  auto opened = root("/", "/", options);
  if (!opened) return opened.error();
  place.root = *opened;
  if (place.path.empty()) place.path = path;
  return place;
}

Result<Place> FileScope::locate(const std::string& path, Access access) {
  if (path.empty()) return Error(Code::kInvalidArgument, "the path is empty");
  if (path == "~" || path.compare(0, 2, "~/") == 0) {
    return Error(Code::kInvalidArgument, path + ": write the folder's name instead of \"~\"");
  }
  if (access == Access::kWrite && view_.sandboxed && view_.read_only_files) {
    return Error(Code::kPermissionDenied,
                 "write, edit and apply_patch are off in this session: "
                 "agents.defaults.sandbox.workspaceAccess is "
                 "\"ro\". Set it to \"rw\" or \"none\" to write.");
  }
  auto place = view_.sandboxed ? in_sandbox(path) : on_host(path);
  if (!place) return place;
  auto clean = clean_relative(place->path);
  if (!clean) {
    return Error(clean.error().code,
                 path + ": " + clean.error().message + " of " + place->root->label());
  }
  place->path = std::move(*clean);
  return place;
}

}  // namespace openclaw::workspace
