#include "program/offline.h"

#include "program/workbench.h"

namespace openclaw::gateway {
namespace {

using Containers = Result<std::vector<sandbox::ContainerInfo>>;
using Names = Result<std::vector<std::string>>;

Awaitable<> list_into(sandbox::SandboxManager* sandboxes, Limits limits, Containers* out) {
  *out = co_await sandboxes->list(limits);
}

Awaitable<> recreate_into(sandbox::SandboxManager* sandboxes, std::string session_key,
                          std::string agent_id, bool force, Limits limits, Names* out) {
  *out = co_await sandboxes->recreate(std::move(session_key), std::move(agent_id), force, limits);
}

Awaitable<> sweep_into(sandbox::SandboxManager* sandboxes, std::vector<std::string>* out) {
  *out = co_await sandboxes->sweep();
}

}  // namespace

Containers list_sandboxes(const Offline& offline) {
  Workbench bench(offline.paths, offline.config);
  Containers found = Error(Code::kInternal, "the list of sandboxes did not come");
  bench.run(list_into(&bench.sandboxes(), Limits::within(offline.limit), &found));
  return found;
}

Names recreate_sandboxes(const Offline& offline, std::string session_key, std::string agent_id,
                         bool force) {
  Workbench bench(offline.paths, offline.config);
  Names removed = Error(Code::kInternal, "the sandboxes were not removed");
  bench.run(recreate_into(&bench.sandboxes(), std::move(session_key), std::move(agent_id), force,
                          Limits::within(offline.limit), &removed));
  return removed;
}

std::vector<std::string> prune_sandboxes(const Offline& offline) {
  Workbench bench(offline.paths, offline.config);
  std::vector<std::string> removed;
  bench.run(sweep_into(&bench.sandboxes(), &removed));
  return removed;
}

}  // namespace openclaw::gateway
