#include "bind_guard.h"

#include <sys/stat.h>

#include <optional>
#include <utility>

namespace openclaw::sandbox_rules {

namespace fs = std::filesystem;

namespace {

using Identity = std::pair<dev_t, ino_t>;

std::optional<Identity> identity(const fs::path& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) return std::nullopt;
  return Identity(info.st_dev, info.st_ino);
}

// True when `path` or one of its parents is the same thing as `root`.
bool lies_in(const fs::path& path, const fs::path& root) {
  auto wanted = identity(root);
  if (!wanted) {
    // Nothing is there to compare with; the name still must not be used.
    auto [end, nothing] = std::mismatch(root.begin(), root.end(), path.begin(), path.end());
    static_cast<void>(nothing);
    return end == root.end();
  }
  for (fs::path at = path;; at = at.parent_path()) {
    if (identity(at) == wanted) return true;
    if (at == at.parent_path()) return false;
  }
}

bool lies_in_any(const fs::path& path, const std::vector<fs::path>& roots) {
  for (const auto& root : roots) {
    if (lies_in(path, root)) return true;
  }
  return false;
}

// The places in the gateway's state that are made for workspaces; all else there is its own.
bool is_workspace_place(const fs::path& real, const fs::path& state) {
  std::error_code error;
  fs::path below = real.lexically_relative(fs::weakly_canonical(state, error));
  std::vector<std::string> parts(below.begin(), below.end());
  auto workspace = [](const std::string& name) {
    return name == "workspace" || name.starts_with("workspace-");
  };
  if (parts.empty()) return false;
  return parts[0] == "sandboxes" || workspace(parts[0]) ||
         (parts.size() > 2 && parts[0] == "agents" && workspace(parts[2]));
}

Failure refused(const std::string& source, const std::string& kind, const std::string& why) {
  std::string key = kind == "bind" ? "agents.defaults.sandbox.docker.binds"
                                   : "the workspace of the agent (agents.list[].workspace)";
  return failure(OC_PERMISSION_DENIED,
                 "refused to mount " + source + " into a sandbox: " + why + "; change " + key);
}

}  // namespace

std::vector<fs::path> default_blocked() {
  return {"/etc",
          "/proc",
          "/sys",
          "/dev",
          "/root",
          "/boot",
          "/run",
          "/var/run",
          "/var/lib/docker",
          "/var/run/docker.sock",
          "/run/docker.sock",
          "/run/containerd"};
}

Outcome<fs::path> checked_source(const std::string& source, const std::string& kind,
                                 const BindRules& rules) {
  std::error_code error;
  fs::path real = fs::canonical(source, error);
  if (source.empty() || source.front() != '/' || error) {
    return failure(OC_NOT_FOUND, "cannot mount " + source + " into a sandbox: " +
                                     (error ? error.message() : "it is not an absolute path"));
  }
  bool own = kind == "workspace" || kind == "agent";
  if (real == "/") return refused(source, kind, "it is the root of the host");
  for (const auto& root : rules.blocked) {
    bool below_home_of_root = own && root == "/root" && real != "/root";
    if (!below_home_of_root && lies_in(real, root)) {
      return refused(source, kind, "it lies in " + root.string());
    }
    fs::path real_root = fs::weakly_canonical(root, error);
    if (lies_in(real_root, real)) return refused(source, kind, "it contains " + root.string());
  }
  for (const auto& secret : rules.protected_dirs) {
    if (lies_in(fs::weakly_canonical(secret, error), real)) {
      return refused(source, kind, "it contains the gateway's own state in " + secret.string());
    }
    bool allowed = is_workspace_place(real, secret) && (own || lies_in_any(real, rules.bind_roots));
    if (lies_in(real, secret) && !allowed) {
      return refused(source, kind, "it lies in the gateway's own state in " + secret.string());
    }
  }
  if (!own && !rules.allow_external && !lies_in_any(real, rules.bind_roots)) {
    return refused(source, kind,
                   "it lies outside of the workspaces; that needs "
                   "agents.defaults.sandbox.docker.dangerouslyAllowExternalBindSources = true");
  }
  return real;
}

}  // namespace openclaw::sandbox_rules
