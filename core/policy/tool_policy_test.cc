#include "policy/tool_policy.h"

#include <algorithm>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace openclaw::policy {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::vector<ToolFacts> catalogue() {
  std::vector<ToolFacts> tools;
  for (const char* name : {"exec",           "process",        "read",           "write",
                           "edit",           "apply_patch",    "sessions_list",  "sessions_history",
                           "sessions_send",  "sessions_spawn", "sessions_yield", "subagents",
                           "session_status", "browser",        "canvas",         "nodes",
                           "cron",           "gateway",        "image",          "tts",
                           "web_search",     "web_fetch",      "memory_search",  "memory_get",
                           "message",        "agents_list"}) {
    tools.push_back({name, "", false, false});
  }
  tools.push_back({"weather", "climate", false, false});
  tools.push_back({"forecast", "climate", false, false});
  tools.push_back({"whatsapp_login", "whatsapp", true, false});
  tools.push_back({"telegram", "telegram", false, true});
  tools.push_back({"discord", "discord", false, true});
  return tools;
}

class Policy {
 public:
  explicit Policy(const std::string& config, std::vector<ToolFacts> tools = catalogue())
      : policy_(ToolPolicy::compile(json::parse(config).as_object(), std::move(tools), locate)) {}

  Verdict decide(std::string_view tool, const Caller& caller = owner()) const {
    Verdict verdict = policy_->decide(tool, caller);
    EXPECT_EQ(verdict.allowed, policy_->allows(tool, caller)) << tool;
    return verdict;
  }
  bool allows(std::string_view tool, const Caller& caller = owner()) const {
    return decide(tool, caller).allowed;
  }
  std::vector<std::string> allowed(const Caller& caller = owner()) const {
    std::vector<std::string> out;
    for (const ToolFacts& tool : catalogue()) {
      if (allows(tool.name, caller)) out.push_back(tool.name);
    }
    return out;
  }
  const ToolPolicy* operator->() const { return policy_.get(); }

  static Caller owner() {
    Caller caller;
    caller.is_owner = true;
    caller.session_key = "agent:main:main";
    return caller;
  }
  static Caller sandboxed() {
    Caller caller = owner();
    caller.sandboxed = true;
    return caller;
  }
  static Caller agent(std::string id, bool in_sandbox = false) {
    Caller caller = owner();
    caller.agent_id = std::move(id);
    caller.sandboxed = in_sandbox;
    return caller;
  }
  static Caller model(std::string provider, std::string name) {
    Caller caller = owner();
    caller.provider = std::move(provider);
    caller.model = std::move(name);
    return caller;
  }

 private:
  static std::string locate(std::string_view key) {
    return "openclaw.toml:7:1<" + std::string(key) + ">";
  }
  std::shared_ptr<const ToolPolicy> policy_;
};

const std::vector<std::string> kGuideAllow{
    "exec",          "process",          "read",          "write",          "edit",
    "sessions_list", "sessions_history", "sessions_send", "sessions_spawn", "session_status"};
const std::vector<std::string> kGuideDeny{"browser", "canvas",  "nodes",
                                          "cron",    "discord", "gateway"};

TEST(ToolPolicyNames, TrimmedLowerCasedAndAliased) {
  EXPECT_EQ(normalise_tool_name("  Bash "), "exec");
  EXPECT_EQ(normalise_tool_name("Apply-Patch"), "apply_patch");
  EXPECT_EQ(normalise_tool_name("READ"), "read");
  EXPECT_EQ(normalise_tool_name("shell"), "shell");
  EXPECT_THAT(group_members("group:fs"), ElementsAre("read", "write", "edit", "apply_patch"));
  EXPECT_THAT(group_members("group:nothing"), IsEmpty());
}

TEST(ToolPolicy, NamesOfCallsAreNormalisedToo) {
  Policy policy(R"({"tools":{"deny":["BASH"]}})");
  EXPECT_FALSE(policy.allows("bash"));
  EXPECT_FALSE(policy.allows(" Exec "));
  EXPECT_TRUE(policy.allows(" READ"));
}

