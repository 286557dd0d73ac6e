// Settings: the sandbox section of one agent with every default filled in, and where each value
// came from. Pure function of the configuration tree.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "config/config.h"
#include "result.h"

namespace openclaw::sandbox {

struct Setting {
  json::value value;   // null: not set and no default
  std::string source;  // dotted key of the configuration, or "default"
};

class Settings {
 public:
  static Settings merge(const json::object& root, std::string_view agent_id);

  // `key` is relative to the sandbox section: "mode", "docker.memory", "prune.idleHours".
  const Setting& at(std::string_view key) const;
  std::string text(std::string_view key) const;  // empty unless it is a string
  bool flag(std::string_view key) const;
  const std::vector<std::pair<std::string, Setting>>& all() const { return settings_; }
  // Agent keys that have no effect because the scope is shared.
  const std::vector<std::string>& ignored() const { return ignored_; }

 private:
  std::vector<std::pair<std::string, Setting>> settings_;
  std::vector<std::string> ignored_;
};

// Where the keys that take a wall down are set.
std::vector<std::string> open_walls(const Settings& settings);

// The entry of agents.list with this id and its index; null when there is none.
struct AgentEntry {
  const json::object* object = nullptr;
  std::size_t index = 0;
};
AgentEntry find_agent(const json::object& root, std::string_view agent_id);
// The agent that owns sessions without an agent in their key.
std::string default_agent_id(const json::object& root);

// Whose settings may differ: the default agent and those that are listed. May name one twice.
std::vector<std::string> agents_with_settings(const json::object& root);
bool any_sandboxed(const json::object& root);
// The backends of all agents that may be sandboxed; the default's when there is no such agent.
std::vector<std::string> backends_in_use(const json::object& root);

// "1g", "512m", "1073741824", 1073741824; kInvalidArgument names the key.
Result<std::int64_t> parse_size(const json::value& written, std::string_view key);

// What is wrong with the sandbox settings of any agent: unsafe networks, profiles, bind targets,
// limits that cannot be read. The same checks run at load and before a sandbox is created.
std::vector<config::Issue> check_settings(const Settings& settings);
std::vector<config::Issue> check_config(const config::Config& config);

}  // namespace openclaw::sandbox
