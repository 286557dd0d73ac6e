// Where openclaw-sandbox-init lies on this host.
#pragma once

#include <filesystem>

#include "outcome.h"

namespace openclaw::docker {

// The file beside this plugin's library. A failure says why it may not be used.
Outcome<std::filesystem::path> init_program();

}  // namespace openclaw::docker
