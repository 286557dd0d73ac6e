#include "bwrap_arguments.h"

#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "room.h"

namespace openclaw::bwrap {

namespace fs = std::filesystem;

namespace {

constexpr const char* kPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

using Arguments = std::vector<std::string>;

void add(Arguments& out, std::initializer_list<std::string> words) {
  out.insert(out.end(), words);
}

// Programs and libraries of this host.
void add_host_root(Arguments& out) {
  add(out, {"--ro-bind", "/usr", "/usr"});
  for (const char* path : {"/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32"}) {
    std::error_code error;
    fs::file_status status = fs::symlink_status(path, error);
    if (fs::is_symlink(status)) {
      add(out, {"--symlink", fs::read_symlink(path, error).string(), path});
    } else if (fs::is_directory(status)) {
      add(out, {"--ro-bind", path, path});
    }
  }
}

// What container engines make read-only or hide in /proc. It matters when the user is 0: that is
// the host's root without capabilities, to whom these files belong. All files of /proc that are not
// of a process are the host's too, so for that user /proc as a whole is read-only: a chmod there
// would hold on the host.
void add_proc(Arguments& out, bool owned_by_user) {
  add(out, {"--proc", "/proc"});
  for (const char* path :
       {"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"}) {
    if (::access(path, F_OK) == 0) add(out, {"--ro-bind", path, path});
  }
  for (const char* path : {"/proc/kcore", "/proc/keys", "/proc/key-users", "/proc/kmsg",
                           "/proc/latency_stats", "/proc/sched_debug", "/proc/timer_list",
                           "/proc/timer_stats", "/proc/config.gz", "/proc/kallsyms"}) {
    if (::access(path, F_OK) == 0) add(out, {"--ro-bind", "/dev/null", path});
  }
  for (const char* path : {"/proc/acpi", "/proc/asound", "/proc/scsi"}) {
    if (::access(path, F_OK) == 0)
      add(out, {"--size", "4096", "--tmpfs", path, "--remount-ro", path});
  }
  if (owned_by_user) add(out, {"--remount-ro", "/proc"});
}

}  // namespace

Arguments runtime_arguments(const RuntimePlan& plan) {
  Arguments out;
  add(out, {"--unshare-user", "--unshare-all", "--die-with-parent", "--cap-drop", "ALL"});
  add(out, {"--uid", std::to_string(plan.identity.user), "--gid",
            std::to_string(plan.identity.group), "--hostname", "sandbox"});
  add(out, {"--seccomp", std::to_string(kSeccompFd), "--json-status-fd", std::to_string(kStatusFd),
            "--block-fd", std::to_string(kGateFd)});
  add_host_root(out);
  add(out, {"--ro-bind", etc_place(), "/etc"});
  add_proc(out, plan.identity.become && plan.identity.user == 0);
  add(out, {"--dev", "/dev", "--size", "67108864", "--perms", "1777", "--tmpfs", "/dev/shm",
            "--remount-ro", "/dev"});
  for (std::size_t i = 0; i < plan.scratch.size(); ++i)
    add(out, {"--bind", scratch_place(i), plan.scratch[i].target});
  for (std::size_t i = 0; i < plan.mounts.size(); ++i) {
    const auto& mount = plan.mounts[i];
    add(out, {mount.read_only ? "--ro-bind" : "--bind", mount_place(i), mount.target});
  }
  // The root is memory of the host without a bound: nobody may write there.
  add(out, {"--remount-ro", "/"});
  return out;
}

Arguments command_arguments(const RuntimePlan& plan, const ExecRequest& request) {
  Arguments out = {"--clearenv", "--setenv", "PATH", kPath, "--setenv", "HOME", plan.home};
  if (request.tty) add(out, {"--setenv", "TERM", "xterm-256color"});
  for (const auto& [name, value] : plan.env) add(out, {"--setenv", name, value});
  for (const auto& [name, value] : request.env) add(out, {"--setenv", name, value});
  // As shells write it: bwrap puts it into PWD, and they believe that.
  fs::path folder = (fs::path(plan.workdir) / request.cwd).lexically_normal();
  if (!folder.has_filename() && folder != folder.root_path()) folder = folder.parent_path();
  add(out, {"--chdir", folder.string()});
  // A terminal is the command's own, made for it; anything else must not reach one.
  if (!request.tty) out.emplace_back("--new-session");
  return out;
}

}  // namespace openclaw::bwrap
