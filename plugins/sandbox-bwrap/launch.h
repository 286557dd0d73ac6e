// Starts bwrap for one command. No shell, no environment, no descriptor but the ones it is given.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "descriptor.h"
#include "room.h"
#include "runtime_plan.h"

namespace openclaw::bwrap {

struct LaunchPlan {
  std::string program;                 // bwrap
  std::vector<std::string> arguments;  // read by bwrap from a descriptor: `ps` shows none of them
  std::vector<std::string> command;
  std::string seccomp;
  const Room* room = nullptr;
  std::vector<int> cgroup_doors;
  Identity identity;
  std::vector<RlimitPlan> rlimits;  // without nproc, see CommandRun
  bool tty = false, input = false;
};

struct Launched {
  pid_t pid = -1;
  Descriptor pidfd;
  Descriptor input;   // with a terminal, another descriptor of it
  Descriptor output;  // all of a terminal
  Descriptor errors;
  Descriptor status;  // what bwrap reports, a JSON object a line
  Descriptor gate;    // the command waits until a byte comes
};

Outcome<Launched> launch(const LaunchPlan& plan);

}  // namespace openclaw::bwrap
