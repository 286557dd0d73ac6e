// Finds and ends every process that a command left: its session, its descendants, and whatever
// inherited the marker variable, so that a double fork or a setsid of its own is no way out.
#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>
#include <vector>

namespace openclaw::process {

// The variable each command is started with; its value is unique per command.
inline constexpr const char* kMarkerVariable = "OPENCLAW_EXEC_ID";

struct Tree {
  pid_t leader = 0;    // 0 once it was reaped: its number may belong to somebody else by then
  std::string marker;  // value of the variable
};

// Blocking: reads /proc. [any-thread]
std::vector<pid_t> find_tree(const Tree& tree);
// Sends `signo` to all of them once. Answers how many got it. Blocking. [any-thread]
int signal_tree(const Tree& tree, int signo);
// Stops what it finds until nothing new appears, then kills; again until none is left. Blocking.
// [any-thread]
void kill_tree(const Tree& tree);

}  // namespace openclaw::process
