#include "sandbox/spare_pool.h"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <system_error>
#include <vector>

#include <spdlog/spdlog.h>

#include "json_fields.h"
#include "sandbox/settings.h"
#include "sandbox/setup_check.h"
#include "sandbox/workspace_setup.h"
#include "storage/random_hex.h"

namespace openclaw::sandbox {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

namespace {

constexpr std::string_view kScope = "spare:";
constexpr auto kRefillPause = 2s;
constexpr auto kSpareMakeTime = 15min;  // a setup command may install things
constexpr auto kRemoveTime = 60s;

std::string spare_scope(const std::string& agent_id) {
  return std::string(kScope) + agent_id + ":" + storage::random_hex(6);
}

// The view of a sandbox that belongs to no session yet.
View spare_view(const config::Config& config, const config::Paths& paths,
                const std::string& agent_id) {
  View view = resolve_view(config, paths, agent_id, spare_scope(agent_id));
  if (!view.sandboxed) return view;
  view.config_hash = view.spare_hash;
  view.spec["configHash"] = view.spare_hash;
  view.spec["spare"] = true;
  return view;
}

bool has_own_workspace(const View& view) {
  return view.workspace_access != "rw";
}

// Never onto a folder that is there: it may be mounted somewhere, and is not ours to replace.
Result<void> give_folder(const fs::path& from, const fs::path& to) {
  if (::renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), RENAME_NOREPLACE) == 0) return {};
  int reason = errno;
  return make_error(
      reason == EEXIST ? Code::kAlreadyExists : Code::kInternal,
      "cannot rename " + from.string() + " to " + to.string() + ": " + std::strerror(reason));
}

}  // namespace

SparePool::SparePool(Runtime& runtime, config::ConfigStore& config, ContainerRegistry& registry,
                     TaskScope& scope, Backend backend, Clock now_ms)
    : runtime_(runtime),
      config_(config),
      registry_(registry),
      scope_(scope),
      backend_(std::move(backend)),
      now_ms_(std::move(now_ms)) {}

const SparePool::Spare* SparePool::find(const std::string& scope_key) const {
  for (const auto& [name, spare] : spares_) {
    if (spare.scope_key == scope_key) return &spare;
  }
  return nullptr;
}

void SparePool::forget(const std::string& container_name) {
  spares_.erase(container_name);
}

// ---- filling
// ---------------------------------------------------------------------------------------------

void SparePool::refill() {
  if (!wanted_ || refill_due_) return;
  refill_due_ = true;
  scope_.spawn("sandbox spares", refill_after(kRefillPause));
}

Awaitable<> SparePool::refill_after(std::chrono::milliseconds pause) {
  Limits limits = within(pause);
  co_await sleep_until(runtime_, limits);
  refill_due_ = false;
  if (!scope_.abort().aborted()) co_await fill();
}

Awaitable<> SparePool::fill() {
  wanted_ = true;
  again_ = true;
  if (filling_) co_return;
  filling_ = true;
  while (std::exchange(again_, false) && !scope_.abort().aborted()) {
    std::vector<std::string> agents = agents_with_settings(config_.current()->root());
    std::vector<std::pair<std::string, Spare>> orphans;
    for (const auto& [name, spare] : spares_) {
      bool wanted = std::find(agents.begin(), agents.end(), spare.agent_id) != agents.end();
      if (!wanted && spare.state == State::kReady) orphans.emplace_back(name, spare);
    }
    for (auto& [name, spare] : orphans) co_await discard(std::move(name), std::move(spare));
    for (auto& agent : agents) co_await fill_for(agent);
  }
  filling_ = false;
}

Awaitable<> SparePool::fill_for(std::string agent_id) {
  config::Snapshot config = config_.current();
  View view = spare_view(*config, config_.paths(), agent_id);
  int missing = view.sandboxed && !cannot_.contains(view.backend) ? view.spares : 0;
  std::vector<std::pair<std::string, Spare>> surplus;
  for (const auto& [name, spare] : spares_) {
    if (spare.agent_id != agent_id || spare.state != State::kReady) continue;
    bool fits = spare.hash == view.spare_hash && spare.backend == view.backend && missing > 0;
    if (fits) {
      --missing;
    } else {
      surplus.emplace_back(name, spare);
    }
  }
  for (auto& [name, spare] : surplus) co_await discard(std::move(name), std::move(spare));
  for (; missing > 0 && !scope_.abort().aborted(); --missing) {
    View next = spare_view(*config, config_.paths(), agent_id);
    auto made = co_await make(std::move(next));
    if (made.has_value()) continue;
    std::string problem = made.error().message;
    if (problem != reported_) spdlog::warn("no spare sandbox for agent {}: {}", agent_id, problem);
    reported_ = std::move(problem);
    co_return;
  }
}

