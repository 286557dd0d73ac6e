// ExecRequest: one command, as core asks for it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "runtime_plan.h"

namespace openclaw::bwrap {

struct ExecRequest {
  std::vector<std::string> argv;
  Variables env;
  std::string cwd;  // empty: the sandbox's folder
  bool tty = false, input = false;
};

// {"argv","cwd","env","tty","stdin"}
Outcome<ExecRequest> read_exec_request(std::string_view exec_json);

}  // namespace openclaw::bwrap
