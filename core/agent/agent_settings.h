// AgentSettings: what the configuration says about one agent, agents.list[] over agents.defaults.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "config/config.h"

namespace openclaw::agent {

struct AgentSettings {
  std::string id, name;
  bool configured = false;  // listed, or the default agent
  std::filesystem::path workspace;
  std::vector<std::string> models;  // primary, then fallbacks; empty: choose one
  std::string thinking;             // "off", "low" ...
  std::chrono::seconds timeout{600};
  std::int64_t context_tokens = 0;  // 0: what the model says
  std::size_t bootstrap_max_chars = 20000;
  std::size_t bootstrap_total_max_chars = 150000;
  int max_iterations = 64;
  std::string user_timezone;
  int max_spawn_depth = 1;
  int max_children = 5;
  std::vector<std::string> spawn_agents;    // other agents a sub-agent may be of; "*" = any
  std::string session_visibility = "tree";  // self, tree, agent, all
};

AgentSettings agent_settings(const config::Config& config, const config::Paths& paths,
                             std::string_view agent_id);
// "alias" of agents.defaults.models -> "provider/model"; what is no alias comes back unchanged.
std::string resolve_alias(const config::Config& config, std::string_view written);

}  // namespace openclaw::agent
