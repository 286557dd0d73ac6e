#include "policy/tool_policy.h"

#include <algorithm>
#include <utility>

#include "policy/compiled_policy.h"
#include "policy/names.h"

namespace openclaw::policy {
namespace {

// Which compiled pieces hold for one caller. Pointers into the policy; null: that layer says
// nothing.
struct Resolved {
  const AgentRules* agent = nullptr;
  const Rule* provider_profile = nullptr;
  const Rule* global_by_provider = nullptr;
  const Rule* agent_by_provider = nullptr;
  const Rule* group = nullptr;
  const Rule* sandbox = nullptr;
  const Rule* subagent = nullptr;
  const Rule* http = nullptr;
};

bool is_xai(std::string_view provider, std::string_view model) {
  Folded name(provider), id(model);
  return name.view() == "xai" || name.view() == "x-ai" || id.view().substr(0, 5) == "x-ai/" ||
         id.view().substr(0, 4) == "xai/";
}

enum class PatchRefusal { kNone, kDisabled, kProvider, kModel };

PatchRefusal patch_refusal(const PatchGate& gate, const Caller& caller) {
  if (!gate.enabled) return PatchRefusal::kDisabled;
  Folded provider(caller.provider);
  // A person's own command names no model; the format is then the person's business.
  if (provider.view().empty()) return PatchRefusal::kNone;
  if (provider.view() != "openai" && provider.view() != "openai-codex")
    return PatchRefusal::kProvider;
  if (gate.models.empty()) return PatchRefusal::kNone;
  Folded model(caller.model), full(caller.provider, caller.model);
  bool listed =
      std::any_of(gate.models.begin(), gate.models.end(), [&](const std::string& allowed) {
        return allowed == model.view() || allowed == full.view();
      });
  return listed ? PatchRefusal::kNone : PatchRefusal::kModel;
}

class CompiledToolPolicy final : public ToolPolicy {
 public:
  explicit CompiledToolPolicy(CompiledPolicy compiled) : p_(std::move(compiled)) {}

  Verdict decide(std::string_view tool, const Caller& caller) const override;
  bool allows(std::string_view tool, const Caller& caller) const override;
  SandboxLists sandbox_lists(std::string_view agent_id) const override {
    return agent(agent_id).sandbox_lists;
  }
  const std::vector<std::string>& warnings() const override { return p_.warnings; }

 private:
  ToolId find(std::string_view tool) const;
  const AgentRules& agent(std::string_view id) const;
  Resolved resolve(const Caller& caller) const;
  const Rule* group_rule(const Caller& caller) const;
  // Removals that no list can lift. Null text: none applies.
  Verdict removed(ToolId id, const Caller& caller) const;
  bool is_removed(ToolId id, const Caller& caller) const;
  Verdict refusal(const Rule& rule, ToolId id) const;
  Verdict patch_verdict(const PatchGate& gate, PatchRefusal why) const;