TEST(ToolPolicy, UnknownToolIsNotAllowedAndSaysSo) {
  Policy policy("{}");
  Verdict verdict = policy.decide("rm_rf");
  EXPECT_FALSE(verdict.allowed);
  EXPECT_EQ(verdict.layer, Layer::kNone);
  EXPECT_EQ(verdict.rule, "no such tool");
  EXPECT_THAT(verdict.explain("rm_rf"), HasSubstr("There is no tool called rm_rf"));
}

// R171 is the pointer to this section.
TEST(ToolPolicy, R171R215DenyWinsOverAllow) {
  Policy policy(R"({"tools":{"allow":["exec","read"],"deny":["exec"]}})");
  Verdict verdict = policy.decide("exec");
  EXPECT_FALSE(verdict.allowed);
  EXPECT_EQ(verdict.layer, Layer::kGlobal);
  EXPECT_EQ(verdict.rule, "deny: exec");
  EXPECT_EQ(verdict.key, "tools.deny");
  EXPECT_EQ(verdict.file, "openclaw.toml:7:1<tools.deny>");
  EXPECT_EQ(verdict.explain("exec"),
            "Tool exec is denied by tools.deny (openclaw.toml:7:1<tools.deny>): deny: exec. Remove "
            "exec from "
            "tools.deny.");
  EXPECT_TRUE(policy.allows("read"));
}

TEST(ToolPolicy, R215DenyInAnyLayerBeatsAllowInTheOthers) {
  struct Case {
    const char* config;
    Layer layer;
    const char* key;
  };
  const std::string all = R"("allow":["*"])";
  for (
      const Case& c : {
          Case{
              R"({"tools":{"deny":["read"]},"agents":{"list":[{"id":"a","tools":{"allow":["*"]}}]}})",
              Layer::kGlobal, "tools.deny"},
          Case{
              R"({"tools":{"allow":["*"]},"agents":{"list":[{"id":"z"},{"id":"a","tools":{"deny":["read"]}}]}})",
              Layer::kAgent, "agents.list[1].tools.deny"},
          Case{R"({"tools":{"byProvider":{"p/M":{"deny":["group:fs"]}}}})",
               Layer::kGlobalByProvider, "tools.byProvider.\"p/M\".deny"},
          Case{R"({"agents":{"list":[{"id":"a","tools":{"byProvider":{"p":{"deny":["re*"]}}}}]}})",
               Layer::kAgentByProvider, "agents.list[0].tools.byProvider.p.deny"},
          Case{R"({"channels":{"tg":{"groups":{"-5":{"tools":{"deny":["read"]}}}}}})",
               Layer::kGroup, "channels.tg.groups.-5.tools.deny"},
          Case{R"({"tools":{"sandbox":{"tools":{"deny":["read"]}}}})", Layer::kSandbox,
               "tools.sandbox.tools.deny"},
          Case{R"({"tools":{"subagents":{"tools":{"deny":["read"]}}}})", Layer::kSubagent,
               "tools.subagents.tools.deny"},
          Case{R"({"gateway":{"tools":{"deny":["read"]}}})", Layer::kHttpDeny,
               "gateway.tools.deny"},
      }) {
    Caller caller = Policy::model("P", "m");
    caller.agent_id = "a";
    caller.session_key = "agent:a:tg:group:-5:topic:3";
    caller.sandboxed = true;
    caller.subagent_depth = 1;
    caller.http_invoke = true;
    Verdict verdict = Policy(c.config).decide("read", caller);
    EXPECT_FALSE(verdict.allowed) << c.config;
    EXPECT_EQ(layer_name(verdict.layer), layer_name(c.layer)) << c.config;
    EXPECT_EQ(verdict.key, c.key);
  }
}

