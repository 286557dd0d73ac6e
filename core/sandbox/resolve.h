// Names that everything about one sandbox derives from its scope key.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "config/config.h"

namespace openclaw::sandbox {

// A folder or container name for a scope key: readable, and never the key itself (keys hold what
// people on channels choose).
std::string derived_name(std::string_view scope_key);
// Which gateway a container belongs to, when several share one engine.
std::string gateway_id(const config::Paths& paths);
// Where an agent works when nothing confines it.
std::filesystem::path agent_workspace(const config::Config& config, const config::Paths& paths,
                                      std::string_view agent_id);
// The main session of an agent.
bool is_main_session(const json::object& root, std::string_view agent_id,
                     std::string_view session_key);
// SHA-256 (hex) of the value with its keys in order.
std::string canonical_hash(const json::value& value);
// "5000:5000" of the folder, or of this process when the folder does not exist yet.
std::string owner_of(const std::filesystem::path& folder);

}  // namespace openclaw::sandbox
