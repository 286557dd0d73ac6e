// ToolPolicy: which tool may run for whom. Pure: no I/O, no clock, no locks; compiled once per
// configuration, then decides a call in well under a microsecond.
//
// Deny wins in every layer and a layer can only narrow. Order: profile, provider profile, global,
// global by provider, agent, agent by provider, channel/group, sandbox, sub-agent; before the
// layers come the owner-only rule and hard removals. Names, groups, globs and aliases as users of
// OpenClaw 2026.3.x know them.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "result.h"

namespace openclaw::policy {

enum class Layer : std::uint8_t {
  kNone,  // allowed, or no such tool
  kOwnerOnly,
  kProfile,
  kProviderProfile,
  kGlobal,
  kGlobalByProvider,
  kAgent,
  kAgentByProvider,
  kGroup,
  kSandbox,
  kSubagent,
  kHttpDeny,  // the hard deny list of POST /tools/invoke
  kBuiltin,   // not offered at all: apply_patch without tools.exec.applyPatch, tts by voice, xAI's
              // own search
};
std::string_view layer_name(Layer layer) noexcept;

// A tool as the policy sees it. The catalogue is fixed when the policy is compiled.
struct ToolFacts {
  std::string name;       // normalised
  std::string plugin_id;  // empty for core tools
  bool owner_only = false;
  bool is_channel_tool = false;  // a channel plugin's own tool: denied in sandboxes (D4)
};

// Who asks. Strings are compared as given; normalise ids before.
struct Caller {
  std::string agent_id = "main";
  std::string session_key;
  std::string provider;  // of the model in use, may be empty
  std::string model;
  std::string channel;  // "telegram", empty for RPC and CLI
  std::string account;
  std::string group_id;  // empty in direct messages
  std::string sender_id, sender_username, sender_name, sender_e164;
  bool is_owner = false;
  bool sandboxed = false;
  int subagent_depth = 0;    // 0: not a sub-agent
  bool http_invoke = false;  // POST /tools/invoke
  std::string
      parent_session_key;  // of the session that spawned this one: its group policy holds here too
};

// Always explains itself, allowed or not.
struct Verdict {
  bool allowed = false;
  Layer layer = Layer::kNone;
  std::string rule;  // the entry that decided: "deny: exec", "not in allow", "profile minimal"
  std::string key;   // config key to look at: "agents.list[1].tools.deny"
  std::string file;  // "openclaw.toml:12:3" or "default"
  std::string fix;   // the safe change, one sentence; empty when allowed
  // "Tool exec is denied by agents.list[1].tools.deny (openclaw.toml:12:3): …": the same words
  // everywhere.
  std::string explain(std::string_view tool) const;
};

// Says where a config key was written: "openclaw.toml:12:3". Given to compile(); the policy stays
// pure.
using KeyLocator = std::function<std::string(std::string_view dotted_key)>;

class ToolPolicy {
 public:
  // `config` is the root of the configuration; only tools.*, agents.*, channels.*.groups,
  // gateway.tools and sandbox keys are read. Never fails: config validation has run before; what it
  // cannot use it ignores with a line in warnings().
  static std::shared_ptr<const ToolPolicy> compile(const json::object& config,
                                                   std::vector<ToolFacts> catalogue,
                                                   const KeyLocator& locate);
  virtual ~ToolPolicy() = default;

  // Unknown tools are not allowed, with layer kNone and a rule that says so.
  virtual Verdict decide(std::string_view tool, const Caller& caller) const = 0;
  // The hot path: no strings made.
  virtual bool allows(std::string_view tool, const Caller& caller) const = 0;
  // For `sandbox explain`: the effective sandbox lists of an agent, with the key each came from.
  struct SandboxLists {
    std::vector<std::string> allow, deny;
    std::string allow_source, deny_source;
  };
  virtual SandboxLists sandbox_lists(std::string_view agent_id) const = 0;
  virtual const std::vector<std::string>& warnings() const = 0;
};

// Trim, lower case, aliases (bash -> exec, apply-patch -> apply_patch).
std::string normalise_tool_name(std::string_view name);
// "group:fs" -> its tools; empty for an unknown group.
const std::vector<std::string>& group_members(std::string_view group);

}  // namespace openclaw::policy