TEST(ToolPolicy, R216EmptyAllowMeansEveryToolThatIsNotDenied) {
  Policy policy(R"({"tools":{"allow":[],"deny":["canvas"]}})");
  EXPECT_TRUE(policy.allows("exec"));
  EXPECT_TRUE(policy.allows("weather"));
  EXPECT_FALSE(policy.allows("canvas"));
  EXPECT_THAT(policy->warnings(),
              ElementsAre(HasSubstr("means every tool that is not denied, not none")));
}

TEST(ToolPolicy, R217NonEmptyAllowMeansOnlyThoseTools) {
  Policy policy(R"({"tools":{"allow":["read","session*","group:web"],"deny":["web_fetch"]}})");
  EXPECT_THAT(policy.allowed(),
              ElementsAre("read", "sessions_list", "sessions_history", "sessions_send",
                          "sessions_spawn", "sessions_yield", "session_status", "web_search"));
  Verdict verdict = policy.decide("exec");
  EXPECT_EQ(verdict.rule, "not in allow");
  EXPECT_EQ(verdict.key, "tools.allow");
  EXPECT_EQ(verdict.fix, "Add exec to tools.allow.");
}

TEST(ToolPolicy, R218DefaultSandboxAllowListIsTheGuides) {
  Policy policy("{}");
  auto lists = policy->sandbox_lists("main");
  EXPECT_EQ(lists.allow, kGuideAllow);
  EXPECT_EQ(lists.allow_source, "default");
  std::vector<std::string> allowed = policy.allowed(Policy::sandboxed()), expected = kGuideAllow;
  std::sort(allowed.begin(), allowed.end());
  std::sort(expected.begin(), expected.end());
  EXPECT_EQ(allowed, expected);
}

TEST(ToolPolicy, R219DefaultSandboxDenyListIsTheGuidesPlusChannelTools) {
  EXPECT_EQ(Policy("{}", {})->sandbox_lists("main").deny, kGuideDeny);
  std::vector<std::string> with_channels = kGuideDeny;
  with_channels.push_back("telegram");  // D4: every registered channel tool
  auto lists = Policy("{}")->sandbox_lists("main");
  EXPECT_EQ(lists.deny, with_channels);
  EXPECT_EQ(lists.deny_source, "default");
  Policy open(R"({"tools":{"sandbox":{"tools":{"allow":["*"]}}}})");
  EXPECT_FALSE(open.allows("telegram", Policy::sandboxed()));
  EXPECT_TRUE(open.allows("telegram"));
}

TEST(ToolPolicy, R220SandboxListsAreReadFromTheirKeys) {
  Policy policy(
      R"({"tools":{"sandbox":{"tools":{"allow":["read","group:fs"],"deny":["write"]}}}})");
  auto lists = policy->sandbox_lists("main");
  EXPECT_THAT(lists.allow, ElementsAre("read", "write", "edit", "apply_patch"));
  EXPECT_THAT(lists.deny, ElementsAre("write"));
  EXPECT_EQ(lists.allow_source, "tools.sandbox.tools.allow");
  EXPECT_EQ(lists.deny_source, "tools.sandbox.tools.deny");
  EXPECT_THAT(policy.allowed(Policy::sandboxed()), ElementsAre("read", "edit"));
  EXPECT_TRUE(policy.allows("exec")) << "only sandboxed sessions";
}

TEST(ToolPolicy, R220AllowAndDenyAreResolvedSeparately) {
  Policy policy(R"({"tools":{"sandbox":{"tools":{"deny":["exec"]}}},
                    "agents":{"list":[{"id":"a","tools":{"sandbox":{"tools":{"allow":["*"]}}}}]}})");
  auto lists = policy->sandbox_lists("a");
  EXPECT_EQ(lists.allow_source, "agents.list[0].tools.sandbox.tools.allow");
  EXPECT_EQ(lists.deny_source, "tools.sandbox.tools.deny");
  EXPECT_TRUE(policy.allows("canvas", Policy::agent("a", true)));
  EXPECT_FALSE(policy.allows("exec", Policy::agent("a", true)));
  EXPECT_FALSE(policy.allows("canvas", Policy::agent("main", true)))
      << "not in the default allow list";
}

