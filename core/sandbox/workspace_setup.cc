#include "sandbox/workspace_setup.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstring>
#include <filesystem>
#include <optional>
#include <system_error>

#include "sandbox/settings.h"
#include "storage/atomic_file.h"

namespace openclaw::sandbox {

namespace fs = std::filesystem;

namespace {

Result<void> make_folder(const fs::path& folder) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) {
    return make_error(Code::kFailedPrecondition,
                      "cannot make the workspace " + folder.string() + ": " + error.message());
  }
  return {};
}

}  // namespace

std::optional<SandboxUser> sandbox_user(const View& view) {
  const json::value* value = view.spec.if_contains("user");
  if (value == nullptr || !value->is_string()) return std::nullopt;
  const std::string_view text(value->get_string());
  const char* last = text.data() + text.size();
  SandboxUser ids;
  auto [end, failure] = std::from_chars(text.data(), last, ids.user);
  if (failure != std::errc()) return std::nullopt;
  ids.group = ids.user;
  if (end == last) return ids;
  auto [rest, bad] = std::from_chars(end + 1, last, ids.group);
  if (*end != ':' || bad != std::errc() || rest != last) return std::nullopt;
  return ids;
}

Result<void> prepare_workspace(const View& view) {
  std::error_code unknown;  // the folder's own making tells it
  bool is_new = !fs::exists(view.host_workspace, unknown);
  if (view.workspace_access != "rw") {
    // Parents hold the workspaces of other sessions; only the engine needs to see this one.
    auto root = storage::make_private_dir(view.host_workspace.parent_path());
    if (root.has_error()) return root;
  }
  if (auto made = make_folder(view.host_workspace); made.has_error()) return made;
  if (view.workspace_access == "ro") {
    if (auto made = make_folder(view.agent_workspace); made.has_error()) return made;
  }
  auto ids = sandbox_user(view);
  if (!ids || view.spec.at("userFromOwner").as_bool()) return {};
  if (is_new && ::geteuid() == 0) {
    if (::chown(view.host_workspace.c_str(), ids->user, ids->group) != 0) {
      return Error(Code::kPermissionDenied, "cannot give " + view.host_workspace.string() +
                                                " to user " + std::to_string(ids->user) + ": " +
                                                std::strerror(errno));
    }
  }
  auto mismatch = owner_mismatch(view);
  if (!mismatch) return {};
  return make_error(Code::kFailedPrecondition, mismatch->detail + ". Type: " + mismatch->fix);
}

std::optional<Finding> owner_mismatch(const View& view) {
  auto ids = sandbox_user(view);
  if (!ids || view.spec.at("userFromOwner").as_bool()) return std::nullopt;
  struct stat info {};
  if (::stat(view.host_workspace.c_str(), &info) != 0) return std::nullopt;
  bool writable = (info.st_uid == ids->user && (info.st_mode & S_IWUSR)) ||
                  (info.st_gid == ids->group && (info.st_mode & S_IWGRP)) ||
                  (info.st_mode & S_IWOTH);
  if (writable) return std::nullopt;
  std::string owner = std::to_string(info.st_uid) + ":" + std::to_string(info.st_gid);
  return Finding{false,
                 "the sandbox would run as " + std::string(view.spec.at("user").get_string()) +
                     ", but the workspace " + view.host_workspace.string() + " belongs to " +
                     owner + " and it could not write there: give it the folder, or take its owner",
                 "openclaw config set " + view.settings->at("docker.user").source + " " + owner};
}

}  // namespace openclaw::sandbox
