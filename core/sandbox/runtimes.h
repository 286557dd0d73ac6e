// What the backends say of the sandboxes that this gateway made: for those who list and remove
// them. Loop thread only; the references must hold until the answer.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "plugin/plugin_host.h"
#include "sandbox/container_registry.h"
#include "sandbox/sandbox_manager.h"

namespace openclaw::sandbox {

// The running instance that serves a backend id, loaded when needed.
using BackendOf =
    std::function<Awaitable<Result<plugin::PluginInstance*>>(std::string id, Limits limits)>;

struct RuntimeRow {
  std::string backend;
  json::object runtime;  // as `list` of the backend answers it
};
struct RuntimeList {
  std::vector<RuntimeRow> rows;       // by name
  std::vector<std::string> answered;  // backends
  std::vector<std::string> problems;  // of those that did not answer
};
// `kind` is "" or "browser". A backend that does not answer hides the sandboxes of no other; an
// error when none does.
Awaitable<Result<RuntimeList>> list_runtimes(const BackendOf& backend_of,
                                             std::vector<std::string> backends,
                                             std::string gateway_id, std::string kind,
                                             Limits limits);
// `backends` and, after them, those that made what is written down and are not among them.
std::vector<std::string> with_recorded(std::vector<std::string> backends,
                                       const ContainerRegistry& registry);
// One that is gone is success.
Awaitable<Result<void>> remove_runtime(const BackendOf& backend_of, std::string backend,
                                       std::string runtime_id, Limits limits);
// What the row itself and the register tell; whether it is what the settings want is left open.
ContainerInfo info_of_row(const RuntimeRow& row, const ContainerRegistry& registry,
                          std::int64_t now_ms);

}  // namespace openclaw::sandbox
