#include "cli/disk_checks.h"

#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <system_error>

namespace openclaw::cli {

namespace fs = std::filesystem;

namespace {

constexpr std::size_t kMaxEntries = 2000;  // per folder

std::string octal(mode_t mode) {
  char text[16];
  std::snprintf(text, sizeof text, "%04o", static_cast<unsigned>(mode & 07777));
  return text;
}

std::string quoted(const fs::path& path) {
  std::string out = "'";
  for (char c : path.string()) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return out + "'";
}

void look_at(const fs::path& path, const std::string& what, std::vector<PathProblem>& out) {
  struct stat info {};
  if (stat(path.c_str(), &info) != 0) return;
  PathProblem problem;
  problem.path = path;
  problem.what = what;
  problem.is_folder = S_ISDIR(info.st_mode);
  if (info.st_uid != geteuid() && geteuid() != 0) {
    problem.kind = PathProblem::Kind::kForeignOwner;
    problem.detail = "it belongs to uid " + std::to_string(info.st_uid) + ", this is uid " +
                     std::to_string(geteuid());
    problem.fix = "sudo chown " + std::to_string(geteuid()) + ":" + std::to_string(getegid()) +
                  " " + quoted(path);
    out.push_back(std::move(problem));
    return;
  }
  if ((info.st_mode & 077) == 0) return;
  bool writable = (info.st_mode & 022) != 0;
  problem.kind = writable ? PathProblem::Kind::kOthersWrite : PathProblem::Kind::kOthersRead;
  problem.detail = "mode " + octal(info.st_mode) + ": " +
                   ((info.st_mode & 07) != 0 ? "everybody" : "its group") + " may " +
                   (writable ? "change" : "read") + " it";
  problem.fix = "chmod " + std::string(problem.is_folder ? "700 " : "600 ") + quoted(path);
  out.push_back(std::move(problem));
}

void look_below(const fs::path& folder, const std::string& what, std::vector<PathProblem>& out) {
  look_at(folder, what, out);
  std::error_code failed;
  std::size_t seen = 0;
  for (fs::directory_iterator at(folder, failed), end; !failed && at != end && seen < kMaxEntries;
       at.increment(failed), ++seen) {
    std::error_code ignored;
    if (at->is_regular_file(ignored)) look_at(at->path(), what, out);
  }
}

}  // namespace

std::vector<PathProblem> check_private_paths(const config::Paths& paths) {
  std::vector<PathProblem> out;
  const auto& state = paths.state_dir;
  look_at(state, "the state directory", out);
  look_at(paths.config_file, "the configuration", out);
  look_at(state / "secrets.json", "stored secrets", out);
  look_below(state / "credentials", "credentials", out);
  look_below(state / "identity", "the device key", out);
  look_below(state / "devices", "tokens of devices", out);
  look_at(state / "channels.db", "messages under way", out);
  look_at(state / "kv.db", "data of plugins", out);
  look_below(state / "logs", "logs", out);
  std::error_code failed;
  std::size_t seen = 0;
  for (fs::directory_iterator at(state / "agents", failed), end;
       !failed && at != end && seen < kMaxEntries; at.increment(failed), ++seen) {
    look_below(at->path() / "sessions", "conversations", out);
  }
  return out;
}

Result<void> make_private(const PathProblem& problem) {
  if (problem.kind == PathProblem::Kind::kForeignOwner) {
    return make_error(Code::kPermissionDenied, "type: " + problem.fix);
  }
  if (chmod(problem.path.c_str(), problem.is_folder ? 0700 : 0600) == 0) return {};
  return make_error(Code::kUnavailable, "cannot change the mode of " + problem.path.string() +
                                            ": " + std::generic_category().message(errno));
}

std::vector<PathProblem> check_plugin_folders(const std::vector<fs::path>& folders) {
  std::vector<PathProblem> out;
  for (const auto& folder : folders) {
    struct stat info {};
    if (stat(folder.c_str(), &info) != 0 || (info.st_mode & 022) == 0) continue;
    PathProblem problem;
    problem.kind = PathProblem::Kind::kOthersWrite;
    problem.path = folder;
    problem.what = "plugins";
    problem.is_folder = true;
    problem.detail = "mode " + octal(info.st_mode) + ": " +
                     ((info.st_mode & 02) != 0 ? "everybody" : "its group") +
                     " may put plugins there";
    problem.fix = "chmod go-w " + quoted(folder);
    out.push_back(std::move(problem));
  }
  return out;
}

Result<DiskSpace> disk_space(const fs::path& folder) {
  struct statvfs info {};
  if (statvfs(folder.c_str(), &info) != 0) {
    return make_error(Code::kUnavailable, "cannot look at the disk of " + folder.string() + ": " +
                                              std::generic_category().message(errno));
  }
  return DiskSpace{static_cast<std::uint64_t>(info.f_bavail) * info.f_frsize, info.f_favail,
                   info.f_files > 0};
}

}  // namespace openclaw::cli
