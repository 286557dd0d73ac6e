#include "cgroup.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <thread>

namespace openclaw::bwrap {

namespace {

constexpr int kPeriodUs = 100'000;
// The last processes of a command that has ended are still being cleared away by the kernel.
constexpr int kRemoveAttempts = 60;
constexpr std::chrono::milliseconds kRemovePause{5};

bool put(const std::string& file, const std::string& text) {
  int fd = ::open(file.c_str(), O_WRONLY | O_CLOEXEC);
  if (fd < 0) return false;
  bool good = ::write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  ::close(fd);
  return good;
}

bool exists(const std::string& path) {
  return ::access(path.c_str(), F_OK) == 0;
}

std::string quota(double cpus) {
  return std::to_string(std::max(1000L, std::lround(cpus * kPeriodUs)));
}

bool has_word(const std::string& file, std::string_view wanted) {
  std::ifstream in(file);
  std::string word;
  while (in >> word) {
    if (word == wanted) return true;
  }
  return false;
}

// "4:memory:/a/b" by controller; version 2 is the one without a name.
std::map<std::string, std::string> own_paths(const std::string& file) {
  std::map<std::string, std::string> out;
  std::ifstream in(file);
  std::string line;
  while (std::getline(in, line)) {
    auto first = line.find(':');
    auto second = first == std::string::npos ? first : line.find(':', first + 1);
    if (second == std::string::npos) continue;
    std::string names = line.substr(first + 1, second - first - 1), path = line.substr(second + 1);
    std::istringstream list(names);
    std::string name;
    if (names.empty()) out[""] = path;
    while (std::getline(list, name, ',')) out[name] = path;
  }
  return out;
}

std::string join(std::string folder, const std::string& path) {
  if (path != "/") folder += path;
  return folder;
}

bool make_folder(const std::string& folder) {
  // One of ours that a gateway left when it was killed is taken over.
  return ::mkdir(folder.c_str(), 0755) == 0 || errno == EEXIST;
}

// The folder of one version 1 controller; empty when it cannot be made.
std::string v1_folder(const CgroupHost& host, const std::map<std::string, std::string>& own,
                      const std::string& controller, const std::string& name) {
  std::string root = host.mount_point + "/" + controller;
  auto path = own.find(controller);
  if (path == own.end() || !exists(root)) return {};
  std::string parent = join(root, path->second);
  // In a container the path is the host's, and the root is what we are in.
  if (!exists(parent)) parent = root;
  std::string folder = parent + "/" + name;
  return make_folder(folder) ? folder : std::string();
}

bool limit_v1(const std::string& memory, const std::string& pids, const Limits& limits) {
  if (limits.pids > 0 && !put(pids + "/pids.max", std::to_string(limits.pids))) return false;
  if (limits.memory_bytes <= 0) return true;
  std::string swap = memory + "/memory.memsw.limit_in_bytes";
  // The sum may never be below the memory alone, whatever a group that is taken over had.
  put(swap, "-1");
  if (!put(memory + "/memory.limit_in_bytes", std::to_string(limits.memory_bytes))) return false;
  // Absent when the kernel does not count swap.
  if (limits.swap_bytes > 0 && exists(swap)) put(swap, std::to_string(limits.swap_bytes));
  return true;
}

bool limit_v2(const std::string& folder, const Limits& limits) {
  if (limits.pids > 0 && !put(folder + "/pids.max", std::to_string(limits.pids))) return false;
  if (limits.memory_bytes > 0) {
    if (!put(folder + "/memory.max", std::to_string(limits.memory_bytes))) return false;
    if (limits.swap_bytes >= limits.memory_bytes)
      put(folder + "/memory.swap.max", std::to_string(limits.swap_bytes - limits.memory_bytes));
  }
  if (limits.cpus > 0)
    put(folder + "/cpu.max", quota(limits.cpus) + " " + std::to_string(kPeriodUs));
  return true;
}

// The nearest group above us that hands memory and processes on to its children. Our own holds this
// process, so it usually may not.
std::string v2_parent(const CgroupHost& host, std::string path) {
  while (true) {
    std::string folder = join(host.mount_point, path);
    std::string handed = folder + "/cgroup.subtree_control";
    if (has_word(handed, "memory") && has_word(handed, "pids") &&
        ::access(folder.c_str(), W_OK) == 0)
      return folder;
    if (path.empty() || path == "/") return {};
    path.resize(path.rfind('/'));
  }
}

}  // namespace

Cgroup::Cgroup(Cgroup&& other) noexcept
    : folders_(std::exchange(other.folders_, {})), doors_(std::move(other.doors_)) {}

Cgroup::~Cgroup() {
  doors_.clear();
  for (const auto& folder : folders_) {
    for (int attempt = 0; attempt < kRemoveAttempts; ++attempt) {
      if (::rmdir(folder.c_str()) == 0 || errno != EBUSY) break;
      std::this_thread::sleep_for(kRemovePause);
    }
  }
}

bool Cgroup::add_folder(const std::string& folder) {
  if (folder.empty()) return false;
  folders_.push_back(folder);
  Descriptor door = opened(folder + "/cgroup.procs", O_WRONLY);
  bool good = static_cast<bool>(door);
  doors_.push_back(std::move(door));
  return good;
}

std::vector<int> Cgroup::doors() const {
  std::vector<int> out;
  for (const auto& door : doors_) out.push_back(door.get());
  return out;
}

void Cgroup::remove_leftovers(const std::string& ending) const {
  if (ending.size() < 2) return;
  for (const auto& own : folders_) {
    std::error_code error;
    for (const auto& entry :
         std::filesystem::directory_iterator(own.substr(0, own.rfind('/')), error)) {
      const std::string& path = entry.path().native();
      if (path != own && path.ends_with(ending)) ::rmdir(path.c_str());
    }
  }
}

std::optional<Cgroup> Cgroup::make(const std::string& name, const Limits& limits,
                                   const CgroupHost& host) {
  auto own = own_paths(host.own_groups);
  Cgroup group;
  if (exists(host.mount_point + "/cgroup.controllers")) {
    std::string parent = own.count("") ? v2_parent(host, own[""]) : std::string();
    std::string folder = parent + "/" + name;
    if (parent.empty() || !make_folder(folder) || !group.add_folder(folder) ||
        !limit_v2(folder, limits))
      return std::nullopt;
    return group;
  }
  std::string memory = v1_folder(host, own, "memory", name);
  if (!group.add_folder(memory)) return std::nullopt;
  std::string pids = v1_folder(host, own, "pids", name);
  if (!group.add_folder(pids) || !limit_v1(memory, pids, limits)) return std::nullopt;
  std::string cpu = limits.cpus > 0 ? v1_folder(host, own, "cpu", name) : std::string();
  if (!cpu.empty() && put(cpu + "/cpu.cfs_period_us", std::to_string(kPeriodUs)) &&
      put(cpu + "/cpu.cfs_quota_us", quota(limits.cpus)))
    group.add_folder(cpu);
  return group;
}

}  // namespace openclaw::bwrap
