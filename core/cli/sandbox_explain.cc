#include "cli/sandbox_explain.h"

#include <algorithm>

#include "cli/session_index.h"
#include "gateway/agents_catalogue.h"
#include "json_fields.h"
#include "policy/tool_policy.h"
#include "program/core_tools.h"
#include "sandbox/explain.h"
#include "sandbox/sandbox_manager.h"
#include "session/session_key.h"
#include "tool/tool_router.h"

namespace openclaw::cli {
namespace {

Error unknown_agent(const config::Config& config, std::string_view agent) {
  std::string known;
  for (const auto& id : gateway::agent_ids(config)) known += (known.empty() ? "" : ", ") + id;
  return Error(Code::kNotFound, "There is no agent \"" + std::string(agent) +
                                    "\" in agents.list. Known agents: " + known + ".");
}

Result<session::KeyParts> parts_of(const config::Config& config, const ExplainQuestion& question,
                                   std::string& key) {
  auto agent = question.agent.empty() ? session::default_agent(config)
                                      : session::normalise_agent_id(question.agent);
  auto canonical = session::canonical_key(question.session.empty() ? "main" : question.session,
                                          config, agent);
  if (canonical.has_error()) return canonical.error();
  key = *canonical;
  auto parts = session::parse_key(key, config);
  if (parts.has_error()) return parts.error();
  if (!question.agent.empty() && parts->agent_id != agent) {
    return Error(Code::kInvalidArgument, "Session " + key + " belongs to the agent " +
                                             parts->agent_id + ", not to " + agent +
                                             "; leave --agent out.");
  }
  if (!gateway::agent_exists(config, parts->agent_id)) {
    return unknown_agent(config, parts->agent_id);
  }
  return parts;
}

// The model in use decides which tools.byProvider entries hold; a session may have its own.
void fill_model(const config::Paths& paths, const config::Config& config, policy::Caller& caller) {
  auto model = gateway::default_model(config, caller.agent_id);
  auto index = read_session_index(session_index_path(paths, caller.agent_id));
  const auto* row = index.has_value() ? index->if_contains(caller.session_key) : nullptr;
  if (row && row->is_object()) {
    auto provider = text_of(row->get_object(), "providerOverride");
    auto own = text_of(row->get_object(), "modelOverride");
    if (!own.empty()) model = provider.empty() ? own : provider + "/" + own;
    caller.parent_session_key = text_of(row->get_object(), "spawnedBy");
  }
  auto slash = model.find('/');
  caller.provider = slash == std::string::npos ? std::string() : model.substr(0, slash);
  caller.model = slash == std::string::npos ? model : model.substr(slash + 1);
}

json::array verdicts(const policy::ToolPolicy& policy, const std::vector<policy::ToolFacts>& facts,
                     const policy::Caller& caller) {
  json::array out;
  for (const auto& fact : facts) {
    auto verdict = policy.decide(fact.name, caller);
    json::object row{{"name", fact.name}, {"allowed", verdict.allowed}};
    if (!fact.plugin_id.empty()) row["plugin"] = fact.plugin_id;
    for (auto& [key, value] : tool::verdict_json(verdict)) row[key] = std::move(value);
    out.emplace_back(std::move(row));
  }
  return out;
}

}  // namespace

Result<json::object> explain_sandbox(const config::Paths& paths, const config::Snapshot& config,
                                     const ExplainQuestion& question) {
  std::string key;
  auto parts = parts_of(*config, question, key);
  if (parts.has_error()) return parts.error();
  policy::Caller caller;
  caller.agent_id = parts->agent_id;
  caller.session_key = key;
  caller.channel = parts->channel;
  caller.group_id = parts->group_id;
  caller.subagent_depth = parts->subagent_depth;
  caller.sender_id = question.sender;
  caller.is_owner = question.sender.empty();
  fill_model(paths, *config, caller);
  auto view = sandbox::resolve_view(*config, paths, caller.agent_id, key);
  caller.sandboxed = view.sandboxed;

  auto facts = gateway::offered_tools(paths, config);
  auto policy = policy::ToolPolicy::compile(config->root(), facts, [&](std::string_view dotted) {
    return config->origin(dotted).text();
  });
  auto out = sandbox::explain_json(*config, paths, caller.agent_id, key, policy.get(),
                                   question.tool, caller);
  out["caller"] = json::object{{"provider", caller.provider},
                               {"model", caller.model},
                               {"channel", caller.channel},
                               {"groupId", caller.group_id},
                               {"senderId", caller.sender_id},
                               {"owner", caller.is_owner},
                               {"subagentDepth", caller.subagent_depth}};
  out["config"] = config->file().string();
  if (question.tool.empty()) out["tools"] = verdicts(*policy, facts, caller);
  for (const auto& warning : policy->warnings()) {
    out["warnings"].as_array().emplace_back("policy: " + warning);
  }
  return out;
}

}  // namespace openclaw::cli
