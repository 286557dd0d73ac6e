#include "runtime_plan.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <filesystem>
#include <set>

#include "bind_guard.h"
#include "spec_fields.h"

namespace openclaw::bwrap {

namespace fs = std::filesystem;
using sandbox_rules::BindRules;
using sandbox_rules::flag_of;
using sandbox_rules::list_of;
using sandbox_rules::number_of;
using sandbox_rules::object_of;
using sandbox_rules::text_of;

namespace {

constexpr const char* kSection = "agents.defaults.sandbox.docker.";
// What lies in scratch folders counts as memory of the sandbox. All of them full must leave room
// for a command that empties them.
constexpr std::int64_t kScratchBytes = 512 << 20;

Failure refused(const std::string& key, const std::string& why) {
  return failure(OC_FAILED_PRECONDITION,
                 "the sandbox was not created: " + std::string(kSection) + key + " " + why);
}

bool inside(const std::string& path, const std::string& root) {
  return path == root || path.starts_with(root + "/");
}

// Only the walls that this backend has can be asked for; a wall that is asked for must be there.
Outcome<Nothing> check_possible(const json::object& spec) {
  if (!text_of(spec, "kind").empty()) {
    return failure(OC_UNIMPLEMENTED,
                   "the backend bwrap has no browser. Type: openclaw config set "
                   "agents.defaults.sandbox.backend docker");
  }
  std::string network = text_of(spec, "network");
  if (!network.empty() && network != "none") {
    return refused("network", "is \"" + network +
                                  "\", and the backend bwrap knows \"none\" only. Set it to "
                                  "\"none\", or agents.defaults.sandbox.backend to \"docker\"");
  }
  if (!flag_of(spec, "readOnlyRoot", true)) {
    return refused("readOnlyRoot",
                   "is false, and the root of the backend bwrap is always read-only: it is this "
                   "host's. Leave the key out, or set agents.defaults.sandbox.backend to "
                   "\"docker\"");
  }
  for (const char* key : {"seccompProfile", "apparmorProfile", "runtime"}) {
    if (text_of(spec, key).empty()) continue;
    return refused(key,
                   "is for container engines; the backend bwrap has walls of its own. "
                   "Leave the key out, or set agents.defaults.sandbox.backend to \"docker\"");
  }
  return Nothing{};
}

std::string target_problem(const std::string& target) {
  bool plain = target.size() > 1 && target.front() == '/' && target.back() != '/' &&
               target.find('\0') == std::string::npos &&
               fs::path(target).lexically_normal() == fs::path(target);
  if (!plain) return "\"" + target + "\" must be a plain absolute path below /";
  for (const char* root : {"/proc", "/sys", "/dev"}) {
    if (inside(target, root)) return "nothing may be mounted over " + std::string(root);
  }
  return {};
}

template <class Number>
bool read_number(std::string_view text, Number& out) {
  auto [end, bad] = std::from_chars(text.data(), text.data() + text.size(), out);
  return bad == std::errc() && end == text.data() + text.size();
}

// "1000" or "1000:1000". Names would need the files of an image.
Outcome<Identity> read_identity(const std::string& written, uid_t own_user) {
  Identity out;
  auto colon = std::min(written.find(':'), written.size());
  bool good = read_number(std::string_view(written).substr(0, colon), out.user);
  out.group = out.user;
  if (good && colon < written.size())
    good = read_number(std::string_view(written).substr(colon + 1), out.group);
  if (!good || out.user == uid_t(-1) || out.group == gid_t(-1))
    return refused("user", "is \"" + written + "\" and must be UID or UID:GID");
  out.become = own_user == 0;
  return out;
}

// The file behind the checked path, by descriptor: it cannot be another one later without being
// noticed.
Outcome<Nothing> pin(MountPlan& mount) {
  int fd = ::open(mount.source.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC);
  struct stat info {};
  std::error_code error;
  fs::path now;
  bool good = fd >= 0 && ::fstat(fd, &info) == 0;
  if (good) now = fs::read_symlink("/proc/self/fd/" + std::to_string(fd), error);
  if (fd >= 0) ::close(fd);
  if (!good || error || now != fs::path(mount.source)) {
    return failure(OC_PERMISSION_DENIED, "refused to mount " + mount.source +
                                             " into a sandbox: it changed while it was checked");
  }
  mount.directory = S_ISDIR(info.st_mode);
  mount.device = info.st_dev;
  mount.inode = info.st_ino;
  return Nothing{};
}

BindRules rules_of(const json::object& spec) {
  BindRules rules;
  rules.blocked = sandbox_rules::default_blocked();
  rules.allow_external = flag_of(object_of(spec, "allow"), "externalBindSources");
  for (const auto& item : list_of(spec, "protectedPaths")) {
    if (item.is_string()) rules.protected_dirs.emplace_back(std::string(item.get_string()));
  }
  for (const auto& item : list_of(spec, "bindRoots")) {
    if (item.is_string()) rules.bind_roots.emplace_back(std::string(item.get_string()));
  }
  return rules;
}

Outcome<Nothing> read_mounts(const json::object& spec, RuntimePlan& plan) {
  BindRules rules = rules_of(spec);
  bool reserved_allowed = flag_of(object_of(spec, "allow"), "reservedTargets");
  std::set<std::string> targets;
  for (const auto& item : list_of(spec, "mounts")) {
    const json::object* written = item.if_object();
    if (!written) return failure(OC_INVALID_ARGUMENT, "ensure: a mount is no object");
    std::string kind = text_of(*written, "kind");
    bool own = kind == "workspace" || kind == "agent";
    MountPlan mount;
    mount.target = text_of(*written, "target");
    mount.read_only = flag_of(*written, "readOnly", true);
    std::string problem = target_problem(mount.target);
    if (!problem.empty()) return refused(own ? "workdir:" : "binds:", problem);
    if (!own && !reserved_allowed &&
        (inside(mount.target, plan.workdir) || inside(mount.target, "/agent"))) {
      return refused("binds:", mount.target + " is reserved; it needs " + kSection +
                                   "dangerouslyAllowReservedContainerTargets = true");
    }
    if (!targets.insert(mount.target).second)
      return refused("binds:", mount.target + " is mounted twice");
    auto source = sandbox_rules::checked_source(text_of(*written, "source"), kind, rules);
    if (source.has_error()) return source.error();
    mount.source = source->string();
    auto pinned = pin(mount);
    if (pinned.has_error()) return pinned.error();
    plan.mounts.push_back(std::move(mount));
  }
  return Nothing{};
}

// The options that a container engine takes, as flags and data of mount(2).
Outcome<Nothing> read_scratch_options(std::string_view options, std::int64_t default_bytes,
                                      ScratchPlan& scratch) {
  scratch.flags = MS_NOSUID | MS_NODEV | MS_NOEXEC;
  while (!options.empty()) {
    auto end = std::min(options.find(','), options.size());
    std::string option(options.substr(0, end));
    options.remove_prefix(std::min(end + 1, options.size()));
    auto equals = option.find('=');
    std::string name = option.substr(0, equals);
    if (option == "exec") {
      scratch.flags &= ~static_cast<unsigned long>(MS_NOEXEC);
    } else if (option == "ro") {
      scratch.flags |= MS_RDONLY;
    } else if (name == "size" || name == "mode" || name == "nr_inodes") {
      bool plain =
          equals != std::string::npos &&
          std::all_of(option.begin() + static_cast<std::ptrdiff_t>(equals) + 1, option.end(),
                      [](unsigned char c) { return std::isalnum(c) || c == '%'; });
      if (!plain) return refused("tmpfs:", "option \"" + option + "\" is not allowed");
      scratch.options += (scratch.options.empty() ? "" : ",") + option;
    } else if (option != "rw" && option != "noexec" && option != "nosuid" && option != "nodev" &&
               option != "noatime" && option != "relatime") {
      return refused("tmpfs:", "option \"" + option + "\" is not known to the backend bwrap");
    }
  }
  auto add = [&](const char* name, const std::string& fallback) {
    if (scratch.options.find(name) != std::string::npos) return;
    scratch.options += (scratch.options.empty() ? "" : ",") + (name + fallback);
  };
  add("mode=", "1777");
  add("size=", std::to_string(default_bytes));
  return Nothing{};
}

Outcome<Nothing> read_scratch(const json::object& spec, RuntimePlan& plan) {
  const json::array& wanted = list_of(spec, "tmpfs");
  std::int64_t memory = plan.limits.memory_bytes;
  std::int64_t share = memory / (static_cast<std::int64_t>(wanted.size()) + 1);
  for (const auto& item : wanted) {
    std::string entry = item.is_string() ? std::string(item.get_string()) : std::string();
    auto colon = std::min(entry.find(':'), entry.size());
    ScratchPlan scratch;
    scratch.target = entry.substr(0, colon);
    std::string problem = target_problem(scratch.target);
    if (!problem.empty()) return refused("tmpfs:", problem);
    auto read =
        read_scratch_options(std::string_view(entry).substr(std::min(colon + 1, entry.size())),
                             memory > 0 ? std::min(share, kScratchBytes) : kScratchBytes, scratch);
    if (read.has_error()) return read.error();
    plan.scratch.push_back(std::move(scratch));
  }
  // A folder before what lies in it.
  std::sort(plan.scratch.begin(), plan.scratch.end(),
            [](const auto& a, const auto& b) { return a.target < b.target; });
  return Nothing{};
}

Outcome<Nothing> read_env(const json::object& spec, RuntimePlan& plan) {
  for (const auto& [name, value] : object_of(spec, "env")) {
    // Programs of the host must stay to be found: core puts a PATH of the configuration in front.
    if (name == "PATH") continue;
    bool plain = value.is_string() && !name.empty() &&
                 value.get_string().find('\0') == json::string::npos &&
                 std::all_of(name.begin(), name.end(),
                             [](unsigned char c) { return std::isalnum(c) || c == '_'; });
    if (!plain) return refused("env:", "\"" + std::string(name) + "\" is no variable");
    plan.env.emplace_back(std::string(name), std::string(value.get_string()));
  }
  return Nothing{};
}

Outcome<Nothing> read_hosts(const json::object& spec, RuntimePlan& plan) {
  for (const auto& item : list_of(spec, "extraHosts")) {
    std::string entry = item.is_string() ? std::string(item.get_string()) : std::string();
    auto colon = entry.find(':');
    bool plain = colon != std::string::npos && colon > 0 &&
                 std::all_of(entry.begin(), entry.end(), [](unsigned char c) {
                   return std::isalnum(c) || c == '.' || c == ':' || c == '-' || c == '_';
                 });
    if (!plain) return refused("extraHosts:", "\"" + entry + "\" must be NAME:ADDRESS");
    plan.host_lines.push_back(entry.substr(colon + 1) + "\t" + entry.substr(0, colon));
  }
  return Nothing{};
}

Outcome<Nothing> read_limits(const json::object& spec, RuntimePlan& plan) {
  auto whole = [&](const char* key) {
    double number = number_of(spec, key);
    return number > 0 && number < 9e15 ? static_cast<std::int64_t>(std::llround(number)) : 0;
  };
  plan.limits.memory_bytes = whole("memoryBytes");
  plan.limits.swap_bytes = whole("memorySwapBytes");
  plan.limits.pids = whole("pidsLimit");
  plan.limits.cpus = number_of(spec, "cpus");
  static constexpr std::array<std::pair<std::string_view, int>, 15> kNames = {
      {{"core", RLIMIT_CORE},
       {"cpu", RLIMIT_CPU},
       {"data", RLIMIT_DATA},
       {"fsize", RLIMIT_FSIZE},
       {"locks", RLIMIT_LOCKS},
       {"memlock", RLIMIT_MEMLOCK},
       {"msgqueue", RLIMIT_MSGQUEUE},
       {"nice", RLIMIT_NICE},
       {"nofile", RLIMIT_NOFILE},
       {"nproc", RLIMIT_NPROC},
       {"rss", RLIMIT_RSS},
       {"rtprio", RLIMIT_RTPRIO},
       {"rttime", RLIMIT_RTTIME},
       {"sigpending", RLIMIT_SIGPENDING},
       {"stack", RLIMIT_STACK}}};
  for (const auto& item : list_of(spec, "ulimits")) {
    const json::object* limit = item.if_object();
    std::string name = limit ? text_of(*limit, "name") : std::string();
    auto known =
        std::find_if(kNames.begin(), kNames.end(), [&](const auto& n) { return n.first == name; });
    double soft = limit ? number_of(*limit, "soft") : -1,
           hard = limit ? number_of(*limit, "hard") : -1;
    if (known == kNames.end() || soft < 0 || hard < soft || hard > 9e15) {
      return refused("ulimits." + name, "is no limit that can be set");
    }
    RlimitPlan out;
    out.resource = known->second;
    out.value.rlim_cur = static_cast<rlim_t>(soft);
    out.value.rlim_max = static_cast<rlim_t>(hard);
    plan.rlimits.push_back(out);
  }
  return Nothing{};
}

}  // namespace

Outcome<RuntimePlan> read_runtime_plan(const json::object& spec, uid_t own_user, gid_t own_group) {
  RuntimePlan plan;
  plan.name = text_of(spec, "name");
  bool plain = !plan.name.empty() && plan.name.front() != '.' &&
               std::all_of(plan.name.begin(), plan.name.end(), [](unsigned char c) {
                 return std::isalnum(c) || c == '-' || c == '_' || c == '.';
               });
  // It becomes the name of folders.
  if (!plain)
    return refused("containerPrefix",
                   "leads to the name \"" + plan.name + "\"; use letters, digits and -");
  plan.config_hash = text_of(spec, "configHash");
  plan.image = text_of(spec, "image");
  plan.scope_key = text_of(spec, "scopeKey");
  plan.agent_id = text_of(spec, "agentId");
  plan.gateway_id = text_of(spec, "gatewayId");
  plan.workdir = text_of(spec, "workdir");
  plan.setup_command = text_of(spec, "setupCommand");
  auto possible = check_possible(spec);
  if (possible.has_error()) return possible.error();
  std::string problem = target_problem(plan.workdir);
  if (!problem.empty()) return refused("workdir:", problem);
  std::string user = text_of(spec, "user");
  if (user.empty()) user = std::to_string(own_user) + ":" + std::to_string(own_group);
  auto identity = read_identity(user, own_user);
  if (identity.has_error()) return identity.error();
  plan.identity = *identity;
  for (auto* read : {read_limits, read_mounts, read_scratch, read_env, read_hosts}) {
    auto done = read(spec, plan);
    if (done.has_error()) return done.error();
  }
  // Not the workspace: start files of a shell in it would run with every command.
  plan.home = plan.scratch.empty() ? plan.workdir : plan.scratch.front().target;
  for (const auto& scratch : plan.scratch) {
    if (scratch.target == "/tmp") plan.home = "/tmp";
  }
  return plan;
}

}  // namespace openclaw::bwrap
