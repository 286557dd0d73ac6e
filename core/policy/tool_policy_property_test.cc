// The compiled engine against a slow reference that knows nothing of bits, patterns or caches:
// strings, written from the specification alone and sharing no code with the engine.
#include <algorithm>
#include <map>
#include <optional>
#include <random>
#include <regex>
#include <set>

#include <gtest/gtest.h>

#include "policy/tool_policy.h"

namespace openclaw::policy {
namespace {

using Names = std::vector<std::string>;

namespace reference {

std::string clean(std::string text) {
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.front()))) text.erase(0, 1);
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.back()))) text.pop_back();
  for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return text;
}

std::string tool_name(const std::string& text) {
  std::string name = clean(text);
  return name == "bash" ? "exec" : name == "apply-patch" ? "apply_patch" : name;
}

const std::map<std::string, Names>& group_table() {
  static const std::map<std::string, Names> table = {
      {"group:fs", {"read", "write", "edit", "apply_patch"}},
      {"group:runtime", {"exec", "process"}},
      {"group:web", {"web_search", "web_fetch"}},
      {"group:memory", {"memory_search", "memory_get"}},
      {"group:sessions",
       {"sessions_list", "sessions_history", "sessions_send", "sessions_spawn", "sessions_yield",
        "subagents", "session_status"}},
      {"group:ui", {"browser", "canvas"}},
      {"group:messaging", {"message"}},
      {"group:automation", {"cron", "gateway"}},
      {"group:nodes", {"nodes"}},
      {"group:agents", {"agents_list"}},
      {"group:media", {"image", "tts"}},
      {"group:openclaw",
       {"web_search",       "web_fetch",     "memory_search",  "memory_get",     "sessions_list",
        "sessions_history", "sessions_send", "sessions_spawn", "sessions_yield", "subagents",
        "session_status",   "browser",       "canvas",         "message",        "cron",
        "gateway",          "nodes",         "agents_list",    "image",          "tts"}}};
  return table;
}

Names profile(const std::string& name) {
  if (name == "minimal") return {"session_status"};
  if (name == "messaging")
    return {"sessions_list", "sessions_history", "sessions_send", "session_status", "message"};
  if (name == "coding")
    return {"read",           "write",          "edit",           "apply_patch",
            "exec",           "process",        "web_search",     "web_fetch",
            "memory_search",  "memory_get",     "sessions_list",  "sessions_history",
            "sessions_send",  "sessions_spawn", "sessions_yield", "subagents",
            "session_status", "cron",           "image"};
  return {};
}

class Engine {
 public:
  Engine(const json::object& config, const std::vector<ToolFacts>& tools)
      : config_(config), tools_(tools) {
    for (const auto& [group, members] : group_table())
      core_.insert(core_.end(), members.begin(), members.end());
    for (const auto& t : tools_)
      if (t.plugin_id.empty()) core_.push_back(t.name);
  }

  bool allows(const std::string& asked, const Caller& who) const {
    std::string tool = tool_name(asked);
    const ToolFacts* facts = nullptr;
    for (const auto& t : tools_)
      if (t.name == tool) facts = &t;
    if (!facts) return false;
    bool owner_tool = facts->owner_only || tool == "whatsapp_login" || tool == "cron" ||
                      tool == "gateway" || tool == "nodes";
    if (owner_tool && !who.is_owner) return false;
    if (tool == "tts" && clean(who.channel) == "voice") return false;
    if (tool == "web_search" &&
        (clean(who.provider) == "xai" || clean(who.model).rfind("x-ai/", 0) == 0))
      return false;
    const json::value* global = at({"tools"});
    const json::value* own = agent_tools(who.agent_id);
    if (!profile_ok(tool, string_of(own, "profile"), string_of(global, "profile"), own, global,
                    true))
      return false;
    const json::value* gp = provider_entry(global, who);
    const json::value* op = provider_entry(own, who);
    if (!profile_ok(tool, string_of(op, "profile"), string_of(gp, "profile"), op, gp, false))
      return false;
    for (const json::value* section : {global, gp, own, op, group_section(who)}) {
      if (!section_ok(tool, section)) return false;
    }
    if (who.sandboxed && !sandbox_ok(tool, own, global)) return false;
    int depth = who.subagent_depth;
    if (depth == 0 && who.session_key.find(":subagent:") != std::string::npos) depth = 1;
    if (depth > 0 && !subagent_ok(tool, depth)) return false;
    if (who.http_invoke && !http_ok(tool)) return false;
    return tool != "apply_patch" || patch_ok(own, global, who);
  }