  CompiledPolicy p_;
};

ToolId CompiledToolPolicy::find(std::string_view tool) const {
  auto found = p_.ids.find(tool);
  if (found != p_.ids.end()) return found->second;
  Folded name(tool);
  std::string_view canonical = name.view();
  if (canonical == "bash") canonical = "exec";
  if (canonical == "apply-patch") canonical = "apply_patch";
  found = p_.ids.find(canonical);
  return found == p_.ids.end() ? kNoTool : found->second;
}

const AgentRules& CompiledToolPolicy::agent(std::string_view id) const {
  if (p_.agents.empty()) return p_.other_agents;
  auto found = p_.agents.find(id);
  if (found == p_.agents.end()) found = p_.agents.find(Folded(id).view());
  return found == p_.agents.end() ? p_.other_agents : found->second;
}

void resolve_provider(const ProviderRules& rules, const Caller& caller, Resolved& out) {
  if (rules.places.empty()) return;
  Folded provider(caller.provider);
  if (provider.view().empty()) return;
  ProviderRules::Place place;
  if (!trimmed(caller.model).empty()) {
    auto exact = rules.places.find(Folded(caller.provider, caller.model).view());
    if (exact != rules.places.end()) place = exact->second;
  }
  auto wide = rules.places.find(provider.view());
  if (wide != rules.places.end()) {
    if (place.global < 0) place.global = wide->second.global;
    if (place.own < 0) place.own = wide->second.own;
  }
  auto global = static_cast<std::size_t>(place.global + 1),
       own = static_cast<std::size_t>(place.own + 1);
  out.provider_profile = rules.profiles[global * (rules.owns.size() + 1) + own].get();
  if (place.global >= 0) out.global_by_provider = rules.globals[global - 1].get();
  if (place.own >= 0) out.agent_by_provider = rules.owns[own - 1].get();
}

// The sender's entry, or the one for everybody. Null: the group says nothing about senders.
const Rule* by_sender(const GroupRules& rules, const Caller& caller) {
  if (!rules.by_sender) return nullptr;
  auto look = [](const TextMap<RuleRef>& table, std::string_view text) -> const Rule* {
    if (table.empty() || text.empty()) return nullptr;
    Folded name(text);
    std::string_view who = name.view();
    if (!who.empty() && who.front() == '@') who.remove_prefix(1);
    auto found = table.find(who);
    return found == table.end() ? nullptr : found->second.get();
  };
  if (const Rule* rule = look(rules.by_id, caller.sender_id)) return rule;
  if (const Rule* rule = look(rules.by_e164, caller.sender_e164)) return rule;
  if (const Rule* rule = look(rules.by_username, caller.sender_username)) return rule;
  if (const Rule* rule = look(rules.by_name, caller.sender_name)) return rule;
  return rules.any_sender.get();
}

const Rule* CompiledToolPolicy::group_rule(const Caller& caller) const {
  if (p_.channels.empty()) return nullptr;
  // The session key comes first: it was made by the gateway, the rest may come from a request.
  GroupContext context = group_of_session(caller.session_key);
  if (context.group_id.empty()) context = group_of_session(caller.parent_session_key);
  if (context.group_id.empty()) context = {caller.channel, trimmed(caller.group_id)};
  if (context.group_id.empty()) return nullptr;
  auto channel = p_.channels.find(Folded(context.channel).view());
  if (channel == p_.channels.end()) return nullptr;
  const GroupTable* table = &channel->second.own;
  if (!channel->second.accounts.empty()) {
    Folded account(caller.account);
    auto own = channel->second.accounts.find(account.view().empty() ? std::string_view("default")
                                                                    : account.view());
    if (own != channel->second.accounts.end()) table = &own->second;
  }
  for (std::string_view id : {context.group_id, std::string_view("*")}) {
    auto found = table->groups.find(Folded(id).view());
    if (found == table->groups.end()) continue;
    if (const Rule* rule = by_sender(found->second, caller)) return rule;
    if (found->second.tools) return found->second.tools.get();
  }
  return nullptr;
}

Resolved CompiledToolPolicy::resolve(const Caller& caller) const {
  Resolved r;
  r.agent = &agent(caller.agent_id);
  resolve_provider(r.agent->providers, caller, r);
  r.group = group_rule(caller);
  if (caller.sandboxed) r.sandbox = r.agent->sandbox.get();
  int depth = std::max(caller.subagent_depth, subagent_depth_of_session(caller.session_key));
  if (depth > 0) r.subagent = (depth >= p_.max_spawn_depth ? p_.leaf_subagent : p_.subagent).get();
  if (caller.http_invoke) r.http = p_.http.get();
  return r;
}

bool CompiledToolPolicy::is_removed(ToolId id, const Caller& caller) const {
  if (!caller.is_owner && p_.owner_only.test(id)) return true;
  if (id == p_.tts && Folded(caller.channel).view() == "voice") return true;
  return id == p_.web_search && is_xai(caller.provider, caller.model);
}

bool CompiledToolPolicy::allows(std::string_view tool, const Caller& caller) const {
  ToolId id = find(tool);
  if (id == kNoTool || is_removed(id, caller)) return false;
  Resolved r = resolve(caller);
  if (!r.agent->base.mask.test(id)) return false;
  for (const Rule* rule : {r.provider_profile, r.global_by_provider, r.agent_by_provider, r.group,
                           r.sandbox, r.subagent, r.http}) {
    if (rule != nullptr && !rule->mask.test(id)) return false;
  }
  return id != p_.apply_patch || patch_refusal(r.agent->patch, caller) == PatchRefusal::kNone;
}

Verdict CompiledToolPolicy::removed(ToolId id, const Caller& caller) const {
  Verdict v;
  const std::string& name = p_.tools[id].name;
  if (!caller.is_owner && p_.owner_only.test(id)) {
    v.layer = Layer::kOwnerOnly;
    v.rule = "only the owner may use it";
    v.fix =
        "Ask from an owner's account (channels.<channel>.allowFrom, commands.ownerAllowFrom) or "
        "with "
        "operator.admin.";
  } else if (id == p_.tts && name == "tts") {
    v.layer = Layer::kBuiltin;
    v.rule = "a voice channel speaks its replies itself";
    v.fix = "Reply in text.";
  } else {
    v.layer = Layer::kBuiltin;
    v.rule = "xAI models search the web themselves";
    v.fix = "Use another provider's model for this tool.";
  }
  v.file = "default";
  return v;
}

Verdict CompiledToolPolicy::refusal(const Rule& rule, ToolId id) const {
  const std::string& name = p_.tools[id].name;
  Verdict v;
  v.layer = rule.layer;
  bool in_allow =
      rule.allow.empty() || std::any_of(rule.allow.begin(), rule.allow.end(),
                                        [&](const Entry& e) { return e.matches.test(id); });
  auto denied = std::find_if(rule.deny.begin(), rule.deny.end(),
                             [&](const Entry& e) { return e.matches.test(id); });
  if (denied == rule.deny.end()) {
    v.rule = rule.title.empty() ? "not in allow" : rule.title;
    v.key = rule.allow_key;
    v.file = rule.allow_file;
    bool by_profile = rule.layer == Layer::kProfile || rule.layer == Layer::kProviderProfile;
    std::string owner = v.key.substr(0, v.key.rfind('.'));
    v.fix = by_profile ? "Add " + name + " to " + owner + ".alsoAllow."
                       : "Add " + name + " to " + v.key + ".";
    if (rule.layer == Layer::kSandbox) {
      v.fix = "Add " + name + " to " + v.key +
              " (the list replaces the default one) and keep it out of " + rule.deny_key + ".";
    }
    return v;
  }
  v.rule = "deny: " + denied->text;
  v.key = denied->key;
  v.file = denied->file;
  bool exact = denied->text == name;
  if (rule.layer == Layer::kHttpDeny && v.key == rule.allow_key) {
    v.fix = "Add " + name + " to " + v.key + " to offer it over HTTP.";
  } else if (rule.layer == Layer::kSubagent && v.key != rule.deny_key) {
    v.fix = "Add " + name + " to " + v.key + ".";
  } else if (exact) {
    v.fix = "Remove " + name + " from " + v.key +
            (v.file == "default" ? " (set the list without it)." : ".");
  } else {
    v.fix = "Replace " + denied->text + " in " + v.key + " by the tools that are to stay denied.";
  }
  if (rule.layer == Layer::kSandbox && !in_allow) {
    v.fix.pop_back();
    v.fix += " and add it to " + rule.allow_key + ".";
  }
  return v;
}

Verdict CompiledToolPolicy::patch_verdict(const PatchGate& gate, PatchRefusal why) const {
  Verdict v;
  v.layer = Layer::kBuiltin;
  v.key = gate.enabled_key;
  v.file = gate.enabled_file;
  if (why == PatchRefusal::kDisabled) {
    v.rule = "apply_patch is off";
    v.fix = "Set " + v.key + " = true.";
  } else if (why == PatchRefusal::kProvider) {
    v.rule = "apply_patch is for models of openai and openai-codex";
    v.fix = "Use edit or write, or such a model.";
  } else {
    v.key = gate.models_key;
    v.file = gate.models_file;
    v.rule = "the model is not in allowModels";
    v.fix = "Add the model to " + v.key + ".";
  }
  return v;
}

Verdict CompiledToolPolicy::decide(std::string_view tool, const Caller& caller) const {
  ToolId id = find(tool);
  if (id == kNoTool) {
    Verdict v;
    v.rule = "no such tool";
    v.fix = "See `openclaw tools list`.";
    return v;
  }
  if (is_removed(id, caller)) return removed(id, caller);
  Resolved r = resolve(caller);
  std::vector<const Rule*> rules;
  for (const RuleRef& rule : r.agent->base.rules) rules.push_back(rule.get());
  for (const Rule* rule : {r.provider_profile, r.global_by_provider, r.agent_by_provider, r.group,
                           r.sandbox, r.subagent, r.http}) {
    if (rule != nullptr) rules.push_back(rule);
  }
  // The masks are kept per agent and per provider; people count the layers in the documented order.
  std::stable_sort(rules.begin(), rules.end(),
                   [](const Rule* a, const Rule* b) { return a->layer < b->layer; });
  for (const Rule* rule : rules) {
    if (!rule->mask.test(id)) return refusal(*rule, id);
  }
  PatchRefusal why =
      id == p_.apply_patch ? patch_refusal(r.agent->patch, caller) : PatchRefusal::kNone;
  if (why != PatchRefusal::kNone) return patch_verdict(r.agent->patch, why);
  Verdict v;
  v.allowed = true;
  v.rule = "no layer denies it";
  return v;
}

}  // namespace

std::string_view layer_name(Layer layer) noexcept {
  switch (layer) {
    case Layer::kNone:
      return "none";
    case Layer::kOwnerOnly:
      return "owner-only";
    case Layer::kProfile:
      return "profile";
    case Layer::kProviderProfile:
      return "provider-profile";
    case Layer::kGlobal:
      return "global";
    case Layer::kGlobalByProvider:
      return "global-by-provider";
    case Layer::kAgent:
      return "agent";
    case Layer::kAgentByProvider:
      return "agent-by-provider";
    case Layer::kGroup:
      return "group";
    case Layer::kSandbox:
      return "sandbox";
    case Layer::kSubagent:
      return "subagent";
    case Layer::kHttpDeny:
      return "http-deny";
    case Layer::kBuiltin:
      return "built-in";
  }
  return "none";
}

std::string Verdict::explain(std::string_view tool) const {
  std::string name(tool);
  if (allowed) return "Tool " + name + " is allowed.";
  if (layer == Layer::kNone) return "There is no tool called " + name + ". " + fix;
  std::string text = "Tool " + name + " is denied by ";
  text += key.empty() ? "the " + std::string(layer_name(layer)) + " rule" : key + " (" + file + ")";
  text += ": " + rule + ".";
  if (!fix.empty()) text += " " + fix;
  return text;
}

std::shared_ptr<const ToolPolicy> ToolPolicy::compile(const json::object& config,
                                                      std::vector<ToolFacts> catalogue,
                                                      const KeyLocator& locate) {
  return std::make_shared<const CompiledToolPolicy>(
      compile_policy(config, std::move(catalogue), locate));
}

}  // namespace openclaw::policy
