#include "program/offline.h"

#include "program/workbench.h"
#include "sandbox/sandbox_browsers.h"

namespace openclaw::gateway {
namespace {

using Containers = Result<SandboxList>;
using Findings = Result<std::vector<sandbox::Finding>>;
using Names = Result<std::vector<std::string>>;

Awaitable<> list_into(sandbox::SandboxManager* sandboxes, Limits limits, Containers* out) {
  SandboxList found;
  auto containers = co_await sandboxes->list(limits);
  if (containers.has_error()) {
    *out = containers.error();
    co_return;
  }
  found.containers = std::move(*containers);
  if (auto* rooms = sandboxes->browsers()) {
    auto browsers = co_await rooms->list(limits);
    if (browsers.has_error()) {
      *out = browsers.error();
      co_return;
    }
    found.browsers = std::move(*browsers);
  }
  *out = std::move(found);
}

Awaitable<> recreate_into(sandbox::SandboxManager* sandboxes, RecreateFilter filter, Limits limits,
                          Names* out) {
  std::vector<std::string> names;
  if (auto* browsers = sandboxes->browsers()) {
    *out = co_await browsers->recreate(filter.session_key, filter.agent_id, limits);
    if (out->has_error()) co_return;
    names = std::move(out->value());
  }
  if (!filter.only_browsers) {
    *out = co_await sandboxes->recreate(filter.session_key, filter.agent_id, filter.force, limits);
    if (out->has_error()) co_return;
    for (auto& name : out->value()) names.push_back(std::move(name));
  }
  *out = std::move(names);
}

Awaitable<> probe_into(sandbox::SandboxManager* sandboxes, sandbox::View view, Limits limits,
                       Findings* out) {
  *out = co_await sandboxes->probe(std::move(view), limits);
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

Names recreate_sandboxes(const Offline& offline, RecreateFilter filter) {
  Workbench bench(offline.paths, offline.config);
  Names removed = Error(Code::kInternal, "the sandboxes were not removed");
  bench.run(recreate_into(&bench.sandboxes(), std::move(filter), Limits::within(offline.limit),
                          &removed));
  return removed;
}

Findings probe_sandbox(const Offline& offline, const sandbox::View& view) {
  Workbench bench(offline.paths, offline.config);
  Findings found = Error(Code::kInternal, "the sandbox backend did not answer");
  bench.run(probe_into(&bench.sandboxes(), view, Limits::within(offline.limit), &found));
  return found;
}

std::vector<std::string> prune_sandboxes(const Offline& offline) {
  Workbench bench(offline.paths, offline.config);
  std::vector<std::string> removed;
  bench.run(sweep_into(&bench.sandboxes(), &removed));
  return removed;
}

}  // namespace openclaw::gateway
