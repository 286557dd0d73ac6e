// From a plan to the arguments of bwrap.
#pragma once

#include <string>
#include <vector>

#include "exec_request.h"
#include "runtime_plan.h"

namespace openclaw::bwrap {

// The numbers under which bwrap finds what it is given besides its arguments.
inline constexpr int kArgumentsFd = 4, kSeccompFd = 5, kStatusFd = 6, kGateFd = 7;

// What holds for every command of the sandbox. Looks at how this host's root is laid out.
std::vector<std::string> runtime_arguments(const RuntimePlan& plan);
// What one command adds: its variables, folder and session.
std::vector<std::string> command_arguments(const RuntimePlan& plan, const ExecRequest& request);

}  // namespace openclaw::bwrap
