#include "policy/rule_builder.h"

#include <algorithm>
#include <utility>

#include "policy/names.h"

namespace openclaw::policy {

std::string sub_key(std::string_view object, std::string_view key) {
  std::string out(object);
  if (!out.empty()) out += '.';
  bool plain = !key.empty() && std::all_of(key.begin(), key.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-';
  });
  if (plain) {
    out += key;
  } else {
    out += '"';
    for (char c : key) {
      if (c == '"' || c == '\\') out += '\\';
      out += c;
    }
    out += '"';
  }
  return out;
}

const json::object* object_at(const json::object* parent, std::string_view key) {
  const json::value* value = parent ? parent->if_contains(key) : nullptr;
  return value ? value->if_object() : nullptr;
}

const json::array* array_at(const json::object* parent, std::string_view key) {
  const json::value* value = parent ? parent->if_contains(key) : nullptr;
  return value ? value->if_array() : nullptr;
}

const json::string* string_at(const json::object* parent, std::string_view key) {
  const json::value* value = parent ? parent->if_contains(key) : nullptr;
  return value ? value->if_string() : nullptr;
}

RuleBuilder::RuleBuilder(const CompiledPolicy& policy, const KeyLocator& locate,
                         std::vector<std::string>& warnings)
    : policy_(policy), locate_(locate), warnings_(warnings) {
  core_.insert(known_core_tools().begin(), known_core_tools().end());
  for (const ToolFacts& tool : policy_.tools) {
    if (tool.plugin_id.empty()) {
      core_.insert(tool.name);
    } else {
      plugin_ids_.insert(tool.plugin_id);
    }
  }
}

std::string RuleBuilder::file_of(const std::string& key) const {
  std::string file = locate_ ? locate_(key) : std::string();
  return file.empty() ? "default" : file;
}

void RuleBuilder::warn(std::string line) {
  if (warned_.insert(line).second) warnings_.push_back(std::move(line));
}

Entry RuleBuilder::entry(std::string_view text, const std::string& key, const std::string& file) {
  Entry out;
  out.text = normalise_tool_name(text);
  out.key = key;
  out.file = file;
  out.matches = Bits(policy_.tools.size(), false);
  if (out.text.empty()) return out;
  bool is_plugin = out.text == "group:plugins" || plugin_ids_.contains(out.text);
  bool found = is_plugin;
  if (is_plugin) {
    for (ToolId id = 0; id < policy_.tools.size(); ++id) {
      const std::string& owner = policy_.tools[id].plugin_id;
      if (!owner.empty() && (out.text == "group:plugins" || owner == out.text)) out.matches.set(id);
    }
  }
  auto add_pattern = [&](std::string_view pattern) {
    for (ToolId id = 0; id < policy_.tools.size(); ++id) {
      if (!glob_matches(pattern, policy_.tools[id].name)) continue;
      out.matches.set(id);
      found = true;
    }
    out.names_exec = out.names_exec || glob_matches(pattern, "exec");
    // A glob counts as core when it reaches one core tool; ignoring such a list would widen it.
    bool core = pattern.find('*') == std::string_view::npos
                    ? core_.contains(pattern)
                    : pattern == "*" ||
                          std::any_of(core_.begin(), core_.end(), [&](const std::string& name) {
                            return glob_matches(pattern, name);
                          });
    out.names_core = out.names_core || core;
  };
  const std::vector<std::string>& members = group_members(out.text);
  if (members.empty()) {
    add_pattern(out.text);
  } else {
    for (const std::string& member : members) add_pattern(member);
  }
  out.known = found || out.names_core;
  return out;
}

std::vector<Entry> RuleBuilder::entries(const json::array* list, const std::string& key) {
  std::vector<Entry> out;
  if (list == nullptr) return out;
  std::string file = file_of(key);
  for (const json::value& value : *list) {
    const json::string* text = value.if_string();
    if (text == nullptr) {
      warn(key + " (" + file + "): an entry that is no text is ignored");
      continue;
    }
    Entry made = entry(*text, key, file);
    bool seen =
        std::any_of(out.begin(), out.end(), [&](const Entry& e) { return e.text == made.text; });
    if (!made.text.empty() && !seen) out.push_back(std::move(made));
  }
  return out;
}

std::vector<Entry> RuleBuilder::default_entries(const std::vector<std::string>& names,
                                                const std::string& key) {
  std::vector<Entry> out;
  for (const std::string& name : names) out.push_back(entry(name, key, "default"));
  return out;
}

