#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "policy/names.h"
#include "policy/rule_builder.h"

namespace openclaw::policy {
namespace {

// What a sandboxed session may call when nothing is written; see requirements R218, R219, D3 and
// D4.
const std::vector<std::string>& default_sandbox_allow() {
  static const std::vector<std::string> names{
      "exec",          "process",          "read",          "write",          "edit",
      "sessions_list", "sessions_history", "sessions_send", "sessions_spawn", "session_status"};
  return names;
}
const std::vector<std::string>& default_sandbox_deny() {
  static const std::vector<std::string> names{"browser", "canvas",  "nodes",
                                              "cron",    "discord", "gateway"};
  return names;
}
const std::vector<std::string>& subagent_deny() {
  static const std::vector<std::string> names{"gateway",        "agents_list",  "whatsapp_login",
                                              "session_status", "cron",         "memory_search",
                                              "memory_get",     "sessions_send"};
  return names;
}
const std::vector<std::string>& leaf_subagent_deny() {
  static const std::vector<std::string> names{"subagents", "sessions_list", "sessions_history",
                                              "sessions_spawn"};
  return names;
}
const std::vector<std::string>& http_deny() {
  static const std::vector<std::string> names{"sessions_spawn", "sessions_send", "cron", "gateway",
                                              "whatsapp_login"};
  return names;
}
constexpr std::string_view kOwnerOnly[] = {"whatsapp_login", "cron", "gateway", "nodes"};

// A `tools` section and where it stands.
struct Section {
  const json::object* object = nullptr;
  std::string key;

  Section at(std::string_view name) const { return {object_at(object, name), sub_key(key, name)}; }
  bool has(std::string_view name) const { return object != nullptr && object->contains(name); }
};

class Compiler {
 public:
  Compiler(const json::object& config, CompiledPolicy& out, const KeyLocator& locate)
      : config_(config),
        out_(out),
        build_(out, locate, out.warnings),
        global_{object_at(&config, "tools"), "tools"} {}

  void run() {
    global_rule_ = build_.section_rule(Layer::kGlobal, global_.object, "tools");
    out_.other_agents = agent(Section{});
    if (const json::array* list = array_at(object_at(&config_, "agents"), "list")) {
      for (std::size_t i = 0; i < list->size(); ++i) {
        const json::object* entry = (*list)[i].if_object();
        const json::string* id = string_at(entry, "id");
        if (id == nullptr) continue;
        std::string key = "agents.list[" + std::to_string(i) + "].tools";
        out_.agents.try_emplace(folded(*id), agent(Section{object_at(entry, "tools"), key}));
      }
    }
    channels();
    subagents();
    http();
  }

 private:
  AgentRules agent(const Section& own) {
    AgentRules rules;
    rules.base = build_.rule_set(
        {profile(own), global_rule_, build_.section_rule(Layer::kAgent, own.object, own.key)});
    providers(own, rules.providers);
    sandbox(own, rules);
    rules.patch = patch_gate(own);
    return rules;
  }

  RuleRef profile(const Section& own) {
    const json::string* name = string_at(own.object, "profile");
    std::string key = sub_key(name ? own.key : global_.key, "profile");
    if (name == nullptr) name = string_at(global_.object, "profile");
    if (name == nullptr) return nullptr;
    const Section& widened = array_at(own.object, "alsoAllow") ? own : global_;
    std::string also_key = sub_key(widened.key, "alsoAllow");
    std::vector<Entry> also = build_.entries(array_at(widened.object, "alsoAllow"), also_key);
    auto implied = [&](std::string_view section, std::initializer_list<std::string_view> tools) {
      if (!own.has(section) && !global_.has(section)) return;
      std::string from = sub_key(own.has(section) ? own.key : global_.key, section);
      for (std::string_view tool : tools)
        also.push_back(build_.entry(tool, from, build_.file_of(from)));
    };
    implied("exec", {"exec", "process"});
    implied("fs", {"read", "write", "edit"});
    return build_.profile_rule(Layer::kProfile, *name, key, std::move(also));
  }

  // byProvider of one `tools` section: folded key and section, in order of the keys.
  static std::map<std::string, Section> by_provider(const Section& tools) {
    std::map<std::string, Section> out;
    Section table = tools.at("byProvider");
    if (table.object == nullptr) return out;
    for (const auto& [name, value] : *table.object) {
      std::string key = folded(name);
      if (!key.empty() && value.is_object())
        out[key] = Section{&value.as_object(), sub_key(table.key, name)};
    }
    return out;
  }