TEST(ToolPolicy, R216EmptySandboxAllowMeansEveryToolThatIsNotDenied) {
  Policy policy(R"({"tools":{"sandbox":{"tools":{"allow":[]}}}})");
  EXPECT_TRUE(policy.allows("web_fetch", Policy::sandboxed()));
  EXPECT_FALSE(policy.allows("browser", Policy::sandboxed()));
  EXPECT_THAT(policy->warnings(), ElementsAre(HasSubstr("tools.sandbox.tools.allow")));
}

TEST(ToolPolicy, R221BrowserNeedsAllowAndAbsenceFromDeny) {
  Policy only_allow(R"({"tools":{"sandbox":{"tools":{"allow":["exec","browser"]}}}})");
  Policy only_deny(R"({"tools":{"sandbox":{"tools":{"deny":["canvas"]}}}})");
  Policy both(R"({"tools":{"sandbox":{"tools":{"allow":["exec","browser"],"deny":["canvas"]}}}})");
  for (const Policy* policy : {&only_allow, &only_deny}) {
    Verdict verdict = policy->decide("browser", Policy::sandboxed());
    EXPECT_FALSE(verdict.allowed);
    EXPECT_EQ(verdict.layer, Layer::kSandbox);
    EXPECT_THAT(verdict.explain("browser"), HasSubstr("tools.sandbox.tools.deny"));
  }
  Verdict neither = Policy("{}").decide("browser", Policy::sandboxed());
  EXPECT_THAT(neither.explain("browser"), HasSubstr("tools.sandbox.tools.allow"));
  EXPECT_THAT(neither.explain("browser"), HasSubstr("tools.sandbox.tools.deny"));
  EXPECT_THAT(only_deny.decide("browser", Policy::sandboxed()).explain("browser"),
              HasSubstr("tools.sandbox.tools.allow"));
  EXPECT_TRUE(both.allows("browser", Policy::sandboxed()));
}

TEST(ToolPolicy, R198R222AgentSandboxListsHoldForThatAgentOnly) {
  Policy policy(
      R"({"agents":{"list":[{"id":"locked","tools":{"sandbox":{"tools":{"allow":["read"],"deny":[]}}}},
                                      {"id":"free"}]}})");
  EXPECT_THAT(policy.allowed(Policy::agent("locked", true)), ElementsAre("read"));
  EXPECT_TRUE(policy.allows("exec", Policy::agent("free", true)));
  EXPECT_TRUE(policy.allows("exec", Policy::agent("main", true)));
  EXPECT_EQ(policy->sandbox_lists("free").allow, kGuideAllow);
  EXPECT_EQ(policy.decide("exec", Policy::agent("locked", true)).key,
            "agents.list[0].tools.sandbox.tools.allow");
}

TEST(ToolPolicy, R224HostOnlyToolsAreBlockedInSandboxesByDefault) {
  Policy policy("{}");
  for (const char* tool : {"browser", "canvas", "nodes", "cron", "gateway", "discord"}) {
    EXPECT_FALSE(policy.allows(tool, Policy::sandboxed())) << tool;
    EXPECT_TRUE(policy.allows(tool)) << tool;
  }
  // D9: a camera is reached through nodes.
  EXPECT_EQ(policy.decide("nodes", Policy::sandboxed()).rule, "deny: nodes");
}

TEST(ToolPolicy, R218ApplyPatchIsNotInTheSandboxAllowListAndExecDoesNotBringIt) {
  Policy policy(R"({"tools":{"exec":{"applyPatch":{"enabled":true}}}})");
  Verdict verdict = policy.decide("apply_patch", Policy::sandboxed());
  EXPECT_FALSE(verdict.allowed);
  EXPECT_EQ(verdict.layer, Layer::kSandbox);
  EXPECT_EQ(verdict.rule, "not in allow");
  EXPECT_EQ(verdict.key, "tools.sandbox.tools.allow");
  EXPECT_EQ(verdict.file, "default");
  EXPECT_EQ(Policy("{}").decide("apply_patch", Policy::sandboxed()).layer, Layer::kSandbox);
}