 private:
  const json::value* at(std::initializer_list<const char*> path) const {
    const json::object* here = &config_;
    const json::value* found = nullptr;
    for (const char* key : path) {
      if (!here) return nullptr;
      found = here->if_contains(key);
      here = found ? found->if_object() : nullptr;
    }
    return found && found->is_object() ? found : nullptr;
  }
  static const json::value* member(const json::value* v, const std::string& key) {
    return v && v->is_object() ? v->as_object().if_contains(key) : nullptr;
  }
  static std::optional<std::string> string_of(const json::value* v, const std::string& key) {
    const json::value* m = member(v, key);
    if (!m || !m->is_string()) return std::nullopt;
    return std::string(m->as_string());
  }
  static std::optional<Names> list_of(const json::value* v, const std::string& key) {
    const json::value* m = member(v, key);
    if (!m || !m->is_array()) return std::nullopt;
    Names out;
    for (const auto& e : m->as_array()) {
      if (e.is_string() && !tool_name(std::string(e.as_string())).empty())
        out.push_back(tool_name(std::string(e.as_string())));
    }
    return out;
  }

  Names expand(const Names& list) const {
    Names out;
    for (const auto& entry : list) {
      bool plugin = false;
      for (const auto& t : tools_) {
        if (t.plugin_id.empty() || (entry != "group:plugins" && t.plugin_id != entry)) continue;
        out.push_back(t.name);
        plugin = true;
      }
      auto group = group_table().find(entry);
      if (group != group_table().end()) {
        out.insert(out.end(), group->second.begin(), group->second.end());
      } else if (!plugin || entry != "group:plugins") {
        out.push_back(entry);
      }
    }
    return out;
  }

  // "*" stands for nothing, or for one more character and itself.
  static bool one_matches(const std::string& pattern, const std::string& tool, std::size_t p = 0,
                          std::size_t t = 0) {
    if (p == pattern.size()) return t == tool.size();
    if (pattern[p] == '*') {
      return one_matches(pattern, tool, p + 1, t) ||
             (t < tool.size() && one_matches(pattern, tool, p, t + 1));
    }
    return t < tool.size() && pattern[p] == tool[t] && one_matches(pattern, tool, p + 1, t + 1);
  }
  bool matches(const Names& list, const std::string& tool) const {
    for (const auto& pattern : expand(list))
      if (one_matches(pattern, tool)) return true;
    return false;
  }

  bool policy_ok(const std::string& tool, const Names& allow, const Names& deny,
                 bool exec_rule) const {
    if (matches(deny, tool)) return false;
    if (allow.empty() || matches(allow, tool)) return true;
    return exec_rule && tool == "apply_patch" && matches(allow, "exec");
  }

  bool only_plugin_or_unknown(const Names& allow) const {
    for (const auto& entry : allow) {
      if (entry == "*") return false;
      Names names{entry};
      auto group = group_table().find(entry);
      if (group != group_table().end()) names = group->second;
      for (const auto& name : names)
        for (const auto& c : core_)
          if (one_matches(name, c)) return false;
    }
    return true;
  }

  bool section_ok(const std::string& tool, const json::value* section) const {
    if (!section) return true;
    Names allow = list_of(section, "allow").value_or(Names{}),
          also = list_of(section, "alsoAllow").value_or(Names{});
    if (!also.empty()) {
      if (allow.empty()) allow.push_back("*");
      allow.insert(allow.end(), also.begin(), also.end());
    }
    if (!allow.empty() && only_plugin_or_unknown(allow)) allow.clear();
    return policy_ok(tool, allow, list_of(section, "deny").value_or(Names{}), true);
  }

