#include "agent/agent_settings.h"

#include <algorithm>

#include "agent/fields.h"
#include "session/session_key.h"

namespace openclaw::agent {
namespace {

const json::object* listed_agent(const config::Config& config, std::string_view id) {
  const auto* list = config.find("agents.list");
  if (list == nullptr || !list->is_array()) return nullptr;
  for (const auto& agent : list->get_array()) {
    const auto* object = agent.if_object();
    if (object != nullptr && session::normalise_agent_id(text_at(*object, "id")) == id)
      return object;
  }
  return nullptr;
}

// "provider/model" or {"primary","fallbacks"}.
void read_models(const json::object& from, std::vector<std::string>& models) {
  const auto* model = field(from, "model");
  if (model == nullptr) return;
  std::vector<std::string> found;
  if (model->is_string()) {
    found.emplace_back(model->get_string());
  } else if (const auto* object = model->if_object()) {
    if (auto primary = text_at(*object, "primary"); !primary.empty()) found.emplace_back(primary);
    if (const auto* fallbacks = array_at(*object, "fallbacks")) {
      for (const auto& fallback : *fallbacks) {
        if (fallback.is_string()) found.emplace_back(fallback.get_string());
      }
    }
  }
  if (!found.empty()) models = std::move(found);
}

std::filesystem::path expanded(std::string_view path, const config::Paths& paths) {
  if (path.starts_with("~/")) return paths.home / path.substr(2);
  return path;
}

void read_subagents(const json::object& from, AgentSettings& out) {
  const auto* subagents = object_at(from, "subagents");
  if (subagents == nullptr) return;
  out.max_spawn_depth = static_cast<int>(
      std::clamp<std::int64_t>(int_at(*subagents, "maxSpawnDepth", out.max_spawn_depth), 0, 5));
  out.max_children = static_cast<int>(
      std::clamp<std::int64_t>(int_at(*subagents, "maxChildrenPerAgent", out.max_children), 1, 20));
  if (const auto* allowed = array_at(*subagents, "allowAgents")) {
    out.spawn_agents.clear();
    for (const auto& id : *allowed) {
      if (id.is_string()) out.spawn_agents.emplace_back(id.get_string());
    }
  }
}

void read(const json::object& from, const config::Paths& paths, AgentSettings& out) {
  if (auto path = text_at(from, "workspace"); !path.empty()) out.workspace = expanded(path, paths);
  read_models(from, out.models);
  if (auto level = text_at(from, "thinkingDefault"); !level.empty()) out.thinking = level;
  if (auto zone = text_at(from, "userTimezone"); !zone.empty()) out.user_timezone = zone;
  if (auto s = int_at(from, "timeoutSeconds"); s > 0) out.timeout = std::chrono::seconds(s);
  if (auto n = int_at(from, "contextTokens"); n > 0) out.context_tokens = n;
  if (auto n = int_at(from, "maxIterations"); n > 0)
    out.max_iterations = static_cast<int>(std::min<std::int64_t>(n, 10000));
  if (auto n = int_at(from, "bootstrapMaxChars"); n > 0)
    out.bootstrap_max_chars = static_cast<std::size_t>(n);
  if (auto n = int_at(from, "bootstrapTotalMaxChars"); n > 0) {
    out.bootstrap_total_max_chars = static_cast<std::size_t>(n);
  }
  read_subagents(from, out);
}

}  // namespace

AgentSettings agent_settings(const config::Config& config, const config::Paths& paths,
                             std::string_view agent_id) {
  AgentSettings out;
  out.id = session::normalise_agent_id(agent_id);
  auto fallback = session::default_agent(config);
  if (const auto* defaults = config.find("agents.defaults");
      defaults != nullptr && defaults->is_object()) {
    read(defaults->get_object(), paths, out);
  }
  bool is_default = out.id == fallback;
  if (!is_default || out.workspace.empty()) {
    out.workspace = paths.state_dir / (is_default ? "workspace" : "workspace-" + out.id);
  }
  out.configured = is_default;
  if (const auto* own = listed_agent(config, out.id)) {
    read(*own, paths, out);
    out.name = text_at(*own, "name");
    out.configured = true;
  }
  auto visibility = config.get_string("tools.sessions.visibility");
  if (!visibility.empty()) out.session_visibility = visibility;
  return out;
}

std::string resolve_alias(const config::Config& config, std::string_view written) {
  auto text = trimmed(written);
  const auto* models = config.find("agents.defaults.models");
  if (models != nullptr && models->is_object() && text.find('/') == std::string_view::npos) {
    for (const auto& [ref, options] : models->get_object()) {
      const auto* object = options.if_object();
      if (object != nullptr && text_at(*object, "alias") == text) return std::string(ref);
    }
  }
  return std::string(text);
}

}  // namespace openclaw::agent