TEST(ToolPolicy, R226EveryKindOfCallerGetsItsVerdictFromTheSameFunction) {
  Policy policy(R"({"tools":{"deny":["exec"]}})");
  for (int kind = 0; kind < 16; ++kind) {
    Caller caller = Policy::owner();
    caller.is_owner = (kind & 1) != 0;
    caller.sandboxed = (kind & 2) != 0;
    caller.subagent_depth = (kind & 4) != 0 ? 1 : 0;
    caller.http_invoke = (kind & 8) != 0;
    EXPECT_EQ(policy.decide("exec", caller).key, "tools.deny") << kind;
  }
}

TEST(ToolPolicy, ProfilesRestrictAndAreWidenedByAlsoAllowAndSections) {
  EXPECT_THAT(Policy(R"({"tools":{"profile":"minimal"}})").allowed(),
              ElementsAre("session_status"));
  EXPECT_THAT(Policy(R"({"tools":{"profile":"minimal","alsoAllow":["group:web"]}})").allowed(),
              ElementsAre("session_status", "web_search", "web_fetch"));
  EXPECT_THAT(Policy(R"({"tools":{"profile":"minimal","exec":{},"fs":{}}})").allowed(),
              ElementsAre("exec", "process", "read", "write", "edit", "session_status"));
  Policy full(R"({"tools":{"profile":"full"}})");
  EXPECT_TRUE(full.allows("weather"));
  Verdict verdict = Policy(R"({"tools":{"profile":"minimal"}})").decide("exec");
  EXPECT_EQ(verdict.rule, "profile minimal");
  EXPECT_EQ(verdict.fix, "Add exec to tools.alsoAllow.");
}

TEST(ToolPolicy, UnknownProfileRestrictsNothingAndWarns) {
  Policy policy(R"({"tools":{"profile":"tiny"}})");
  EXPECT_TRUE(policy.allows("exec"));
  EXPECT_THAT(policy->warnings(), ElementsAre(HasSubstr("no profile tiny")));
}

TEST(ToolPolicy, AgentProfileReplacesTheGlobalOne) {
  Policy policy(R"({"tools":{"profile":"minimal","alsoAllow":["read"]},
                    "agents":{"list":[{"id":"coder","tools":{"profile":"coding"}},
                                      {"id":"own","tools":{"alsoAllow":["cron"]}}]}})");
  EXPECT_TRUE(policy.allows("edit", Policy::agent("coder")));
  EXPECT_FALSE(policy.allows("message", Policy::agent("coder")));
  EXPECT_THAT(policy.allowed(Policy::agent("own")), ElementsAre("session_status", "cron"));
  EXPECT_THAT(policy.allowed(), ElementsAre("read", "session_status"));
}

TEST(ToolPolicy, AlsoAllowWithoutAllowStartsFromEverything) {
  EXPECT_TRUE(Policy(R"({"tools":{"alsoAllow":["weather"]}})").allows("exec"));
}

TEST(ToolPolicy, ApplyPatchFollowsExecButNeverBeatsDeny) {
  const char* on = R"({"tools":{"exec":{"applyPatch":{"enabled":true}},"allow":["exec"]}})";
  EXPECT_TRUE(Policy(on).allows("apply_patch", Policy::model("openai", "gpt-5")));
  const char* denied =
      R"({"tools":{"exec":{"applyPatch":{"enabled":true}},"allow":["exec"],"deny":["apply-patch"]}})";
  EXPECT_FALSE(Policy(denied).allows("apply_patch", Policy::model("openai", "gpt-5")));
}