  bool profile_ok(const std::string& tool, std::optional<std::string> own_name,
                  std::optional<std::string> global_name, const json::value* own,
                  const json::value* global, bool implicit) const {
    Names allow = profile(own_name ? *own_name : global_name.value_or(""));
    if (allow.empty()) return true;
    auto also = list_of(own, "alsoAllow");
    if (!also) also = list_of(global, "alsoAllow");
    if (also) allow.insert(allow.end(), also->begin(), also->end());
    if (implicit && (member(own, "exec") || member(global, "exec")))
      allow.insert(allow.end(), {"exec", "process"});
    if (implicit && (member(own, "fs") || member(global, "fs")))
      allow.insert(allow.end(), {"read", "write", "edit"});
    return policy_ok(tool, allow, {}, true);
  }

  const json::value* agent_tools(const std::string& id) const {
    const json::value* agents = at({"agents"});
    const json::value* list = member(agents, "list");
    if (!list || !list->is_array()) return nullptr;
    for (const auto& entry : list->as_array()) {
      if (string_of(&entry, "id") == id) return member(&entry, "tools");
    }
    return nullptr;
  }

  const json::value* provider_entry(const json::value* tools, const Caller& who) const {
    const json::value* table = member(tools, "byProvider");
    std::string provider = clean(who.provider), model = clean(who.model);
    if (!table || !table->is_object() || provider.empty()) return nullptr;
    std::string full = model.find('/') != std::string::npos ? model : provider + "/" + model;
    for (const auto& wanted : {model.empty() ? std::string() : full, provider}) {
      for (const auto& [key, value] : table->as_object()) {
        if (!wanted.empty() && clean(std::string(key)) == wanted) return &value;
      }
    }
    return nullptr;
  }

  static std::pair<std::string, std::string> group_of(std::string key) {
    std::size_t cut = std::string::npos;
    for (const char* marker : {":thread:", ":topic:"}) {
      std::size_t p = key.rfind(marker);
      if (p != std::string::npos && (cut == std::string::npos || p > cut)) cut = p;
    }
    key = key.substr(0, cut);
    std::smatch m;
    if (std::regex_match(
            key, m, std::regex("(?:agent:[^:]*:)?(?:subagent:)?([^:]+):(?:group|channel):(.+)")))
      return {m[1], m[2]};
    return {};
  }

  const json::value* group_section(const Caller& who) const {
    auto [channel, group] = group_of(who.session_key);
    if (group.empty()) std::tie(channel, group) = group_of(who.parent_session_key);
    if (group.empty()) {
      channel = who.channel;
      group = who.group_id;
    }
    if (group.empty()) return nullptr;
    const json::value* ch = member(at({"channels"}), channel);
    const json::value* groups = nullptr;
    if (const json::value* accounts = member(ch, "accounts"))
      groups = member(member(accounts, who.account.empty() ? "default" : who.account), "groups");
    if (!groups) groups = member(ch, "groups");
    for (const std::string& id : {group, std::string("*")}) {
      const json::value* entry = member(groups, id);
      if (!entry) continue;
      if (const json::value* sender = sender_section(member(entry, "toolsBySender"), who))
        return sender;
      if (const json::value* tools = member(entry, "tools")) return tools;
    }
    return nullptr;
  }

