// Finds settings that cannot work, before anything is created.
#pragma once

#include <string>

#include "config/config.h"
#include "result.h"
#include "sandbox/sandbox_manager.h"

namespace openclaw::sandbox {

// Empty when nothing is wrong; else a sentence that names each key in the way and its value. Only
// commands that install packages are judged: others need neither egress nor a writable root.
std::string setup_problem(const json::object& spec);

// The sandbox of `view` may be made: its settings hold together, and so does the setup command. The
// error names the key and where it was written.
Result<void> check_usable(const config::Config& config, const View& view);

}  // namespace openclaw::sandbox
