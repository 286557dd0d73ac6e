// The session indexes on disk, read without a gateway and without changing anything.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "config/config.h"
#include "result.h"

namespace openclaw::cli {

std::filesystem::path session_index_path(const config::Paths& paths, std::string_view agent_id);
// By session key; empty when there is no file yet. kFailedPrecondition: the file is not JSON.
Result<json::object> read_session_index(const std::filesystem::path& file);
// Agents that have an index, by name.
std::vector<std::string> agents_with_sessions(const config::Paths& paths);

}  // namespace openclaw::cli
