// Run: one command in a container, whichever way it gets there. Strand only; the backend keeps it
// by its operation number until it has completed.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include <openclaw/plugin.hpp>

#include "flow.h"
#include "outcome.h"

namespace openclaw::docker {

struct ExecPlan {
  std::string container;
  std::vector<std::string> argv;
  std::vector<std::string> env;  // "NAME=value"
  std::string cwd, user;         // empty: the container's own
  bool tty = false, input = false;
};

// {"argv","cwd","env","tty","stdin","user"}
Outcome<ExecPlan> read_plan(std::string_view container, std::string_view exec_json);

// Where the output goes. Answers false to be paused until resume().
using ExecSink = std::function<bool(std::uint32_t kind, std::string_view piece)>;

// What a command that was killed ends with, as in a shell.
inline constexpr int kKilledExitCode = 137;

inline Failure container_gone(const std::string& why) {
  return failure(OC_NOT_FOUND, "the sandbox container is gone: " + why);
}

class Run {
 public:
  virtual ~Run() = default;
  // The exit code. OC_NOT_FOUND: the container is gone or stopped.
  virtual Flow<Outcome<int>> run() = 0;
  // Waits while the command takes no more; the Completion ends when the container has the bytes.
  virtual void write(Completion done, std::string_view data, bool eof) = 0;
  // SIGKILL ends the whole tree, by stopping the container if nothing else helps; the next `ensure`
  // starts it again.
  virtual void signal(int signo) = 0;
  virtual void resume() = 0;
  virtual bool killed() const = 0;
};

}  // namespace openclaw::docker
