// SparePool: sandboxes that are ready before a session asks for one, so that its first command does
// not wait for a container (agents.defaults.sandbox.pool, scope "session").
//
// A spare has a workspace folder of its own. The session that takes it gets that folder under its
// own name: a rename on the host, which the mount in the sandbox follows. A spare belongs to one
// run of the gateway: one that an earlier run left may have been half taken, and is removed by the
// sweeper.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>

#include "async/runtime.h"
#include "async/task_scope.h"
#include "config/config.h"
#include "plugin/plugin_host.h"
#include "result.h"
#include "sandbox/container_registry.h"
#include "sandbox/sandbox_manager.h"

namespace openclaw::sandbox {

// Loop thread only.
class SparePool {
 public:
  using Backend = std::function<Awaitable<Result<plugin::PluginInstance*>>(std::string, Limits)>;
  using Clock = std::function<std::int64_t()>;

  SparePool(Runtime& runtime, config::ConfigStore& config, ContainerRegistry& registry,
            TaskScope& scope, Backend backend, Clock now_ms);

  // Makes as many spares as the settings say, removes those of other settings. Until the first call
  // nothing is made: a command line that looks at sandboxes wants none.
  Awaitable<> fill();
  // The same in the background, after a pause: who has just taken a spare is busy with it.
  void refill();

  // Gives the session of `view` a spare, with the workspace: what `ensure` answered. Nothing when
  // none fits or the session has a workspace already.
  Awaitable<std::optional<json::object>> take(View view, Limits limits);

  // True for a sandbox that is a spare, is being made one or is being taken. By its scope: while
  // one is made, its container may have another name.
  bool holds(const std::string& scope_key) const { return find(scope_key) != nullptr; }
  // True until a session may have it: its container may be running already.
  bool is_making(const std::string& scope_key) const {
    const Spare* spare = find(scope_key);
    return spare && spare->state == State::kMaking;
  }
  void forget(const std::string& container_name);

 private:
  enum class State { kMaking, kReady, kTaken };
  struct Spare {
    State state = State::kMaking;
    std::string scope_key, runtime_id, agent_id, backend, hash;
    std::filesystem::path workspace;  // empty: the agent's own, which nobody renames or removes
  };

  const Spare* find(const std::string& scope_key) const;
  Awaitable<> refill_after(std::chrono::milliseconds pause);
  Awaitable<> fill_for(std::string agent_id);
  Awaitable<Result<void>> make(View view);
  Awaitable<std::optional<json::object>> hand_over(Spare spare, View view, Limits limits);
  Awaitable<> discard(std::string container_name, Spare spare);
  Limits within(std::chrono::milliseconds time) const {
    return {Deadline::after(time), scope_.abort()};
  }

  Runtime& runtime_;
  config::ConfigStore& config_;
  ContainerRegistry& registry_;
  TaskScope& scope_;
  Backend backend_;
  Clock now_ms_;
  bool wanted_ = false, filling_ = false, again_ = false, refill_due_ = false;
  std::map<std::string, Spare> spares_;  // by container name
  std::set<std::string> cannot_;         // backends that hand no sandbox over
  std::string reported_;                 // the last problem, said once
};

// Removes the workspace of a spare that nobody took. `scope_key` is the spare's own; any other
// names no such folder, and nothing happens.
void remove_spare_workspace(const config::Config& config, const config::Paths& paths,
                            const std::string& scope_key);

}  // namespace openclaw::sandbox