  void providers(const Section& own, ProviderRules& rules) {
    std::vector<Section> globals{Section{}}, owns{Section{}};  // the first of each: no entry
    for (const auto& [key, section] : by_provider(global_)) {
      rules.places[key].global = static_cast<int>(rules.globals.size());
      rules.globals.push_back(
          build_.section_rule(Layer::kGlobalByProvider, section.object, section.key));
      globals.push_back(section);
    }
    for (const auto& [key, section] : by_provider(own)) {
      rules.places[key].own = static_cast<int>(rules.owns.size());
      rules.owns.push_back(
          build_.section_rule(Layer::kAgentByProvider, section.object, section.key));
      owns.push_back(section);
    }
    for (const Section& global : globals) {
      for (const Section& mine : owns) rules.profiles.push_back(provider_profile(global, mine));
    }
  }

  RuleRef provider_profile(const Section& global, const Section& own) {
    const Section& named = string_at(own.object, "profile") ? own : global;
    const json::string* name = string_at(named.object, "profile");
    if (name == nullptr) return nullptr;
    const Section& widened = array_at(own.object, "alsoAllow") ? own : global;
    std::string also_key = sub_key(widened.key, "alsoAllow");
    return build_.profile_rule(Layer::kProviderProfile, *name, sub_key(named.key, "profile"),
                               build_.entries(array_at(widened.object, "alsoAllow"), also_key));
  }

  void sandbox(const Section& own, AgentRules& rules) {
    Section mine = own.at("sandbox").at("tools"), shared = global_.at("sandbox").at("tools");
    Rule rule;
    rule.layer = Layer::kSandbox;
    const Section* source = array_at(mine.object, "allow")     ? &mine
                            : array_at(shared.object, "allow") ? &shared
                                                               : nullptr;
    rule.allow_key = sub_key(source ? source->key : shared.key, "allow");
    rule.allow_file = source ? build_.file_of(rule.allow_key) : "default";
    rule.allow = source ? build_.entries(array_at(source->object, "allow"), rule.allow_key)
                        : build_.default_entries(default_sandbox_allow(), rule.allow_key);
    rules.sandbox_lists.allow_source = source ? rule.allow_key : "default";
    if (rule.allow.empty()) {
      build_.warn(rule.allow_key + " (" + rule.allow_file +
                  ") is empty: that means every tool that is not denied, not none; write deny = "
                  "[\"*\"] for none");
    }
    source = array_at(mine.object, "deny")     ? &mine
             : array_at(shared.object, "deny") ? &shared
                                               : nullptr;
    rule.deny_key = sub_key(source ? source->key : shared.key, "deny");
    rule.deny_file = source ? build_.file_of(rule.deny_key) : "default";
    if (source != nullptr) {
      rule.deny = build_.entries(array_at(source->object, "deny"), rule.deny_key);
    } else {
      std::vector<std::string> names = default_sandbox_deny();
      for (const ToolFacts& tool : out_.tools) {
        bool listed = std::find(names.begin(), names.end(), tool.name) != names.end();
        if (tool.is_channel_tool && !listed) names.push_back(tool.name);
      }
      rule.deny = build_.default_entries(names, rule.deny_key);
    }
    rules.sandbox_lists.deny_source = source ? rule.deny_key : "default";
    rules.sandbox_lists.allow = names_of(rule.allow);
    rules.sandbox_lists.deny = names_of(rule.deny);
    // No exec rule here: D3 has apply_patch refused until it is named.
    rules.sandbox = build_.finish(std::move(rule), false);
  }

  static std::vector<std::string> names_of(const std::vector<Entry>& entries) {
    std::vector<std::string> names;
    auto add = [&](const std::string& name) {
      if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
    };
    for (const Entry& entry : entries) {
      const auto& members = group_members(entry.text);
      if (members.empty()) add(entry.text);
      for (const std::string& member : members) add(member);
    }
    return names;
  }