void RuleBuilder::drop_plugin_only_allow(Rule& rule) {
  if (rule.allow.empty()) return;
  std::string unknown;
  bool any_core = false;
  for (const Entry& e : rule.allow) {
    any_core = any_core || e.names_core;
    if (!e.known) unknown += (unknown.empty() ? "" : ", ") + e.text;
  }
  if (!unknown.empty()) {
    warn(rule.allow_key + " (" + rule.allow_file + "): no tool is called " + unknown +
         "; see `openclaw tools list`");
  }
  if (any_core) return;
  warn(rule.allow_key + " (" + rule.allow_file +
       "): the list names only plugin or unknown tools and is ignored, so it restricts nothing; "
       "add the core "
       "tools to keep (\"*\" for all), or use alsoAllow");
  rule.allow.clear();
}

RuleRef RuleBuilder::finish(Rule rule, bool exec_rule) {
  const std::size_t size = policy_.tools.size();
  bool allows_exec = std::any_of(rule.allow.begin(), rule.allow.end(),
                                 [](const Entry& e) { return e.names_exec; });
  rule.mask = Bits(size, rule.allow.empty());
  for (const Entry& e : rule.allow) rule.mask |= e.matches;
  if (exec_rule && allows_exec && policy_.apply_patch != kNoTool)
    rule.mask.set(policy_.apply_patch);
  for (const Entry& e : rule.deny) {
    for (ToolId id = 0; id < size; ++id) {
      if (e.matches.test(id)) rule.mask.clear(id);
    }
  }
  return std::make_shared<const Rule>(std::move(rule));
}

RuleRef RuleBuilder::section_rule(Layer layer, const json::object* section,
                                  const std::string& key) {
  if (section == nullptr) return nullptr;
  Rule rule;
  rule.layer = layer;
  rule.allow_key = sub_key(key, "allow");
  rule.deny_key = sub_key(key, "deny");
  const json::array* allow = array_at(section, "allow");
  rule.allow = entries(allow, rule.allow_key);
  const std::string also_key = sub_key(key, "alsoAllow");
  std::vector<Entry> also = entries(array_at(section, "alsoAllow"), also_key);
  if (allow != nullptr) rule.allow_file = file_of(rule.allow_key);
  if (!also.empty()) {
    if (rule.allow.empty()) {
      rule.allow_key = also_key;
      rule.allow_file = file_of(also_key);
      rule.allow.push_back(entry("*", also_key, rule.allow_file));
    } else {
      warn(key + ": allow and alsoAllow are both set; use one of them (both are applied)");
    }
    std::move(also.begin(), also.end(), std::back_inserter(rule.allow));
  } else if (allow != nullptr && rule.allow.empty()) {
    warn(rule.allow_key + " (" + rule.allow_file +
         ") is empty: that means every tool that is not denied, not none; write deny = [\"*\"] for "
         "none");
  }
  const json::array* deny = array_at(section, "deny");
  rule.deny = entries(deny, rule.deny_key);
  if (deny != nullptr) rule.deny_file = file_of(rule.deny_key);
  drop_plugin_only_allow(rule);
  if (rule.allow.empty() && rule.deny.empty()) return nullptr;
  return finish(std::move(rule), true);
}

RuleRef RuleBuilder::profile_rule(Layer layer, std::string_view profile,
                                  const std::string& profile_key, std::vector<Entry> also) {
  std::string name = folded(profile);
  const std::vector<std::string>* allow = profile_allow(name);
  if (allow == nullptr) {
    if (!name.empty() && !is_profile_name(name)) {
      warn(profile_key + " (" + file_of(profile_key) + "): there is no profile " + name +
           ", so it restricts nothing; use minimal, messaging, coding or full");
    }
    return nullptr;
  }
  Rule rule;
  rule.layer = layer;
  rule.title = "profile " + name;
  rule.allow_key = profile_key;
  rule.allow_file = file_of(profile_key);
  rule.allow = default_entries(*allow, profile_key);
  std::move(also.begin(), also.end(), std::back_inserter(rule.allow));
  return finish(std::move(rule), true);
}

RuleSet RuleBuilder::rule_set(std::vector<RuleRef> rules) const {
  RuleSet out;
  out.mask = Bits(policy_.tools.size(), true);
  for (RuleRef& rule : rules) {
    if (rule == nullptr) continue;
    out.mask &= rule->mask;
    out.rules.push_back(std::move(rule));
  }
  return out;
}

}  // namespace openclaw::policy
