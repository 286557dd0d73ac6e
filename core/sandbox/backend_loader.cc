#include "sandbox/backend_loader.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include <openclaw/sandbox.h>

#include "sandbox/runtimes.h"
#include "sandbox/settings.h"

namespace openclaw::sandbox {
namespace {

constexpr std::chrono::seconds kStartTime{60};

}  // namespace

Awaitable<Result<plugin::PluginInstance*>> BackendLoader::get(std::string id, Limits limits) {
  if (auto* running = plugins_.find_instance(OC_SANDBOX_BACKEND_V1, id)) co_return running;
  // In line first: a task that is spawned may end before spawn() returns.
  std::function<void(Completer<plugin::PluginInstance*>)> start =
      [this, id](Completer<plugin::PluginInstance*> done) {
        auto& waiting = waiting_[id];
        waiting.push_back(std::move(done));
        if (waiting.size() == 1) scope_.spawn("sandbox backend " + id, load_for_all(id));
      };
  co_return co_await suspend<plugin::PluginInstance*>(runtime_, limits, std::move(start));
}

Awaitable<> BackendLoader::load_for_all(std::string id) {
  auto loaded = co_await load(id);
  auto waiting = std::move(waiting_[id]);
  waiting_.erase(id);
  for (auto& waiter : waiting) waiter.now(loaded);
}

Awaitable<Result<plugin::PluginInstance*>> BackendLoader::load(std::string id) {
  plugin::InstanceRequest request;
  for (const auto& info : plugins_.list()) {
    const auto& backends = info.manifest.backends;
    if (std::find(backends.begin(), backends.end(), id) != backends.end())
      request.plugin_id = info.id;
  }
  if (request.plugin_id.empty()) {
    co_return make_error(Code::kFailedPrecondition,
                         "no plugin provides the sandbox backend \"" + id +
                             "\" (agents.defaults.sandbox.backend); see: openclaw plugins list");
  }
  config::Snapshot config = config_.current();
  const json::value* section = config->find("plugins.entries." + request.plugin_id + ".config");
  if (section && section->is_object()) request.config = section->get_object();
  auto created = co_await plugins_.create_instance(std::move(request));
  if (created.has_error()) co_return created.error();
  Limits limits{Deadline::after(kStartTime), scope_.abort()};
  auto started = co_await plugins_.start(**created, limits);
  if (started.has_error()) co_return started.error();
  co_return *created;
}

std::vector<std::string> BackendLoader::worth_asking(const ContainerRegistry& registry) const {
  std::vector<std::string> out = backends_in_use(config_.current()->root());
  for (const auto& info : plugins_.list()) {
    for (const auto& id : info.manifest.backends) {
      bool known = std::find(out.begin(), out.end(), id) != out.end();
      if (!known && plugins_.find_instance(OC_SANDBOX_BACKEND_V1, id)) out.push_back(id);
    }
  }
  return with_recorded(std::move(out), registry);
}

}  // namespace openclaw::sandbox
