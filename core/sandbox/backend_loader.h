// BackendLoader: the running instance of a sandbox backend, loaded when it is first needed, once
// for all who wait. Loop thread only.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "async/runtime.h"
#include "async/task_scope.h"
#include "config/config.h"
#include "plugin/plugin_host.h"
#include "sandbox/container_registry.h"

namespace openclaw::sandbox {

class BackendLoader {
 public:
  // Loading goes on in `scope` when the one who asked first gives up.
  BackendLoader(Runtime& runtime, plugin::PluginHost& plugins, config::ConfigStore& config,
                TaskScope& scope)
      : runtime_(runtime), plugins_(plugins), config_(config), scope_(scope) {}

  // kFailedPrecondition: no plugin provides it.
  Awaitable<Result<plugin::PluginInstance*>> get(std::string id, Limits limits);
  // Those that the settings name, those that run because they did before, and those that made what
  // is written down: other settings are no reason to leave it behind.
  std::vector<std::string> worth_asking(const ContainerRegistry& registry) const;

 private:
  Awaitable<> load_for_all(std::string id);
  Awaitable<Result<plugin::PluginInstance*>> load(std::string id);

  Runtime& runtime_;
  plugin::PluginHost& plugins_;
  config::ConfigStore& config_;
  TaskScope& scope_;
  std::map<std::string, std::vector<Completer<plugin::PluginInstance*>>> waiting_;  // by id
};

}  // namespace openclaw::sandbox
