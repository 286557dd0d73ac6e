// The files a new agent workspace begins with: what the agent reads at the start of a session, written for the
// user to change.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "result.h"

namespace openclaw::cli {

// Creates the folder and the files that are missing; never touches one that is there. BOOTSTRAP.md, the first
// conversation, is for a workspace that had none of the others. Answers the names of the files made.
Result<std::vector<std::string>> create_workspace(const std::filesystem::path& folder);

}  // namespace openclaw::cli
