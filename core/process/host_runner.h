// Runs commands on the gateway's own machine: argv only, a session of its own, a clean environment,
// and an end that takes the whole process tree with it.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "async/runtime.h"
#include "process/environment.h"
#include "result.h"
#include "sandbox/sandbox_manager.h"

namespace openclaw::process {

struct HostCommand {
  std::vector<std::string> argv;
  std::filesystem::path cwd;
  Variables env;  // on top of host_environment(); check_variables() has passed
  bool pty = false;
  bool keep_stdin_open = false;  // false: stdin is /dev/null (with a terminal: the terminal)
};

// Loop thread. The Exec behaves as one of a sandbox: destroying it kills the tree. What is still
// running of the tree when the command itself has ended is killed too. kNotFound: no such program
// or folder.
Result<std::unique_ptr<sandbox::Exec>> run_on_host(Runtime& runtime, HostCommand command,
                                                   sandbox::OutputSink output);

}  // namespace openclaw::process
