// What ToolPolicy::compile() makes of a configuration: every list turned into one bit per tool of
// the catalogue, so that a decision is a handful of look-ups and bit tests. Immutable after
// construction; any thread. Private to the policy room.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "policy/tool_policy.h"

namespace openclaw::policy {

struct TextHash {
  using is_transparent = void;
  std::size_t operator()(std::string_view text) const noexcept {
    return std::hash<std::string_view>()(text);
  }
};
template <class T>
using TextMap = std::unordered_map<std::string, T, TextHash, std::equal_to<>>;

using ToolId = std::uint32_t;
constexpr ToolId kNoTool = UINT32_MAX;

// One bit per tool of the catalogue.
class Bits {
 public:
  Bits() = default;
  Bits(std::size_t size, bool value) : words_((size + 63) / 64, value ? ~std::uint64_t{0} : 0) {}
  bool test(ToolId id) const noexcept { return ((words_[id / 64] >> (id % 64)) & 1U) != 0; }
  void set(ToolId id) noexcept { words_[id / 64] |= std::uint64_t{1} << (id % 64); }
  void clear(ToolId id) noexcept { words_[id / 64] &= ~(std::uint64_t{1} << (id % 64)); }
  Bits& operator&=(const Bits& other) noexcept {
    for (std::size_t i = 0; i < words_.size(); ++i) words_[i] &= other.words_[i];
    return *this;
  }
  Bits& operator|=(const Bits& other) noexcept {
    for (std::size_t i = 0; i < words_.size(); ++i) words_[i] |= other.words_[i];
    return *this;
  }

 private:
  std::vector<std::uint64_t> words_;
};

// An entry of a list as it was written, and what it means for this catalogue.
struct Entry {
  std::string text;  // normalised, before groups are expanded
  std::string key;   // the list it stands in
  std::string file;  // where that is
  Bits matches;
  bool names_core = false;  // "*", or at least one core tool
  bool names_exec = false;
  bool known = true;  // matches something, or names a tool that could exist
};

// One layer for one kind of caller: {allow, deny} and the mask they amount to.
struct Rule {
  Layer layer = Layer::kNone;
  std::vector<Entry> allow, deny;
  Bits mask;
  std::string allow_key, allow_file;  // the list to extend; set when `allow` is
  std::string deny_key, deny_file;
  std::string title;  // instead of "not in allow": "profile minimal"
};
using RuleRef = std::shared_ptr<const Rule>;

// Several layers in order, and their common mask.
struct RuleSet {
  std::vector<RuleRef> rules;
  Bits mask;
};

// tools.exec.applyPatch as it holds for one agent.
struct PatchGate {
  bool enabled = false;
  std::vector<std::string> models;  // folded; empty: all
  std::string enabled_key, enabled_file, models_key, models_file;
};

// tools.byProvider, global and the agent's. Either table is asked for "provider/model" first, then
// for "provider", and the profile comes from the two entries found together.
struct ProviderRules {
  struct Place {
    int global = -1, own = -1;  // which entry of each table has this key
  };
  TextMap<Place> places;
  std::vector<RuleRef> globals, owns;
  std::vector<RuleRef> profiles;  // [(global + 1) * (owns.size() + 1) + own + 1]
};

struct AgentRules {
  RuleSet base;  // profile, global, agent
  ProviderRules providers;
  RuleRef sandbox;
  PatchGate patch;
  ToolPolicy::SandboxLists sandbox_lists;
};

// Policy of one group of a channel. Null: none written.
struct GroupRules {
  bool by_sender = false;
  TextMap<RuleRef> by_id, by_e164, by_username, by_name;
  RuleRef any_sender, tools;
};
struct GroupTable {
  TextMap<GroupRules> groups;  // "*" among them
};
struct ChannelRules {
  TextMap<GroupTable> accounts;  // those that have a `groups` of their own
  GroupTable own;
};

struct CompiledPolicy {
  std::vector<ToolFacts> tools;
  TextMap<ToolId> ids;  // names and aliases
  ToolId apply_patch = kNoTool, tts = kNoTool, web_search = kNoTool;
  Bits owner_only;
  AgentRules other_agents;  // for agents that agents.list does not name
  TextMap<AgentRules> agents;
  TextMap<ChannelRules> channels;
  int max_spawn_depth = 1;
  RuleRef subagent, leaf_subagent, http;
  std::vector<std::string> warnings;
};

CompiledPolicy compile_policy(const json::object& config, std::vector<ToolFacts> catalogue,
                              const KeyLocator& locate);

}  // namespace openclaw::policy
