// RuleBuilder: turns one {allow, deny} of the configuration into a Rule. Private to the policy
// room.
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "policy/compiled_policy.h"

namespace openclaw::policy {

// `object.key`, with the key quoted when a dotted path needs it.
std::string sub_key(std::string_view object, std::string_view key);

const json::object* object_at(const json::object* parent, std::string_view key);
const json::array* array_at(const json::object* parent, std::string_view key);
const json::string* string_at(const json::object* parent, std::string_view key);

class RuleBuilder {
 public:
  RuleBuilder(const CompiledPolicy& policy, const KeyLocator& locate,
              std::vector<std::string>& warnings);

  std::string file_of(const std::string& key) const;
  void warn(std::string line);

  // Entries of `list` as written under `key`; anything that is no text is left out with a warning.
  std::vector<Entry> entries(const json::array* list, const std::string& key);
  // Entries for names that stand nowhere in the file.
  std::vector<Entry> default_entries(const std::vector<std::string>& names, const std::string& key);
  Entry entry(std::string_view text, const std::string& key, const std::string& file);

  // Layers that may not be emptied of core tools by a list of plugin names: drops such a list.
  void drop_plugin_only_allow(Rule& rule);
  // `exec_rule`: apply_patch follows exec.
  RuleRef finish(Rule rule, bool exec_rule);

  // Layers 3 to 7: allow, alsoAllow, deny of `section`. Null when it says nothing.
  RuleRef section_rule(Layer layer, const json::object* section, const std::string& key);
  // Layers 1 and 2. Null when the profile restricts nothing.
  RuleRef profile_rule(Layer layer, std::string_view profile, const std::string& profile_key,
                       std::vector<Entry> also);

  RuleSet rule_set(std::vector<RuleRef> rules) const;

 private:
  const CompiledPolicy& policy_;
  const KeyLocator& locate_;
  std::vector<std::string>& warnings_;
  std::set<std::string, std::less<>> plugin_ids_, core_;
  std::set<std::string> warned_;
};

}  // namespace openclaw::policy
