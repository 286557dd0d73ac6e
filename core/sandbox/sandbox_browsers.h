// SandboxBrowsers: the browser containers of sandboxed sessions, one per scope, made at their first
// use. They live and die by the rules of the other sandboxes, in a register of their own.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "async/runtime.h"
#include "async/task_scope.h"
#include "config/config.h"
#include "net/http_client.h"
#include "plugin/plugin_host.h"
#include "result.h"
#include "sandbox/browser_view.h"
#include "sandbox/container_registry.h"
#include "sandbox/runtimes.h"
#include "sandbox/sandbox_manager.h"

namespace openclaw::sandbox {

struct Browser {
  std::string name, runtime_id, state, config_hash;
  std::string backend;
  std::int64_t created_at_ms = 0;
  // On 127.0.0.1 of the engine's host; 0: not published.
  std::uint16_t cdp_port = 0, novnc_port = 0;
};

// Loop thread only. Owned by the SandboxManager, which lends it the backends.
class SandboxBrowsers {
 public:
  SandboxBrowsers(Runtime& runtime, config::ConfigStore& config, BackendOf backend_of,
                  std::function<std::int64_t()> now_ms, std::function<std::int64_t()> steady_ms);

  BrowserView resolve(std::string_view agent_id, std::string_view session_key) const;

  // A browser that answers on its DevTools port; made or replaced first when needed, one attempt
  // per scope at a time. Errors tell what to type.
  Awaitable<Result<Browser>> ensure(BrowserView view, Limits limits);
  // As it is now; nothing when there is none. Makes none.
  Awaitable<Result<std::optional<Browser>>> find(BrowserView view, Limits limits);
  // False when there was none. The profile is kept.
  Awaitable<Result<bool>> remove(BrowserView view, Limits limits);

  // For `sandbox list`, `sandbox recreate --browser` and the sweeper, as SandboxManager has them.
  Awaitable<Result<std::vector<ContainerInfo>>> list(Limits limits);
  Awaitable<Result<std::vector<std::string>>> recreate(std::string session_key,
                                                       std::string agent_id, Limits limits);
  Awaitable<std::vector<std::string>> sweep(Limits limits);
  Awaitable<> stop(Deadline deadline);

 private:
  Awaitable<> make(BrowserView view);
  Awaitable<Result<Browser>> made(BrowserView view);
  Awaitable<Result<void>> answers(BrowserView view, Browser browser, Limits limits);
  Awaitable<Result<void>> remove_container(ContainerInfo info, Limits limits);
  Awaitable<Result<std::vector<ContainerInfo>>> list_of(std::vector<std::string> backends,
                                                        Limits limits);
  ContainerInfo info_of(const RuntimeRow& row) const;
  Limits until_stop(std::chrono::milliseconds time) const {
    return {Deadline::after(time), scope_.abort()};
  }

  Runtime& runtime_;
  config::ConfigStore& config_;
  BackendOf backend_of_;
  std::function<std::int64_t()> now_ms_;
  ContainerRegistry registry_;
  net::HttpClient http_;
  TaskScope scope_;
  std::map<std::string, std::vector<Completer<Browser>>> waiting_;  // by name
};

}  // namespace openclaw::sandbox