  static std::string sender_text(const std::string& text) {
    std::string out = clean(text);
    return !out.empty() && out[0] == '@' ? out.substr(1) : out;
  }
  static const json::value* sender_section(const json::value* table, const Caller& who) {
    if (!table) return nullptr;
    std::vector<std::pair<std::string, std::string>> order = {{"id", who.sender_id},
                                                              {"e164", who.sender_e164},
                                                              {"username", who.sender_username},
                                                              {"name", who.sender_name}};
    for (const auto& [kind, mine] : order) {
      if (mine.empty()) continue;
      for (const auto& [raw, value] : table->as_object()) {
        std::string key(raw), prefix = "id";
        for (const char* p : {"id", "e164", "username", "name"}) {
          if (key.rfind(std::string(p) + ":", 0) == 0) {
            prefix = p;
            key = key.substr(prefix.size() + 1);
            break;
          }
        }
        if (key != "*" && prefix == kind && sender_text(key) == sender_text(mine)) return &value;
      }
    }
    return member(table, "*");
  }

  bool sandbox_ok(const std::string& tool, const json::value* own,
                  const json::value* global) const {
    const json::value* mine = member(member(own, "sandbox"), "tools");
    const json::value* shared = member(member(global, "sandbox"), "tools");
    Names allow{
        "exec",          "process",          "read",          "write",          "edit",
        "sessions_list", "sessions_history", "sessions_send", "sessions_spawn", "session_status"};
    Names deny{"browser", "canvas", "nodes", "cron", "discord", "gateway"};
    for (const auto& t : tools_)
      if (t.is_channel_tool) deny.push_back(t.name);
    if (auto list = list_of(mine, "allow")) {
      allow = *list;
    } else if (auto other = list_of(shared, "allow")) {
      allow = *other;
    }
    if (auto list = list_of(mine, "deny")) {
      deny = *list;
    } else if (auto other = list_of(shared, "deny")) {
      deny = *other;
    }
    return policy_ok(tool, allow, deny, false);
  }

  bool subagent_ok(const std::string& tool, int depth) const {
    int max_depth = 1;
    if (const json::value* m = member(at({"agents", "defaults", "subagents"}), "maxSpawnDepth"))
      max_depth = static_cast<int>(m->as_int64());
    std::set<std::string> deny{"gateway", "agents_list",   "whatsapp_login", "session_status",
                               "cron",    "memory_search", "memory_get",     "sessions_send"};
    if (depth >= max_depth)
      deny.insert({"subagents", "sessions_list", "sessions_history", "sessions_spawn"});
    const json::value* tools = at({"tools", "subagents", "tools"});
    Names allow = list_of(tools, "allow").value_or(Names{}),
          also = list_of(tools, "alsoAllow").value_or(Names{});
    for (const auto& name : allow) deny.erase(name);
    for (const auto& name : also) deny.erase(name);
    Names all(deny.begin(), deny.end());
    for (const auto& name : list_of(tools, "deny").value_or(Names{})) all.push_back(name);
    if (!allow.empty()) allow.insert(allow.end(), also.begin(), also.end());
    return policy_ok(tool, allow, all, true);
  }

  bool http_ok(const std::string& tool) const {
    std::set<std::string> deny{"sessions_spawn", "sessions_send", "cron", "gateway",
                               "whatsapp_login"};
    const json::value* tools = at({"gateway", "tools"});
    for (const auto& name : list_of(tools, "allow").value_or(Names{})) deny.erase(name);
    Names all(deny.begin(), deny.end());
    for (const auto& name : list_of(tools, "deny").value_or(Names{})) all.push_back(name);
    return !matches(all, tool);
  }

  static bool patch_ok(const json::value* own, const json::value* global, const Caller& who) {
    const json::value* section = member(member(own, "exec"), "applyPatch");
    if (!section) section = member(member(global, "exec"), "applyPatch");
    const json::value* enabled = member(section, "enabled");
    if (!enabled || !enabled->is_bool() || !enabled->as_bool()) return false;
    std::string provider = clean(who.provider), model = clean(who.model);
    if (provider.empty()) return true;
    if (provider != "openai" && provider != "openai-codex") return false;
    Names models = list_of(section, "allowModels").value_or(Names{});
    if (models.empty()) return true;
    return std::count(models.begin(), models.end(), model) > 0 ||
           std::count(models.begin(), models.end(), provider + "/" + model) > 0;
  }