Awaitable<Result<void>> SparePool::make(View view) {
  auto allowed = check_usable(*config_.current(), view);
  if (allowed.has_error()) co_return allowed.error();
  Limits limits = within(kSpareMakeTime);
  std::function<Result<void>()> prepare = [view] { return prepare_workspace(view); };
  auto prepared = co_await run_blocking<void>(runtime_, limits, std::move(prepare));
  if (prepared.has_error()) co_return prepared.error();
  auto instance = co_await backend_(view.backend, limits);
  if (instance.has_error()) co_return instance.error();

  std::string name = text_of(view.spec, "name");
  Spare spare{State::kMaking,
              view.scope_key,
              "",
              view.agent_id,
              view.backend,
              view.spare_hash,
              has_own_workspace(view) ? view.host_workspace : fs::path()};
  spares_[name] = spare;
  registry_.put({name,
                 view.scope_key,
                 text_of(view.spec, "image"),
                 view.spare_hash,
                 now_ms_(),
                 now_ms_(),
                 {},
                 {},
                 view.backend});
  std::vector<std::string> texts = {json::serialize(view.spec)};
  auto answer = co_await (*instance)->call("sandbox.ensure", std::move(texts), limits);
  if (answer.has_error()) {
    co_await discard(name, std::move(spare));
    co_return answer.error();
  }
  const json::object* runtime = answer->if_object();
  spare.runtime_id = runtime ? text_of(*runtime, "runtimeId") : std::string();
  if (spare.runtime_id.empty() || !flag_of(*runtime, "spare")) {
    cannot_.insert(view.backend);
    co_await discard(name, std::move(spare));
    co_return make_error(Code::kUnimplemented,
                         "the sandbox backend " + view.backend +
                             " keeps no spares (agents.defaults.sandbox.pool has no effect)");
  }
  spare.state = State::kReady;
  spares_[name] = std::move(spare);
  co_return Result<void>();
}

// ---- taking
// ----------------------------------------------------------------------------------------------

Awaitable<std::optional<json::object>> SparePool::take(View view, Limits limits) {
  auto found = std::find_if(spares_.begin(), spares_.end(), [&](const auto& entry) {
    const Spare& spare = entry.second;
    return spare.state == State::kReady && spare.agent_id == view.agent_id &&
           spare.hash == view.spare_hash && spare.backend == view.backend;
  });
  if (view.spares == 0 || found == spares_.end()) co_return std::nullopt;
  std::string name = found->first;
  found->second.state = State::kTaken;
  Spare spare = found->second;
  if (!spare.workspace.empty()) {
    std::function<Result<void>()> give = [from = spare.workspace, to = view.host_workspace] {
      return give_folder(from, to);
    };
    auto given = co_await run_blocking<void>(runtime_, limits, std::move(give));
    if (given.has_error() && given.error().code == Code::kAlreadyExists) {
      if (auto kept = spares_.find(name); kept != spares_.end()) kept->second.state = State::kReady;
      co_return std::nullopt;
    }
    if (given.has_error()) {
      spdlog::warn("a spare sandbox could not be used: {}", given.error().message);
      co_await discard(name, std::move(spare));
      co_return std::nullopt;
    }
    spare.workspace.clear();  // the session's now, whatever becomes of the container
  }
  refill();
  auto runtime = co_await hand_over(spare, std::move(view), limits);
  if (runtime) {
    spares_.erase(name);
    registry_.erase(name);
  } else {
    co_await discard(name, std::move(spare));
  }
  co_return runtime;
}

Awaitable<std::optional<json::object>> SparePool::hand_over(Spare spare, View view, Limits limits) {
  auto instance = co_await backend_(spare.backend, limits);
  if (instance.has_error()) co_return std::nullopt;
  view.spec["adopt"] = spare.runtime_id;
  view.spec["replaceStale"] = true;
  std::vector<std::string> texts = {json::serialize(view.spec)};
  auto answer = co_await (*instance)->call("sandbox.ensure", std::move(texts), limits);
  const json::object* runtime = answer.has_value() ? answer->if_object() : nullptr;
  if (runtime && text_of(*runtime, "runtimeId") == spare.runtime_id) co_return *runtime;
  if (answer.has_error())
    spdlog::warn("a spare sandbox could not be used: {}", answer.error().message);
  co_return std::nullopt;
}

// ---- removal
// ---------------------------------------------------------------------------------------------

Awaitable<> SparePool::discard(std::string container_name, Spare spare) {
  Limits limits = within(kRemoveTime);
  auto instance = co_await backend_(spare.backend, limits);
  if (instance.has_value() && !spare.runtime_id.empty()) {
    std::vector<std::string> texts = {spare.runtime_id};
    auto gone = co_await (*instance)->call("sandbox.remove", std::move(texts), limits);
    if (gone.has_error() && gone.error().code != Code::kNotFound)
      spdlog::warn("spare sandbox {}: {}", container_name, gone.error().message);
  }
  if (!spare.workspace.empty()) {
    std::function<Result<void>()> remove = [folder = spare.workspace] {
      std::error_code ignored;
      fs::remove_all(folder, ignored);
      return Result<void>();
    };
    co_await run_blocking<void>(runtime_, limits, std::move(remove));
  }
  spares_.erase(container_name);
  registry_.erase(container_name);
}

void remove_spare_workspace(const config::Config& config, const config::Paths& paths,
                            const std::string& scope_key) {
  if (!scope_key.starts_with(kScope)) return;
  std::string agent = scope_key.substr(kScope.size(), scope_key.rfind(':') - kScope.size());
  View view = resolve_view(config, paths, agent, scope_key);
  if (!view.sandboxed || view.scope_key != scope_key || !has_own_workspace(view)) return;
  std::error_code ignored;
  fs::remove_all(view.host_workspace, ignored);
}

}  // namespace openclaw::sandbox