  PatchGate patch_gate(const Section& own) {
    Section mine = own.at("exec"), shared = global_.at("exec");
    Section section = mine.has("applyPatch") ? mine.at("applyPatch") : shared.at("applyPatch");
    PatchGate gate;
    gate.enabled_key =
        sub_key(section.key.empty() ? "tools.exec.applyPatch" : section.key, "enabled");
    gate.models_key = sub_key(section.key, "allowModels");
    gate.enabled_file = section.has("enabled") ? build_.file_of(gate.enabled_key) : "default";
    gate.models_file = build_.file_of(gate.models_key);
    const json::value* enabled =
        section.has("enabled") ? section.object->if_contains("enabled") : nullptr;
    gate.enabled = enabled != nullptr && enabled->is_bool() && enabled->as_bool();
    if (const json::array* models = array_at(section.object, "allowModels")) {
      for (const json::value& model : *models) {
        if (model.is_string() && !folded(model.as_string()).empty())
          gate.models.push_back(folded(model.as_string()));
      }
    }
    return gate;
  }

  void channels() {
    const json::object* all = object_at(&config_, "channels");
    if (all == nullptr) return;
    for (const auto& [name, value] : *all) {
      const json::object* channel = value.if_object();
      if (channel == nullptr) continue;
      std::string key = sub_key("channels", name);
      ChannelRules rules;
      bool any = groups(object_at(channel, "groups"), sub_key(key, "groups"), rules.own);
      if (const json::object* accounts = object_at(channel, "accounts")) {
        for (const auto& [account, section] : *accounts) {
          const json::object* table = object_at(section.if_object(), "groups");
          if (table == nullptr) continue;
          std::string account_key = sub_key(sub_key(sub_key(key, "accounts"), account), "groups");
          // Counts even without a policy in it: it stands in place of the channel's own table.
          any = groups(table, account_key, rules.accounts[folded(account)]) || any;
        }
      }
      if (any) out_.channels.insert_or_assign(folded(name), std::move(rules));
    }
  }

  bool groups(const json::object* table, const std::string& key, GroupTable& out) {
    bool any = false;
    if (table == nullptr) return any;
    for (const auto& [id, value] : *table) {
      const json::object* section = value.if_object();
      if (section == nullptr) continue;
      GroupRules rules = group(section, sub_key(key, id));
      if (!rules.by_sender && !rules.tools) continue;
      any = true;
      if (!out.groups.try_emplace(folded(id), std::move(rules)).second) {
        build_.warn(sub_key(key, id) + ": the same group is written twice; the first one counts");
      }
    }
    return any;
  }

  // An object without lists restricts nothing, yet it is found, and what comes after it is not
  // asked.
  RuleRef group_rule(const json::object* section, const std::string& key) {
    RuleRef rule = build_.section_rule(Layer::kGroup, section, key);
    if (rule == nullptr) {
      Rule open;
      open.layer = Layer::kGroup;
      rule = build_.finish(std::move(open), true);
    }
    return rule;
  }

  GroupRules group(const json::object* section, const std::string& key) {
    GroupRules rules;
    if (const json::object* tools = object_at(section, "tools"))
      rules.tools = group_rule(tools, sub_key(key, "tools"));
    const json::object* senders = object_at(section, "toolsBySender");
    if (senders == nullptr) return rules;
    for (const auto& [sender, value] : *senders) {
      const json::object* policy = value.if_object();
      if (policy == nullptr) continue;
      RuleRef rule = group_rule(policy, sub_key(sub_key(key, "toolsBySender"), sender));
      rules.by_sender = true;
      std::string_view text = trimmed(sender);
      if (text == "*") {
        rules.any_sender = rule;
        continue;
      }
      std::size_t colon = text.find(':');
      std::string kind = folded(text.substr(0, colon == std::string_view::npos ? 0 : colon));
      TextMap<RuleRef>* table = kind == "id"         ? &rules.by_id
                                : kind == "e164"     ? &rules.by_e164
                                : kind == "username" ? &rules.by_username
                                : kind == "name"     ? &rules.by_name
                                                     : nullptr;
      std::string_view who = table ? text.substr(colon + 1) : text;
      table = table ? table : &rules.by_id;
      std::string folded_who = folded_sender(who);
      if (!folded_who.empty()) table->try_emplace(std::move(folded_who), std::move(rule));
    }
    return rules;
  }