TEST(ToolPolicy, ApplyPatchNeedsItsSwitchProviderAndModel) {
  EXPECT_EQ(Policy("{}").decide("apply_patch").key, "tools.exec.applyPatch.enabled");
  Policy policy(
      R"({"tools":{"exec":{"applyPatch":{"enabled":true,"allowModels":["gpt-5","openai/o4"]}}}})");
  EXPECT_TRUE(policy.allows("apply_patch")) << "a person's command has no model";
  EXPECT_TRUE(policy.allows("apply_patch", Policy::model("OpenAI", "GPT-5")));
  EXPECT_TRUE(policy.allows("apply_patch", Policy::model("openai", "o4")));
  EXPECT_FALSE(policy.allows("apply_patch", Policy::model("openai", "o3")));
  EXPECT_FALSE(policy.allows("apply_patch", Policy::model("anthropic", "gpt-5")));
}

TEST(ToolPolicy, ByProviderPrefersTheModelOverTheProvider) {
  Policy policy(
      R"({"tools":{"byProvider":{" OpenAI ":{"deny":["exec"]},"openai/gpt-5":{"deny":["read"]},
                                           "meta/llama":{"profile":"minimal"}}}})");
  EXPECT_FALSE(policy.allows("exec", Policy::model("openai", "o4")));
  EXPECT_TRUE(policy.allows("exec", Policy::model("openai", "gpt-5")));
  EXPECT_FALSE(policy.allows("read", Policy::model("openai", "GPT-5")));
  EXPECT_THAT(policy.allowed(Policy::model("openrouter", "meta/llama")),
              ElementsAre("session_status"));
  EXPECT_TRUE(policy.allows("exec", Policy::model("", "meta/llama")))
      << "no provider, no provider rules";
}

TEST(ToolPolicy, ByProviderOfAgentAndGlobalFallBackEachOnItsOwn) {
  Policy policy(R"({"tools":{"byProvider":{"router":{"deny":["exec"]}}},
                    "agents":{"list":[{"id":"a","tools":{"byProvider":{"meta/llama":{"deny":["read"]}}}}]}})");
  Caller caller = Policy::model("router", "meta/llama");
  caller.agent_id = "a";
  EXPECT_FALSE(policy.allows("exec", caller));
  EXPECT_FALSE(policy.allows("read", caller));
}

TEST(ToolPolicy, PluginOnlyAllowListIsIgnoredWithAWarning) {
  Policy policy(R"({"tools":{"allow":["climate","nonsense"],"deny":["process"]}})");
  EXPECT_TRUE(policy.allows("exec"));
  EXPECT_FALSE(policy.allows("process"));
  EXPECT_THAT(policy->warnings(), ElementsAre(HasSubstr("no tool is called nonsense"),
                                              HasSubstr("names only plugin or unknown tools")));
  Policy sandbox(R"({"tools":{"sandbox":{"tools":{"allow":["climate"]}}}})");
  EXPECT_THAT(sandbox.allowed(Policy::sandboxed()), ElementsAre("weather", "forecast"));
}

TEST(ToolPolicy, PluginGroupsAndIdsNameTheirTools) {
  Policy policy(R"({"tools":{"allow":["read","climate"]}})");
  EXPECT_THAT(policy.allowed(), ElementsAre("read", "weather", "forecast"));
  Policy denied(R"({"tools":{"deny":["group:plugins"]}})");
  for (const char* tool : {"weather", "forecast", "telegram", "discord", "whatsapp_login"}) {
    EXPECT_FALSE(denied.allows(tool)) << tool;
  }
  EXPECT_TRUE(denied.allows("exec"));
}

TEST(ToolPolicy, OwnerOnlyToolsAreGoneForOthers) {
  Policy policy("{}");
  Caller guest = Policy::owner();
  guest.is_owner = false;
  for (const char* tool : {"whatsapp_login", "cron", "gateway", "nodes"}) {
    EXPECT_EQ(policy.decide(tool, guest).layer, Layer::kOwnerOnly) << tool;
    EXPECT_TRUE(policy.allows(tool)) << tool;
  }
  EXPECT_TRUE(policy.allows("exec", guest));
}