  const json::object& config_;
  const std::vector<ToolFacts>& tools_;
  Names core_;
};

}  // namespace reference

class Generator {
 public:
  explicit Generator(unsigned seed) : random_(seed) {}

  bool chance(int percent) { return pick(100) < percent; }
  int pick(int below) { return static_cast<int>(random_() % static_cast<unsigned>(below)); }
  template <class T>
  const T& any(const std::vector<T>& from) {
    return from[static_cast<std::size_t>(pick(static_cast<int>(from.size())))];
  }

  std::vector<ToolFacts> catalogue() {
    std::vector<ToolFacts> tools;
    for (const char* name :
         {"exec", "process", "read", "write", "edit", "apply_patch", "sessions_list",
          "sessions_send", "sessions_spawn", "session_status", "subagents", "browser", "nodes",
          "cron", "gateway", "tts", "web_search", "memory_get", "agents_list"}) {
      if (chance(90)) tools.push_back({name, "", false, false});
    }
    if (chance(80)) tools.push_back({"weather", "climate", chance(20), false});
    if (chance(80)) tools.push_back({"web_radar", "climate", false, false});
    if (chance(80)) tools.push_back({"telegram", "telegram", false, true});
    if (chance(50)) tools.push_back({"whatsapp_login", "whatsapp", true, false});
    return tools;
  }

  std::string entry() {
    static const std::vector<std::string> entries{"exec",
                                                  "bash",
                                                  "process",
                                                  "read",
                                                  "write",
                                                  "edit",
                                                  "apply_patch",
                                                  "Apply-Patch",
                                                  "sessions_list",
                                                  "sessions_send",
                                                  "sessions_spawn",
                                                  "session_status",
                                                  "subagents",
                                                  "browser",
                                                  "nodes",
                                                  "cron",
                                                  "gateway",
                                                  "tts",
                                                  "web_search",
                                                  "agents_list",
                                                  "weather",
                                                  "climate",
                                                  "telegram",
                                                  "nonsense",
                                                  "group:fs",
                                                  "group:runtime",
                                                  "group:sessions",
                                                  "group:web",
                                                  "group:plugins",
                                                  "group:openclaw",
                                                  "group:none",
                                                  "*",
                                                  "session*",
                                                  "*_s*",
                                                  "web_*",
                                                  "w*r",
                                                  " READ ",
                                                  "",
                                                  "e*",
                                                  "whatsapp_login",
                                                  "image"};
    return any(entries);
  }
  json::array list(int most) {
    json::array out;
    for (int i = pick(most + 1); i > 0; --i) out.emplace_back(entry());
    return out;
  }
  void lists(json::object& section, int percent) {
    if (chance(percent)) section["allow"] = list(6);
    if (chance(percent / 2)) section["alsoAllow"] = list(3);
    if (chance(percent)) section["deny"] = list(3);
  }
  json::object tools() {
    json::object t;
    lists(t, 35);
    if (chance(25))
      t["profile"] = any(std::vector<std::string>{"minimal", "coding", "messaging", "full", "odd"});
    if (chance(25)) t["fs"] = json::object{};
    if (chance(40)) {
      json::object exec;
      if (chance(80)) {
        json::object patch{{"enabled", chance(80)}};
        if (chance(40))
          patch["allowModels"] = json::array{any(std::vector<std::string>{"m1", "openai/m2", "x"})};
        exec["applyPatch"] = patch;
      }
      t["exec"] = exec;
    }
    if (chance(40)) {
      json::object table;
      for (int i = pick(4); i > 0; --i) {
        json::object section;
        lists(section, 40);
        if (chance(30)) section["profile"] = any(std::vector<std::string>{"minimal", "coding"});
        table[any(std::vector<std::string>{"openai", "openai/m1", "router", "vendor/m9", "xai"})] =
            section;
      }
      t["byProvider"] = table;
    }
    if (chance(30)) {
      json::object s;
      if (chance(60)) s["allow"] = list(6);
      if (chance(60)) s["deny"] = list(3);
      t["sandbox"] = json::object{{"tools", s}};
    }
    return t;
  }
  json::object groups() {
    json::object out;
    for (const char* id : {"-1", "-2", "*"}) {
      if (chance(50)) continue;
      json::object group;
      if (chance(60)) {
        json::object section;
        lists(section, 50);
        group["tools"] = section;
      }
      if (chance(50)) {
        json::object senders;
        for (const char* key : {"id:7", "username:@Ada", "name:Ada L", "e164:+44", "8", "*"}) {
          if (chance(60)) continue;
          json::object section;
          lists(section, 50);
          senders[key] = section;
        }
        group["toolsBySender"] = senders;
      }
      out[id] = group;
    }
    return out;
  }
  json::object config() {
    json::object root;
    json::object global = tools();
    if (chance(40)) {
      json::object section;
      lists(section, 50);
      global["subagents"] = json::object{{"tools", section}};
    }
    root["tools"] = global;
    json::array agents;
    for (const char* id : {"main", "a", "b"}) {
      if (chance(60)) agents.push_back(json::object{{"id", id}, {"tools", tools()}});
    }
    json::object agents_section{{"list", agents}};
    if (chance(40)) {
      agents_section["defaults"] =
          json::object{{"subagents", json::object{{"maxSpawnDepth", 1 + pick(3)}}}};
    }
    root["agents"] = agents_section;
    json::object channel{{"groups", groups()}};
    if (chance(40))
      channel["accounts"] = json::object{{"work", json::object{{"groups", groups()}}}};
    root["channels"] = json::object{{"telegram", channel}};
    if (chance(40))
      root["gateway"] =
          json::object{{"tools", json::object{{"allow", list(3)}, {"deny", list(2)}}}};
    return root;
  }

