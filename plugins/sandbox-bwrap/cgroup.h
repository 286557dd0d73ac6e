// Cgroup: the limits of one sandbox as a control group of its own, version 1 or 2, whichever the
// host has. Commands join it before they start.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "descriptor.h"
#include "runtime_plan.h"

namespace openclaw::bwrap {

// Where control groups are found; another place in tests.
struct CgroupHost {
  std::string mount_point = "/sys/fs/cgroup";
  std::string own_groups = "/proc/self/cgroup";
};

class Cgroup {
 public:
  // Nothing when this host does not let us hold memory and processes (no root, no delegation).
  static std::optional<Cgroup> make(const std::string& name, const Limits& limits,
                                    const CgroupHost& host = {});
  Cgroup(Cgroup&& other) noexcept;
  Cgroup& operator=(Cgroup&&) = delete;
  ~Cgroup();  // removes the folders

  // A process that writes "0" to each of these is in it.
  std::vector<int> doors() const;
  const std::vector<std::string>& folders() const { return folders_; }
  // Removes what a gateway that was killed left beside this one: empty groups whose name ends so.
  void remove_leftovers(const std::string& ending) const;

 private:
  Cgroup() = default;
  bool add_folder(const std::string& folder);

  std::vector<std::string> folders_;
  std::vector<Descriptor> doors_;
};

}  // namespace openclaw::bwrap