TEST(ToolPolicy, VoiceLosesTtsAndXaiLosesWebSearch) {
  Policy policy("{}");
  Caller voice = Policy::owner();
  voice.channel = "voice";
  EXPECT_FALSE(policy.allows("tts", voice));
  EXPECT_TRUE(policy.allows("tts"));
  EXPECT_FALSE(policy.allows("web_search", Policy::model("xai", "grok-4")));
  EXPECT_TRUE(policy.allows("web_search", Policy::model("openai", "gpt-5")));
}

TEST(ToolPolicy, SubagentsLoseSessionAndControlTools) {
  Policy policy(R"({"agents":{"defaults":{"subagents":{"maxSpawnDepth":2}}}})");
  Caller child = Policy::owner();
  child.subagent_depth = 1;
  for (const char* tool : {"gateway", "agents_list", "whatsapp_login", "session_status", "cron",
                           "memory_search", "memory_get", "sessions_send"}) {
    EXPECT_EQ(policy.decide(tool, child).layer, Layer::kSubagent) << tool;
  }
  EXPECT_TRUE(policy.allows("sessions_spawn", child));
  child.subagent_depth = 2;
  for (const char* tool : {"subagents", "sessions_list", "sessions_history", "sessions_spawn"}) {
    EXPECT_FALSE(policy.allows(tool, child)) << tool;
  }
  EXPECT_TRUE(policy.allows("exec", child));
}

TEST(ToolPolicy, SubagentSessionKeyCountsEvenWhenTheDepthWasForgotten) {
  Caller child = Policy::owner();
  child.session_key = "agent:main:subagent:4f3a";
  EXPECT_FALSE(Policy("{}").allows("sessions_spawn", child));
}

TEST(ToolPolicy, SubagentListsLiftNarrowAndAdd) {
  Caller child = Policy::owner();
  child.subagent_depth = 1;
  Policy lifted(R"({"tools":{"subagents":{"tools":{"alsoAllow":["cron"],"deny":["exec"]}}}})");
  EXPECT_TRUE(lifted.allows("cron", child));
  EXPECT_TRUE(lifted.allows("read", child)) << "alsoAllow alone makes no allow list";
  EXPECT_FALSE(lifted.allows("exec", child));
  Policy narrow(
      R"({"tools":{"subagents":{"tools":{"allow":["read","mem*"],"alsoAllow":["cron"]}}}})");
  EXPECT_THAT(narrow.allowed(child), ElementsAre("read", "cron")) << "globs do not lift";
}

TEST(ToolPolicy, HttpDenyListIsHardButAdjustable) {
  Caller http = Policy::owner();
  http.http_invoke = true;
  Policy policy("{}");
  for (const char* tool :
       {"sessions_spawn", "sessions_send", "cron", "gateway", "whatsapp_login"}) {
    Verdict verdict = policy.decide(tool, http);
    EXPECT_EQ(verdict.layer, Layer::kHttpDeny) << tool;
    EXPECT_THAT(verdict.fix, HasSubstr("gateway.tools.allow"));
  }
  Policy adjusted(R"({"gateway":{"tools":{"allow":["cron"],"deny":["session_status"]}}})");
  EXPECT_TRUE(adjusted.allows("cron", http));
  EXPECT_FALSE(adjusted.allows("session_status", http));
  EXPECT_TRUE(adjusted.allows("session_status"));
}

Caller in_group(std::string key, std::string sender = {}) {
  Caller caller = Policy::owner();
  caller.session_key = std::move(key);
  caller.channel = "telegram";
  caller.sender_id = std::move(sender);
  return caller;
}

