// Finds a docker.setupCommand that cannot work with the rest of the settings, before anything is
// created.
#pragma once

#include <string>

#include "result.h"

namespace openclaw::sandbox {

// Empty when nothing is wrong; else a sentence that names each key in the way and its value. Only
// commands that install packages are judged: others need neither egress nor a writable root.
std::string setup_problem(const json::object& spec);

}  // namespace openclaw::sandbox