  Caller caller() {
    Caller c;
    c.agent_id = any(std::vector<std::string>{"main", "a", "b", "stranger"});
    c.session_key = "agent:" + c.agent_id + ":" +
                    any(std::vector<std::string>{"main", "telegram:group:-1",
                                                 "telegram:group:-2:topic:4", "telegram:channel:-3",
                                                 "subagent:77", "subagent:telegram:group:-1"});
    if (chance(20)) c.parent_session_key = "agent:main:telegram:group:-2";
    c.provider =
        any(std::vector<std::string>{"", "openai", "OpenAI ", "router", "xai", "openai-codex"});
    c.model = any(std::vector<std::string>{"", "m1", "M2", "vendor/m9", "x-ai/grok"});
    c.channel = any(std::vector<std::string>{"", "telegram", "voice"});
    c.account = any(std::vector<std::string>{"", "work", "other"});
    if (chance(30)) c.group_id = any(std::vector<std::string>{"-1", "-9"});
    if (chance(50)) c.sender_id = any(std::vector<std::string>{"7", "8", "9"});
    if (chance(30)) c.sender_username = any(std::vector<std::string>{"ada", "@Ada", "bob"});
    if (chance(20)) c.sender_name = "ada l";
    if (chance(20)) c.sender_e164 = "+44";
    c.is_owner = chance(60);
    c.sandboxed = chance(40);
    c.subagent_depth = chance(60) ? 0 : pick(4);
    c.http_invoke = chance(30);
    return c;
  }

 private:
  std::mt19937 random_;
};

std::shared_ptr<const ToolPolicy> compile(const json::object& config,
                                          const std::vector<ToolFacts>& tools) {
  return ToolPolicy::compile(config, tools, [](std::string_view) { return std::string("file"); });
}

