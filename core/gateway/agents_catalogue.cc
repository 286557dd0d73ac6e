#include "gateway/agents_catalogue.h"

#include <algorithm>

#include "gateway/params.h"

namespace openclaw::gateway {
namespace {

const json::object* entry_of(const config::Config& config, std::string_view agent_id) {
  const auto* list = config.find("agents.list");
  if (!list || !list->is_array()) return nullptr;
  for (const auto& item : list->get_array()) {
    if (item.is_object() &&
        session::normalise_agent_id(text_param(item.get_object(), "id")) == agent_id) {
      return &item.get_object();
    }
  }
  return nullptr;
}

std::string model_of(const json::value* model) {
  if (!model) return {};
  if (model->is_string()) return std::string(model->get_string());
  return model->is_object() ? text_param(model->get_object(), "primary") : std::string();
}

}  // namespace

std::vector<std::string> agent_ids(const config::Config& config) {
  std::vector<std::string> out{session::default_agent(config)};
  const auto* list = config.find("agents.list");
  if (!list || !list->is_array()) return out;
  for (const auto& item : list->get_array()) {
    if (!item.is_object()) continue;
    auto id = session::normalise_agent_id(text_param(item.get_object(), "id"));
    if (std::find(out.begin(), out.end(), id) == out.end()) out.push_back(std::move(id));
  }
  return out;
}

bool agent_exists(const config::Config& config, std::string_view agent_id) {
  auto ids = agent_ids(config);
  return std::find(ids.begin(), ids.end(), agent_id) != ids.end();
}

json::object agent_identity(const config::Config& config, std::string_view agent_id) {
  json::object out{{"agentId", agent_id}, {"name", "Assistant"}, {"avatar", "A"}};
  const auto* entry = entry_of(config, agent_id);
  const auto* identity = entry ? entry->if_contains("identity") : nullptr;
  if (!identity) identity = config.find("ui.assistant");
  if (!identity || !identity->is_object()) return out;
  for (const auto* key : {"name", "emoji", "avatar"}) {
    auto value = text_param(identity->get_object(), key);
    // A file or URL avatar is not served here; the letter stays.
    bool shown = !value.empty() &&
                 (std::string_view(key) != "avatar" || value.find('/') == std::string::npos);
    if (shown) out[key] = value;
  }
  return out;
}

std::string default_model(const config::Config& config, std::string_view agent_id) {
  auto agent = agent_id.empty() ? session::default_agent(config) : std::string(agent_id);
  if (const auto* entry = entry_of(config, agent)) {
    auto own = model_of(entry->if_contains("model"));
    if (!own.empty()) return own;
  }
  return model_of(config.find("agents.defaults.model"));
}

std::string session_kind(const json::object& row) {
  auto key = text_param(row, "key");
  if (key == "global" || key == "unknown") return key;
  auto type = text_param(row, "chatType");
  bool group = type == "group" || type == "channel" || key.find(":group:") != std::string::npos ||
               key.find(":channel:") != std::string::npos;
  return group ? "group" : "direct";
}

}  // namespace openclaw::gateway
