#include "body_check.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <filesystem>
#include <initializer_list>
#include <set>
#include <string_view>

#include "create_body.h"
#include "spec_reader.h"

namespace openclaw::docker {

namespace {

constexpr const char* kSection = "agents.defaults.sandbox.docker.";

std::string squeezed(std::string_view text) {
  std::string out;
  for (char c : text) {
    if (!std::isspace(static_cast<unsigned char>(c))) {
      out += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    }
  }
  return out;
}

bool made_of(std::string_view text, std::string_view extra) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [&](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) || extra.find(c) != std::string_view::npos;
  });
}

std::string unknown_field(const json::object& object, std::string_view where,
                          std::initializer_list<std::string_view> known) {
  for (const auto& [key, value] : object) {
    if (std::find(known.begin(), known.end(), key) == known.end()) {
      return "the field " + std::string(where) + std::string(key) +
             " is not one that a sandbox may set";
    }
  }
  return {};
}

std::string network_problem(const json::object& host, const Allowances& allow) {
  std::string network = squeezed(text_of(host, "NetworkMode"));
  std::string key = std::string(kSection) + "network";
  if (network == "host") return key + ": \"host\" is never allowed; use \"none\" or \"bridge\"";
  if (network.starts_with("container:") && !allow.container_namespace_join) {
    return key + ": \"container:...\" needs " + kSection +
           "dangerouslyAllowContainerNamespaceJoin = true";
  }
  if (!made_of(network, "_.-:")) return key + ": \"" + network + "\" is no name of a network";
  return {};
}

std::string security_problem(const json::object& host) {
  bool no_new_privileges = false;
  for (const auto& item : list_of(host, "SecurityOpt")) {
    std::string option = item.is_string() ? std::string(item.get_string()) : std::string();
    if (option == "no-new-privileges") {
      no_new_privileges = true;
    } else if (option.starts_with("seccomp=")) {
      boost::system::error_code failure;
      json::value profile = json::parse(option.substr(8), failure);
      if (failure || !profile.is_object() || !profile.get_object().contains("defaultAction")) {
        return std::string(kSection) +
               "seccompProfile: not a seccomp profile (\"unconfined\" is never allowed)";
      }
    } else if (option.starts_with("apparmor=")) {
      std::string name = option.substr(9);
      if (squeezed(name) == "unconfined" || !made_of(name, "_.-/")) {
        return std::string(kSection) + "apparmorProfile: \"" + name + "\" is not allowed";
      }
    } else {
      return "HostConfig.SecurityOpt holds \"" + option + "\", which is not allowed";
    }
  }
  return no_new_privileges ? std::string() : "HostConfig.SecurityOpt must hold no-new-privileges";
}

bool inside(std::string_view path, std::string_view root) {
  return path == root ||
         (path.starts_with(root) && path.size() > root.size() && path[root.size()] == '/');
}

std::string target_problem(const std::string& target, std::string_view key) {
  std::string plain = std::filesystem::path(target).lexically_normal().string();
  if (plain.empty() || plain.front() != '/' || plain == "/" || plain != target ||
      target.find('\0') != std::string::npos) {
    return std::string(kSection) + std::string(key) + ": \"" + target +
           "\" must be a plain absolute path below /";
  }
  for (std::string_view root : {"/proc", "/sys", "/dev"}) {
    if (inside(plain, root)) {
      return std::string(kSection) + std::string(key) + ": nothing may be mounted over " +
             std::string(root);
    }
  }
  return {};
}

std::string mounts_problem(const json::object& host, const std::string& workdir,
                           std::size_t own_mounts, const Allowances& allow) {
  std::set<std::string> targets;
  std::size_t index = 0;
  for (const auto& item : list_of(host, "Mounts")) {
    bool own = index++ < own_mounts;
    const json::object* mount = item.if_object();
    if (!mount || text_of(*mount, "Type") != "bind")
      return "HostConfig.Mounts: only bind mounts are allowed";
    std::string problem = unknown_field(*mount, "HostConfig.Mounts[].",
                                        {"Type", "Source", "Target", "ReadOnly", "BindOptions"});
    if (!problem.empty()) return problem;
    const json::object& options = object_of(*mount, "BindOptions");
    if (options.size() != 1 || text_of(options, "Propagation") != "rprivate") {
      return "HostConfig.Mounts: bind propagation must be rprivate";
    }
    std::string target = text_of(*mount, "Target");
    problem = target_problem(target, own ? "workdir" : "binds");
    if (!problem.empty()) return problem;
    if (!text_of(*mount, "Source").starts_with('/')) {
      return std::string(kSection) + "binds: a source must be an absolute path";
    }
    bool reserved = inside(target, workdir) || inside(target, "/agent");
    if (!own && reserved && !allow.reserved_targets) {
      return std::string(kSection) + "binds: " + target + " is reserved; it needs " + kSection +
             "dangerouslyAllowReservedContainerTargets = true";
    }
    if (!targets.insert(target).second)
      return std::string(kSection) + "binds: " + target + " is mounted twice";
  }
  return {};
}

std::string tmpfs_problem(const json::object& host) {
  static constexpr std::array<std::string_view, 9> kOptions = {
      "rw", "ro", "exec", "noexec", "nosuid", "nodev", "noatime", "relatime", "sync"};
  for (const auto& [target, value] : object_of(host, "Tmpfs")) {
    std::string problem = target_problem(std::string(target), "tmpfs");
    if (!problem.empty()) return problem;
    std::string options = value.is_string() ? std::string(value.get_string()) : std::string();
    for (std::size_t at = 0; at <= options.size();) {
      auto end = std::min(options.find(',', at), options.size());
      std::string_view option = std::string_view(options).substr(at, end - at);
      at = end + 1;
      auto equals = option.find('=');
      auto name = option.substr(0, equals);
      bool valued =
          name == "size" || name == "mode" || name == "uid" || name == "gid" || name == "nr_inodes";
      bool known = std::find(kOptions.begin(), kOptions.end(), option) != kOptions.end();
      if (!known && !(valued && equals != std::string_view::npos &&
                      made_of(option.substr(equals + 1), "%"))) {
        return std::string(kSection) + "tmpfs: option \"" + std::string(option) + "\" of " +
               std::string(target) + " is not allowed";
      }
    }
  }
  return {};
}

