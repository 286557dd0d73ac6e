// How long one policy decision takes: {"policy_ns":...} over a configuration that uses every layer.
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <new>
#include <string>
#include <vector>

#include "policy/tool_policy.h"

namespace {

std::uint64_t allocations = 0;

constexpr const char* kConfig = R"({
  "tools": {"profile":"coding","alsoAllow":["group:web","message"],"deny":["cron"],
            "byProvider":{"openai":{"deny":["image"]},"openai/gpt-5":{"allow":["*"],"deny":["web_*"]}},
            "exec":{"applyPatch":{"enabled":true,"allowModels":["openai/gpt-5"]}},
            "sandbox":{"tools":{"allow":["group:fs","group:runtime","group:sessions"],"deny":["browser"]}},
            "subagents":{"tools":{"deny":["process"]}}},
  "agents":{"defaults":{"subagents":{"maxSpawnDepth":2}},
            "list":[{"id":"main"},{"id":"work","tools":{"deny":["edit"],
                     "byProvider":{"openai":{"deny":["process"]}}}}]},
  "channels":{"telegram":{"groups":{"*":{"tools":{"deny":["write"]}},
     "-100123":{"toolsBySender":{"id:7":{"allow":["group:fs","exec"]},"*":{"allow":["read","exec"]}}}}}}})";

std::vector<openclaw::policy::ToolFacts> catalogue() {
  std::vector<openclaw::policy::ToolFacts> tools;
  for (const char* name :
       {"exec", "process", "read", "write", "edit", "apply_patch", "sessions_list",
        "sessions_history", "sessions_send", "sessions_spawn", "session_status", "browser", "cron",
        "gateway", "image", "web_search", "web_fetch", "message"}) {
    tools.push_back({name, "", false, false});
  }
  for (int i = 0; i < 100; ++i)
    tools.push_back({"plugin_tool_" + std::to_string(i), "plugin", false, false});
  return tools;
}

std::vector<openclaw::policy::Caller> callers() {
  std::vector<openclaw::policy::Caller> out;
  for (int i = 0; i < 8; ++i) {
    openclaw::policy::Caller c;
    c.agent_id = (i & 1) != 0 ? "work" : "main";
    c.session_key = (i & 2) != 0 ? "agent:work:telegram:group:-100123:topic:9" : "agent:main:main";
    c.provider = "openai";
    c.model = "gpt-5";
    c.channel = "telegram";
    c.sender_id = "7";
    c.is_owner = true;
    c.sandboxed = (i & 4) != 0;
    c.subagent_depth = i % 3;
    out.push_back(c);
  }
  return out;
}

}  // namespace

void* operator new(std::size_t size) {
  ++allocations;
  if (void* memory = std::malloc(size)) return memory;
  throw std::bad_alloc();
}
void operator delete(void* memory) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::size_t) noexcept {
  std::free(memory);
}

int main() {
  using Clock = std::chrono::steady_clock;
  auto policy = openclaw::policy::ToolPolicy::compile(openclaw::json::parse(kConfig).as_object(),
                                                      catalogue(), {});
  const auto who = callers();
  const std::vector<std::string> tools{"exec",    "read",           "apply_patch",
                                       "browser", "plugin_tool_42", "session_status"};
  std::uint64_t yes = 0, calls = 0;
  double best_ns = 1e9;
  std::uint64_t allocated = 0;
  for (int round = 0; round < 7; ++round) {
    std::uint64_t before = allocations, start_calls = calls;
    auto start = Clock::now();
    for (int i = 0; i < 20000; ++i) {
      for (const auto& caller : who) {
        for (const auto& tool : tools) {
          yes += policy->allows(tool, caller) ? 1U : 0U;
          ++calls;
        }
      }
    }
    std::chrono::duration<double, std::nano> took = Clock::now() - start;
    best_ns = std::min(best_ns, took.count() / static_cast<double>(calls - start_calls));
    allocated += allocations - before;
  }
  std::printf("{\"policy_ns\":%.1f,\"policy_allocations\":%llu,\"policy_allowed_share\":%.2f}\n",
              best_ns, static_cast<unsigned long long>(allocated),
              static_cast<double>(yes) / static_cast<double>(calls));
  return 0;
}