  void subagents() {
    const json::object* defaults =
        object_at(object_at(object_at(&config_, "agents"), "defaults"), "subagents");
    const json::value* depth = defaults ? defaults->if_contains("maxSpawnDepth") : nullptr;
    if (depth != nullptr && depth->is_int64() && depth->as_int64() >= 1 &&
        depth->as_int64() <= 1000) {
      out_.max_spawn_depth = static_cast<int>(depth->as_int64());
    }
    out_.subagent = subagent_rule(false);
    out_.leaf_subagent = subagent_rule(true);
  }

  RuleRef subagent_rule(bool leaf) {
    Section tools = global_.at("subagents").at("tools");
    std::vector<Entry> allow =
        build_.entries(array_at(tools.object, "allow"), sub_key(tools.key, "allow"));
    std::string also_key = sub_key(tools.key, "alsoAllow");
    std::vector<Entry> also = build_.entries(array_at(tools.object, "alsoAllow"), also_key);
    std::set<std::string> lifted;
    for (const Entry& e : allow) lifted.insert(e.text);
    for (const Entry& e : also) lifted.insert(e.text);
    std::vector<std::string> denied;
    for (const std::string& name : subagent_deny()) {
      if (!lifted.contains(name)) denied.push_back(name);
    }
    for (const std::string& name : leaf_subagent_deny()) {
      if (leaf && !lifted.contains(name)) denied.push_back(name);
    }
    Rule rule;
    rule.layer = Layer::kSubagent;
    rule.allow_key = sub_key(tools.key, "allow");
    rule.allow_file = build_.file_of(rule.allow_key);
    if (!allow.empty()) {
      rule.allow = std::move(allow);
      std::move(also.begin(), also.end(), std::back_inserter(rule.allow));
    }
    rule.deny_key = sub_key(tools.key, "deny");
    rule.deny_file = build_.file_of(rule.deny_key);
    rule.deny = build_.default_entries(denied, also_key);
    std::vector<Entry> extra = build_.entries(array_at(tools.object, "deny"), rule.deny_key);
    std::move(extra.begin(), extra.end(), std::back_inserter(rule.deny));
    return build_.finish(std::move(rule), true);
  }

  void http() {
    Section gateway{object_at(object_at(&config_, "gateway"), "tools"), "gateway.tools"};
    Rule rule;
    rule.layer = Layer::kHttpDeny;
    rule.deny_key = sub_key(gateway.key, "deny");
    rule.allow_key = sub_key(gateway.key, "allow");
    std::set<std::string> lifted;
    for (const Entry& e : build_.entries(array_at(gateway.object, "allow"), rule.allow_key))
      lifted.insert(e.text);
    std::vector<std::string> names;
    for (const std::string& name : http_deny()) {
      if (!lifted.contains(name)) names.push_back(name);
    }
    rule.deny = build_.default_entries(names, rule.allow_key);
    std::vector<Entry> extra = build_.entries(array_at(gateway.object, "deny"), rule.deny_key);
    std::move(extra.begin(), extra.end(), std::back_inserter(rule.deny));
    out_.http = build_.finish(std::move(rule), false);
  }

  const json::object& config_;
  CompiledPolicy& out_;
  RuleBuilder build_;
  Section global_;
  RuleRef global_rule_;
};

}  // namespace

CompiledPolicy compile_policy(const json::object& config, std::vector<ToolFacts> catalogue,
                              const KeyLocator& locate) {
  CompiledPolicy out;
  for (ToolFacts& tool : catalogue) {
    tool.name = normalise_tool_name(tool.name);
    tool.plugin_id = folded(tool.plugin_id);
    auto id = static_cast<ToolId>(out.tools.size());
    if (tool.name.empty() || !out.ids.try_emplace(tool.name, id).second) continue;
    out.tools.push_back(std::move(tool));
  }
  out.owner_only = Bits(out.tools.size(), false);
  for (ToolId id = 0; id < out.tools.size(); ++id) {
    const ToolFacts& tool = out.tools[id];
    bool fixed =
        std::find(std::begin(kOwnerOnly), std::end(kOwnerOnly), tool.name) != std::end(kOwnerOnly);
    if (fixed || tool.owner_only) out.owner_only.set(id);
  }
  auto id_of = [&](std::string_view name) {
    auto found = out.ids.find(name);
    return found == out.ids.end() ? kNoTool : found->second;
  };
  out.apply_patch = id_of("apply_patch");
  out.tts = id_of("tts");
  out.web_search = id_of("web_search");
  Compiler(config, out, locate).run();
  return out;
}

}  // namespace openclaw::policy