TEST(ToolPolicyGroups, FirstFoundOfSenderGroupAndStarWins) {
  Policy policy(R"({"channels":{"telegram":{"groups":{
      "-1":{"tools":{"allow":["read"]},"toolsBySender":{"id:7":{"allow":["exec"]},"username:@Ada":{"deny":["read"]}}},
      "-2":{"requireMention":true},
      "*":{"tools":{"allow":["session_status"]},"toolsBySender":{"9":{}}}}}}})");
  EXPECT_THAT(policy.allowed(in_group("agent:main:telegram:group:-1")), ElementsAre("read"));
  EXPECT_THAT(policy.allowed(in_group("agent:main:telegram:group:-1", "7")), ElementsAre("exec"));
  Caller ada = in_group("agent:main:telegram:group:-1");
  ada.sender_username = "ada";
  EXPECT_FALSE(policy.allows("read", ada));
  EXPECT_TRUE(policy.allows("exec", ada));
  EXPECT_THAT(policy.allowed(in_group("agent:main:telegram:group:-2")),
              ElementsAre("session_status"));
  EXPECT_THAT(policy.allowed(in_group("agent:main:telegram:group:-3")),
              ElementsAre("session_status"));
  EXPECT_TRUE(policy.allows("exec", in_group("agent:main:telegram:group:-3", "9")))
      << "a bare key is an id";
  EXPECT_TRUE(policy.allows("exec", in_group("agent:main:main"))) << "not a group";
}

TEST(ToolPolicyGroups, ThreadsSubagentsParentsAndContextLeadToTheGroup) {
  Policy policy(R"({"channels":{"telegram":{"groups":{"-1":{"tools":{"allow":["read"]}}}}}})");
  for (const char* key :
       {"agent:main:telegram:group:-1", "agent:main:telegram:group:-1:topic:5",
        "agent:main:telegram:channel:-1:thread:x", "agent:main:subagent:telegram:group:-1"}) {
    EXPECT_FALSE(policy.allows("exec", in_group(key))) << key;
  }
  Caller child = in_group("agent:main:subagent:4f3a");
  EXPECT_TRUE(policy.allows("exec", child));
  child.parent_session_key = "agent:main:telegram:group:-1";
  EXPECT_FALSE(policy.allows("exec", child));
  Caller context = in_group("agent:main:main");
  context.group_id = "-1";
  EXPECT_FALSE(policy.allows("exec", context));
  context.session_key = "agent:main:telegram:group:-2";
  EXPECT_TRUE(policy.allows("exec", context)) << "the session key is asked first";
}

TEST(ToolPolicyGroups, AccountGroupsStandInPlaceOfTheChannels) {
  Policy policy(R"({"channels":{"telegram":{"groups":{"-1":{"tools":{"deny":["exec"]}}},
                    "accounts":{"work":{"groups":{"-1":{"tools":{"deny":["read"]}}}},"bare":{"groups":{}},
                                "plain":{}}}}})");
  struct Case {
    const char* account;
    bool exec, read;
  };
  for (const Case& c : {Case{"", false, true}, Case{"work", true, false}, Case{"bare", true, true},
                        Case{"plain", false, true}}) {
    Caller caller = in_group("agent:main:telegram:group:-1");
    caller.account = c.account;
    EXPECT_EQ(policy.allows("exec", caller), c.exec) << c.account;
    EXPECT_EQ(policy.allows("read", caller), c.read) << c.account;
  }
}

TEST(ToolPolicy, HostileShapesAreIgnored) {
  for (
      const char* config :
      {R"({"tools":[]})", R"({"tools":{"allow":"exec","deny":{"a":1},"byProvider":[1]}})",
       R"({"tools":{"sandbox":null,"subagents":7,"profile":3}})",
       R"({"agents":{"list":[1,null,{"id":5},{"id":"a","tools":[]}]}})",
       R"({"channels":{"t":{"groups":{"x":{"tools":1,"toolsBySender":{"a":1}}},"accounts":{"q":[]}}}})",
       R"({"gateway":{"tools":{"allow":[[]],"deny":[null]}}})"}) {
    EXPECT_TRUE(Policy(config).allows("exec")) << config;
  }
  Caller caller = in_group(std::string(5000, ':'), std::string(5000, 'x'));
  caller.agent_id = std::string(5000, 'A');
  EXPECT_TRUE(Policy(R"({"channels":{"t":{"groups":{"x":{"tools":{}}}}}})")
                  .allows(std::string(300, ' ') + "exec", caller));
}

}  // namespace
}  // namespace openclaw::policy
