// RuntimePlan: what one sandbox is to be, read from the spec of `ensure` and checked. What this
// backend cannot do is refused by name, never passed over.
#pragma once

#include <sys/resource.h>
#include <sys/types.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "descriptor.h"

namespace openclaw::bwrap {

using Variables = std::vector<std::pair<std::string, std::string>>;

// Who runs a command. A gateway of root becomes that user; any other gateway stays itself outside,
// and the numbers are only what the command sees.
struct Identity {
  uid_t user = 0;
  gid_t group = 0;
  bool become = false;
};

struct MountPlan {
  std::string source, target;
  bool read_only = true;
  bool directory = true;
  dev_t device = 0;  // what was checked: nothing else may be at the source when it is mounted
  ino_t inode = 0;
};

struct ScratchPlan {  // a tmpfs
  std::string target, options;
  unsigned long flags = 0;
};

struct Limits {
  std::int64_t memory_bytes = 0, swap_bytes = 0, pids = 0;  // 0: none
  double cpus = 0;
};

struct RlimitPlan {
  int resource = 0;
  rlimit value{};
};

struct RuntimePlan {
  std::string name, config_hash, image, scope_key, agent_id, gateway_id;
  std::string workdir, home, setup_command;
  Identity identity;
  Variables env;
  std::vector<MountPlan> mounts;
  std::vector<ScratchPlan> scratch;
  std::vector<std::string> host_lines;  // for /etc/hosts
  Limits limits;
  std::vector<RlimitPlan> rlimits;
};

Outcome<RuntimePlan> read_runtime_plan(const json::object& spec, uid_t own_user, gid_t own_group);

}  // namespace openclaw::bwrap