TEST(ToolPolicyProperty, R217EngineEqualsTheSlowReference) {
  int allowed = 0, denied = 0;
  for (unsigned seed = 1; seed <= 100; ++seed) {
    Generator gen(seed);
    auto tools = gen.catalogue();
    json::object config = gen.config();
    auto policy = compile(config, tools);
    reference::Engine expected(config, tools);
    for (int i = 0; i < 8; ++i) {
      Caller caller = gen.caller();
      for (const ToolFacts& tool : tools) {
        bool want = expected.allows(tool.name, caller);
        ASSERT_EQ(policy->allows(tool.name, caller), want)
            << "seed " << seed << " tool " << tool.name << " agent " << caller.agent_id << " key "
            << caller.session_key << " provider " << caller.provider << " model " << caller.model
            << " sandboxed " << caller.sandboxed << " depth " << caller.subagent_depth << "\n"
            << json::serialize(config) << "\n"
            << policy->decide(tool.name, caller).explain(tool.name);
        Verdict verdict = policy->decide(tool.name, caller);
        ASSERT_EQ(verdict.allowed, want);
        if (!want) {
          ASSERT_NE(verdict.layer, Layer::kNone);
          ASSERT_FALSE(verdict.rule.empty() || verdict.fix.empty() || verdict.file.empty());
        }
        ++(want ? allowed : denied);
      }
    }
  }
  EXPECT_GT(allowed, 500);
  EXPECT_GT(denied, 500);
}

// Every object that may hold a deny list. Sandbox lists only where one is written: writing the
// first replaces the default list, which is documented to do so.
void deny_lists(json::object& section, bool only_existing, std::vector<json::array*>& out) {
  if (!section.contains("deny")) {
    if (only_existing) return;
    section["deny"] = json::array{};
  }
  out.push_back(&section.at("deny").as_array());
}

void collect(json::value& value, std::string_view path, std::vector<json::array*>& out) {
  if (auto* list = value.if_array()) {
    for (auto& item : *list) collect(item, path, out);
    return;
  }
  auto* object = value.if_object();
  if (!object) return;
  bool sandbox = path == "sandbox";
  for (auto& [key, child] : *object) {
    if (auto* section = child.if_object(); section && key == "tools")
      deny_lists(*section, sandbox, out);
    collect(child, key, out);
  }
}

TEST(ToolPolicyProperty, R215AddingADenyNeverWidens) {
  for (unsigned seed = 1; seed <= 200; ++seed) {
    Generator gen(1000 + seed);
    auto tools = gen.catalogue();
    json::value config = gen.config();
    auto before = compile(config.as_object(), tools);
    std::vector<json::array*> lists;
    collect(config, "", lists);
    lists[static_cast<std::size_t>(gen.pick(static_cast<int>(lists.size())))]->emplace_back(
        gen.entry());
    auto after = compile(config.as_object(), tools);
    for (int i = 0; i < 10; ++i) {
      Caller caller = gen.caller();
      for (const ToolFacts& tool : tools) {
        ASSERT_LE(after->allows(tool.name, caller), before->allows(tool.name, caller))
            << "seed " << seed << " tool " << tool.name << "\n"
            << json::serialize(config);
      }
    }
  }
}

// A22: a child is never less confined than its parent, along random chains of spawns.
TEST(ToolPolicyProperty, R226ConfinementIsMonotoneAlongSpawnTrees) {
  for (unsigned seed = 1; seed <= 200; ++seed) {
    Generator gen(5000 + seed);
    auto tools = gen.catalogue();
    json::object config = gen.config();
    auto policy = compile(config, tools);
    Caller parent = gen.caller();
    for (int generation = 0; generation < 6; ++generation) {
      Caller child = parent;
      bool named = parent.session_key.find(":subagent:") != std::string::npos;
      child.subagent_depth = std::max(parent.subagent_depth, named ? 1 : 0) + 1;
      if (parent.parent_session_key.empty()) child.parent_session_key = parent.session_key;
      child.sandboxed = parent.sandboxed || gen.chance(30);
      child.is_owner = parent.is_owner && gen.chance(80);
      for (const ToolFacts& tool : tools) {
        ASSERT_LE(policy->allows(tool.name, child), policy->allows(tool.name, parent))
            << "seed " << seed << " generation " << generation << " tool " << tool.name;
      }
      parent = child;
    }
  }
}

}  // namespace
}  // namespace openclaw::policy