std::string texts_problem(const json::object& from, std::string_view key, std::string_view extra) {
  for (const auto& item : list_of(from, key)) {
    if (!item.is_string() || !made_of(item.get_string(), extra)) {
      return "HostConfig." + std::string(key) + ": " + json::serialize(item) + " is not allowed";
    }
  }
  return {};
}

std::string limits_problem(const json::object& host) {
  for (std::string_view key : {"PidsLimit", "Memory", "MemorySwap", "NanoCpus"}) {
    const json::value* value = member(host, key);
    if (value && !(value->is_int64() && value->get_int64() > 0)) {
      return "HostConfig." + std::string(key) + " must be a positive number";
    }
  }
  for (const auto& item : list_of(host, "Ulimits")) {
    const json::object* limit = item.if_object();
    std::string name = limit ? text_of(*limit, "Name") : std::string();
    if (!made_of(name, "")) return std::string(kSection) + "ulimits: no name";
    if (number_of(*limit, "Soft") < 0 || number_of(*limit, "Hard") < number_of(*limit, "Soft")) {
      return std::string(kSection) + "ulimits." + name + ": soft must not be above hard";
    }
  }
  return {};
}

std::string host_problem(const json::object& host, const std::string& workdir,
                         std::size_t own_mounts, const Allowances& allow) {
  std::string problem =
      unknown_field(host, "HostConfig.",
                    {"NetworkMode", "ReadonlyRootfs", "CapDrop", "SecurityOpt", "Init", "Tmpfs",
                     "Mounts", "PidsLimit", "Memory", "MemorySwap", "NanoCpus", "Ulimits",
                     "IpcMode", "RestartPolicy", "LogConfig", "Dns", "ExtraHosts", "Runtime"});
  if (!problem.empty()) return problem;
  if (text_of(host, "IpcMode") != "private") return "HostConfig.IpcMode must be private";
  if (text_of(object_of(host, "RestartPolicy"), "Name") != "no")
    return "HostConfig.RestartPolicy must be no";
  if (host.contains("Runtime") && !made_of(text_of(host, "Runtime"), "._-"))
    return std::string(kSection) + "runtime: no name of an OCI runtime";
  if (list_of(host, "CapDrop").empty()) return "HostConfig.CapDrop must not be empty";
  for (std::string found :
       {network_problem(host, allow), security_problem(host),
        mounts_problem(host, workdir, own_mounts, allow), tmpfs_problem(host), limits_problem(host),
        texts_problem(host, "CapDrop", "_"), texts_problem(host, "Dns", ".:"),
        texts_problem(host, "ExtraHosts", ".:-_[]")}) {
    if (!found.empty()) return found;
  }
  return {};
}

// Either the engine's init reaps, or ours, read-only; nothing else is process 1.
std::string init_problem(const json::object& body) {
  const json::object& host = object_of(body, "HostConfig");
  bool mounted = false;
  for (const auto& item : list_of(host, "Mounts")) {
    const json::object* mount = item.if_object();
    if (mount && text_of(*mount, "Target") == kInitTarget) mounted = flag_of(*mount, "ReadOnly");
  }
  bool started =
      list_of(body, "Entrypoint") == json::array{kInitTarget} && list_of(body, "Cmd").empty();
  if (flag_of(host, "Init") && !flag_of(body, "OpenStdin")) return {};
  return mounted && started ? std::string() : "HostConfig.Init must be true";
}

std::string environment_problem(const json::object& body) {
  for (const auto& item : list_of(body, "Env")) {
    std::string line = item.is_string() ? std::string(item.get_string()) : std::string();
    if (!made_of(line.substr(0, line.find('=')), "_") || line.find('\0') != std::string::npos) {
      return std::string(kSection) + "env: \"" + line.substr(0, line.find('=')) +
             "\" is no name of a variable";
    }
  }
  return {};
}

}  // namespace

std::string body_problem(const json::object& body, const std::string& workdir,
                         std::size_t own_mounts, const Allowances& allow) {
  std::string problem = unknown_field(body, "",
                                      {"Image", "Entrypoint", "Cmd", "WorkingDir", "User", "Env",
                                       "Labels", "OpenStdin", "HostConfig"});
  if (!problem.empty()) return problem;
  problem = init_problem(body);
  if (!problem.empty()) return problem;
  if (!made_of(text_of(body, "Image"), "_.-/:@")) {
    return std::string(kSection) + "image: \"" + text_of(body, "Image") +
           "\" is no name of an image";
  }
  if (member(body, "User") && !made_of(text_of(body, "User"), "_.-:")) {
    return std::string(kSection) + "user: \"" + text_of(body, "User") + "\" must be UID or UID:GID";
  }
  if (text_of(object_of(body, "Labels"), "openclaw.sandbox") != "1")
    return "the label openclaw.sandbox is missing";
  problem = environment_problem(body);
  if (problem.empty()) problem = target_problem(text_of(body, "WorkingDir"), "workdir");
  return problem.empty() ? host_problem(object_of(body, "HostConfig"), workdir, own_mounts, allow)
                         : problem;
}

}  // namespace openclaw::docker
