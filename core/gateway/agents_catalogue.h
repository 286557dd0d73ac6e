// What the configuration says about agents, as the protocol shows it; and the kinds of sessions.
// Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "config/config.h"
#include "session/session_key.h"

namespace openclaw::gateway {

// Of agents.list, the default agent first; at least that one.
std::vector<std::string> agent_ids(const config::Config& config);
bool agent_exists(const config::Config& config, std::string_view agent_id);
// {"agentId","name","avatar","emoji"?}
json::object agent_identity(const config::Config& config, std::string_view agent_id);
// "provider/model" of the agent's primary model; empty when none is configured.
std::string default_model(const config::Config& config, std::string_view agent_id = {});
// "direct", "group", "global" or "unknown", of a row of the session index.
std::string session_kind(const json::object& row);

}  // namespace openclaw::gateway
