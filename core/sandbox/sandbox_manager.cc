#include "sandbox/sandbox_manager.h"

#include <time.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <set>
#include <utility>

#include <spdlog/spdlog.h>

#include "async/task_scope.h"
#include "json_fields.h"
#include "sandbox/backend_exec.h"
#include "sandbox/backend_loader.h"
#include "sandbox/container_registry.h"
#include "sandbox/host_probe.h"
#include "sandbox/prune.h"
#include "sandbox/resolve.h"
#include "sandbox/runtimes.h"
#include "sandbox/sandbox_browsers.h"
#include "sandbox/settings.h"
#include "sandbox/setup_check.h"
#include "sandbox/spare_pool.h"
#include "sandbox/workspace_setup.h"

namespace openclaw::sandbox {

namespace {

using namespace std::chrono_literals;

constexpr auto kSweepEvery = 5min;
// A first use may run a setup command that installs things.
constexpr auto kEnsureTime = 15min;
constexpr auto kCallTime = 60s;

std::int64_t wall_clock_ms() {
  auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
}

// The time that the host slept counts: its sandboxes were idle.
std::int64_t steady_clock_ms() {
  timespec now{};
  ::clock_gettime(CLOCK_BOOTTIME, &now);
  return std::int64_t{now.tv_sec} * 1000 + now.tv_nsec / 1'000'000;
}

// Quoted for a shell: session keys hold what people on channels chose.
std::string shell_quoted(std::string_view text) {
  std::string out = "'";
  for (char c : text) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return out + "'";
}

std::string recreate_command(const View& view) {
  if (view.scope == "shared") return "openclaw sandbox recreate --all";
  if (view.scope == "agent")
    return "openclaw sandbox recreate --agent " + shell_quoted(view.agent_id);
  return "openclaw sandbox recreate --session " + shell_quoted(view.session_key);
}

// A container that is ready for commands.
struct Ready {
  std::string id, name, config_hash, backend;
};

class Manager final : public SandboxManager {
 public:
  Manager(Runtime& runtime, plugin::PluginHost& plugins, config::ConfigStore& config,
          std::function<std::int64_t()> now_ms, std::function<std::int64_t()> steady_ms)
      : runtime_(runtime),
        config_(config),
        now_ms_(std::move(now_ms)),
        registry_(runtime, config.paths(), steady_ms),
        scope_(runtime),
        backends_(runtime, plugins, config, scope_),
        spares_(runtime, config, registry_, scope_, backend_of_, now_ms_),
        browsers_(runtime, config, backend_of_, now_ms_, steady_ms) {}

  void start_sweeping() { scope_.spawn("sandbox sweeper", sweep_forever()); }

  View resolve(std::string_view agent_id, std::string_view session_key) const override {
    return views_.of(config_.current(), config_.paths(), agent_id, session_key);
  }
  Awaitable<Result<std::unique_ptr<Exec>>> exec(View view, ExecRequest request, OutputSink output,
                                                Limits limits) override;
  Awaitable<Result<std::vector<ContainerInfo>>> list(Limits limits) override;
  Awaitable<Result<std::vector<std::string>>> recreate(std::string session_key,
                                                       std::string agent_id, bool force,
                                                       Limits limits) override;
  Awaitable<Result<std::vector<Finding>>> probe(View view, Limits limits) override;
  Awaitable<> stop(Deadline deadline) override;
  SandboxBrowsers* browsers() override { return &browsers_; }
  void keep_spares() override {
    if (std::exchange(keeping_spares_, true)) return spares_.refill();
    scope_.spawn("sandbox spares", clear_and_fill());
  }
  Awaitable<std::vector<std::string>> sweep() override;

 private:
  Awaitable<Result<Ready>> ready(View view, Limits limits);
  Awaitable<> make_ready(View view);
  Awaitable<> clear_and_fill();
  Awaitable<Result<Ready>> ensured(View view);
  Ready keep(const View& view, const json::object& runtime);
  Awaitable<> run_exec(std::shared_ptr<ExecState> state, View view, Ready where);
  Awaitable<Result<RuntimeList>> runtimes(Limits limits);
  bool worth_a_look() const;
  void forget_gone(const RuntimeList& found, std::int64_t asked_at_ms);
  Awaitable<Result<void>> remove(ContainerInfo info, Limits limits);
  Awaitable<Result<void>> until_gone(std::string name, Limits limits);
  Awaitable<> sweep_forever();
  ContainerInfo info_of(const RuntimeRow& row) const;
  bool matches(const ContainerInfo& info, const std::string& session_key,
               const std::string& agent_id) const;
  bool in_use(const std::string& scope_key) const;
  const char* why_to_remove(const config::Config& config, const ContainerInfo& info) const;
  Limits until_stop(std::chrono::milliseconds time) const {
    return {Deadline::after(time), scope_.abort()};
  }

  Runtime& runtime_;
  config::ConfigStore& config_;
  std::function<std::int64_t()> now_ms_;
  mutable ViewCache views_;
  ContainerRegistry registry_;
  TaskScope scope_;
  BackendLoader backends_;
  const BackendOf backend_of_ = [this](std::string id, Limits limits) {
    return backends_.get(std::move(id), limits);
  };
  SparePool spares_;
  bool keeping_spares_ = false;
  // Who waits for the one attempt under way, by scope key.
  std::map<std::string, std::vector<Completer<Ready>>> making_;
  std::map<std::string, Ready> known_;                     // by scope key
  std::map<std::string, int> running_;                     // commands by scope key
  std::map<std::string, std::shared_ptr<Event>> leaving_;  // containers that are being removed
  std::vector<std::weak_ptr<ExecState>> live_;
  SandboxBrowsers browsers_;
  bool looked_ = false;           // for what an earlier gateway left
  std::set<std::string> warned_;  // of what is said once: stale containers, silent backends
};

// ---- containers
// -------------------------------------------------------------------------------------------

// One attempt per scope at a time; it goes on when the one who asked first gives up.
Awaitable<Result<Ready>> Manager::ready(View view, Limits limits) {
  auto known = known_.find(view.scope_key);
  if (known != known_.end() && known->second.config_hash == view.config_hash &&
      known->second.backend == view.backend && known->second.name == text_of(view.spec, "name"))
    co_return known->second;
  std::string key = view.scope_key;
  std::function<void(Completer<Ready>)> start = [this, key, view](Completer<Ready> done) {
    auto& waiting = making_[key];
    waiting.push_back(std::move(done));
    if (waiting.size() == 1) scope_.spawn("sandbox " + key, make_ready(view));
  };
  co_return co_await suspend<Ready>(runtime_, limits, std::move(start));
}

Awaitable<> Manager::make_ready(View view) {
  std::string key = view.scope_key;
  auto outcome = co_await ensured(std::move(view));
  if (outcome.has_value()) known_[key] = *outcome;
  auto waiting = std::move(making_[key]);
  making_.erase(key);
  for (auto& waiter : waiting) waiter.now(outcome);
}

Awaitable<Result<Ready>> Manager::ensured(View view) {
  Limits limits = until_stop(kEnsureTime);
  std::string name = text_of(view.spec, "name");
  auto left = co_await until_gone(name, limits);
  if (left.has_error()) co_return left.error();
  const RegistryEntry* entry = registry_.find(name);
  if (!entry) {
    auto spare = co_await spares_.take(view, limits);
    if (spare) co_return keep(view, *spare);
  }
  std::function<Result<void>()> prepare = [view] { return prepare_workspace(view); };
  auto prepared = co_await run_blocking<void>(runtime_, limits, std::move(prepare));
  if (prepared.has_error()) co_return prepared.error();
  auto instance = co_await backends_.get(view.backend, limits);
  if (instance.has_error()) co_return instance.error();
  entry = registry_.find(name);
  const std::int64_t now = now_ms_();
  bool hot = in_use(view.scope_key) || (entry && is_hot(now, registry_.last_used_ms(*entry, now)));
  view.spec["replaceStale"] = !hot;
  std::vector<std::string> texts = {json::serialize(view.spec)};
  auto start = std::chrono::steady_clock::now();
  auto answer = co_await (*instance)->call("sandbox.ensure", std::move(texts), limits);
  if (answer.has_error()) co_return answer.error();
  const json::object* runtime = answer->if_object();
  if (!runtime || text_of(*runtime, "runtimeId").empty()) {
    co_return make_error(Code::kProtocol,
                         "the sandbox backend " + view.backend + " answered without a runtimeId");
  }
  if (flag_of(*runtime, "created")) {
    auto took = std::chrono::steady_clock::now() - start;
    spdlog::info("sandbox {} made in {} ms", name,
                 std::chrono::duration_cast<std::chrono::milliseconds>(took).count());
  }
  co_return keep(view, *runtime);
}

// Writes down what `ensure` answered.
Ready Manager::keep(const View& view, const json::object& runtime) {
  std::string name = text_of(view.spec, "name");
  std::string hash = text_of(runtime, "configHash");
  if (flag_of(runtime, "stale") && warned_.insert(name + view.config_hash).second) {
    spdlog::warn(
        "sandbox {} was used a moment ago and keeps its old settings until it is idle; to apply "
        "them now: {}",
        name, recreate_command(view));
  }
  if (flag_of(runtime, "created")) {
    for (const auto& key : open_walls(*view.settings))
      spdlog::warn("sandbox {} was made with a wall down: {} is set", name, key);
  }
  RegistryEntry fresh{name,
                      view.scope_key,
                      text_of(runtime, "image"),
                      hash,
                      number_of(runtime, "createdAtMs"),
                      now_ms_(),
                      text_of(runtime, "execPath"),
                      text_of(runtime, "execPathWhy"),
                      view.backend};
  registry_.put(std::move(fresh));
  return Ready{text_of(runtime, "runtimeId"), name, hash, view.backend};
}

bool Manager::in_use(const std::string& scope_key) const {
  auto found = running_.find(scope_key);
  return found != running_.end() && found->second > 0;
}

// ---- commands
// ---------------------------------------------------------------------------------------------

Awaitable<Result<std::unique_ptr<Exec>>> Manager::exec(View view, ExecRequest request,
                                                       OutputSink output, Limits limits) {
  if (!view.sandboxed) {
    co_return make_error(Code::kFailedPrecondition, "no sandbox for this session: " + view.why);
  }
  auto allowed = check_usable(*config_.current(), view);
  if (allowed.has_error()) co_return allowed.error();
  auto where = co_await ready(view, limits);
  while (where.has_value() && leaving_.contains(where->name)) where = co_await ready(view, limits);
  if (where.has_error()) co_return where.error();
  auto instance = co_await backends_.get(view.backend, limits);
  if (instance.has_error()) co_return instance.error();
  auto state = std::make_shared<ExecState>(runtime_);
  state->backend = *instance;
  state->sink = std::move(output);
  const json::value* env = view.spec.if_contains("env");
  std::string prepend =
      env && env->is_object() ? text_of(env->get_object(), "PATH") : std::string();
  state->exec_json = json::serialize(exec_payload(request, view.workdir, prepend));
  std::erase_if(live_, [](const auto& weak) { return weak.expired(); });
  live_.push_back(state);
  ++running_[view.scope_key];
  scope_.spawn("sandbox command", run_exec(state, std::move(view), std::move(*where)));
  std::unique_ptr<Exec> exec = make_backend_exec(state);
  std::function<void(Completer<void>)> start = [state](Completer<void> done) {
    state->accepted_waiters.push_back(std::move(done));
  };
  if (state->op == 0 && !state->finished) {
    auto accepted = co_await suspend<void>(runtime_, limits, std::move(start));
    if (accepted.has_error()) co_return accepted.error();  // destroying `exec` kills it
  }
  if (state->op == 0 && state->result.has_error()) co_return state->result.error();
  co_return std::move(exec);
}

Awaitable<> Manager::run_exec(std::shared_ptr<ExecState> state, View view, Ready where) {
  registry_.touch(where.name, now_ms_());
  auto answer = co_await run_in_backend(state, where.id);
  bool gone = answer.has_error() && answer.error().code == Code::kNotFound;
  if (gone && !state->had_output && !state->kill_wanted) {
    // Somebody removed or stopped the container behind our back: make it again, once.
    known_.erase(view.scope_key);
    Limits limits = until_stop(kEnsureTime);
    auto again = co_await ready(view, limits);
    if (again.has_error()) {
      answer = again.error();
    } else {
      where = *again;
      state->op = 0;
      answer = co_await run_in_backend(state, where.id);
    }
  }
  if (--running_[view.scope_key] <= 0) running_.erase(view.scope_key);
  registry_.touch(where.name, now_ms_());
  if (answer.has_error()) {
    state->finish(answer.error());
  } else {
    const json::object* result = answer->if_object();
    state->finish(result ? *result : json::object{});
  }
}

// ---- list, recreate, sweep
// --------------------------------------------------------------------------------

ContainerInfo Manager::info_of(const RuntimeRow& row) const {
  const json::object& runtime = row.runtime;
  ContainerInfo info = info_of_row(row, registry_, now_ms_());
  const RegistryEntry* entry = registry_.find(info.name);
  // Labels are for life: whose a spare has become is only in our record.
  bool made_as_spare = flag_of(runtime, "spare");
  info.spare = made_as_spare && (!entry || entry->session_key == info.session_key);
  // Under another name until its setup command has run.
  bool in_the_making = info.spare ? spares_.is_making(info.session_key)
                                  : !entry && making_.contains(info.session_key);
  if (in_the_making) info.state = "creating";
  if (made_as_spare && entry) info.session_key = entry->session_key;
  // What the scope would get today.
  std::string agent = text_of(runtime, "agentId");
  View now = resolve(agent, session_in_scope(info.session_key, agent));
  bool wanted = now.sandboxed && now.scope_key == info.session_key && now.backend == info.backend &&
                (in_the_making || text_of(now.spec, "name") == info.name);
  // An engine may answer with the registry in front of the name, as Podman does.
  std::string image = text_of(now.spec, "image");
  info.image_matches = wanted && (info.image == image || info.image.ends_with("/" + image));
  info.stale = !wanted || (made_as_spare ? now.spare_hash : now.config_hash) != info.config_hash;
  return info;
}

Awaitable<Result<RuntimeList>> Manager::runtimes(Limits limits) {
  auto found = co_await list_runtimes(backend_of_, backends_.worth_asking(registry_),
                                      gateway_id(config_.paths()), "", limits);
  if (found.has_error()) co_return found.error();
  for (const auto& problem : found->problems) {
    if (warned_.insert(problem).second) spdlog::warn("{}", problem);
  }
  co_return std::move(*found);
}

Awaitable<Result<std::vector<ContainerInfo>>> Manager::list(Limits limits) {
  auto found = co_await runtimes(limits);
  if (found.has_error()) co_return found.error();
  std::vector<ContainerInfo> out;
  for (const auto& row : found->rows) out.push_back(info_of(row));
  co_return out;
}

Awaitable<Result<void>> Manager::until_gone(std::string name, Limits limits) {
  for (auto found = leaving_.find(name); found != leaving_.end(); found = leaving_.find(name)) {
    std::shared_ptr<Event> gone = found->second;
    if (co_await gone->wait(limits.deadline)) continue;
    co_return make_error(Code::kDeadlineExceeded,
                         "the sandbox container " + name + " is still being removed");
  }
  co_return Result<void>();
}

// Who wants the container from here on waits, and gets another one: an engine takes its time, and
// a command that began meanwhile would end with it.
Awaitable<Result<void>> Manager::remove(ContainerInfo info, Limits limits) {
  if (leaving_.contains(info.name)) co_return co_await until_gone(info.name, limits);
  auto known = known_.find(info.session_key);
  if (known != known_.end() && known->second.name == info.name) known_.erase(known);
  auto leaves = std::make_shared<Event>(runtime_);
  leaving_[info.name] = leaves;
  auto gone = co_await remove_runtime(backend_of_, info.backend, info.runtime_id, limits);
  leaving_.erase(info.name);
  leaves->set();
  if (gone.has_error()) co_return gone.error();
  registry_.erase(info.name);
  if (info.spare) {
    spares_.forget(info.name);
    std::function<Result<void>()> clear = [config = config_.current(), paths = config_.paths(),
                                           key = info.session_key] {
      remove_spare_workspace(*config, paths, key);
      return Result<void>();
    };
    co_await run_blocking<void>(runtime_, limits, std::move(clear));
  }
  co_return Result<void>();
}

bool Manager::matches(const ContainerInfo& info, const std::string& session_key,
                      const std::string& agent_id) const {
  if (info.spare && !agent_id.empty() && info.session_key.starts_with("spare:" + agent_id + ":")) {
    return true;
  }
  std::string scope = session_key.empty() ? std::string() : resolve("", session_key).scope_key;
  return scope_is_meant(info.session_key, session_key, scope, agent_id);
}

Awaitable<Result<std::vector<std::string>>> Manager::recreate(std::string session_key,
                                                              std::string agent_id, bool force,
                                                              Limits limits) {
  auto containers = co_await list(limits);
  if (containers.has_error()) co_return containers.error();
  std::vector<std::string> removed;
  for (const auto& info : *containers) {
    if (!matches(info, session_key, agent_id)) continue;
    if (!force && (in_use(info.session_key) || making_.contains(info.session_key))) {
      spdlog::warn("sandbox {} is running a command and was kept; --force removes it all the same",
                   info.name);
      continue;
    }
    auto gone = co_await remove(info, limits);
    if (gone.has_error()) co_return gone.error();
    removed.push_back(info.name);
  }
  spares_.refill();
  co_return removed;
}

Awaitable<Result<std::vector<Finding>>> Manager::probe(View view, Limits limits) {
  auto instance = co_await backends_.get(view.backend, limits);
  if (instance.has_error()) co_return instance.error();
  plugin::PluginInstance& chosen = **instance;
  co_return co_await probe_host(runtime_, chosen, std::move(view), limits);
}

// Null: it stays.
const char* Manager::why_to_remove(const config::Config& config, const ContainerInfo& info) const {
  if (in_use(info.session_key) || making_.contains(info.session_key)) return nullptr;
  std::string agent = resolve("", info.session_key + ":probe").agent_id;
  PruneRule rule = prune_rule(Settings::merge(config.root(), agent));
  if (info.spare) {
    bool taken = std::any_of(known_.begin(), known_.end(),
                             [&](const auto& entry) { return entry.second.id == info.runtime_id; });
    if (taken) return nullptr;  // since the list was made
    if (!spares_.holds(info.session_key)) return "a spare that an earlier gateway left";
    rule.idle_hours = 0;  // to be idle is its purpose
  }
  std::int64_t now = now_ms_();
  // Out of date: it goes at its first idle moment; the next use makes a new one.
  if (info.stale && !info.spare && !is_hot(now, info.last_used_at_ms))
    return "its settings changed";
  if (should_prune(rule, now, info.created_at_ms, info.last_used_at_ms)) return "idle or too old";
  return nullptr;
}

// Without a record there is no reason to wake an engine; but the first time, since a gateway that
// was killed may have made what it did not write down.
bool Manager::worth_a_look() const {
  return !registry_.entries().empty() || (!looked_ && any_sandboxed(config_.current()->root()));
}

// What somebody else removed, or went with an earlier gateway, is not kept in mind for ever.
void Manager::forget_gone(const RuntimeList& found, std::int64_t asked_at_ms) {
  std::set<std::string> there;
  for (const auto& row : found.rows) there.insert(text_of(row.runtime, "name"));
  std::vector<RegistryEntry> gone;
  for (const auto& [name, entry] : registry_.entries()) {
    bool asked = std::find(found.answered.begin(), found.answered.end(), entry.backend) !=
                 found.answered.end();
    bool busy = in_use(entry.session_key) || spares_.holds(entry.session_key) ||
                making_.contains(entry.session_key);
    // One that was used since may have been made since.
    if (asked && !busy && !there.contains(name) && entry.last_used_at_ms < asked_at_ms)
      gone.push_back(entry);
  }
  for (const auto& entry : gone) {
    registry_.erase(entry.container_name);
    known_.erase(entry.session_key);
  }
}

Awaitable<std::vector<std::string>> Manager::sweep() {
  Limits limits = until_stop(kCallTime);
  std::vector<std::string> removed = co_await browsers_.sweep(limits);
  if (!worth_a_look()) co_return removed;
  const std::int64_t asked_at_ms = now_ms_();
  auto found = co_await runtimes(limits);
  if (found.has_error()) {
    std::string problem = "cannot look for idle sandboxes: " + found.error().message;
    if (warned_.insert(problem).second) spdlog::warn("{}", problem);
    co_return removed;
  }
  looked_ = true;
  forget_gone(*found, asked_at_ms);
  config::Snapshot config = config_.current();
  for (const auto& row : found->rows) {
    ContainerInfo info = info_of(row);
    const char* why = why_to_remove(*config, info);
    if (!why) continue;
    auto gone = co_await remove(info, limits);
    if (gone.has_error()) continue;
    spdlog::info("sandbox {} removed: {}", info.name, why);
    removed.push_back(info.name);
  }
  spares_.refill();
  co_return removed;
}

// Once: spares of an earlier gateway go, then there are those of this one.
Awaitable<> Manager::clear_and_fill() {
  co_await sweep();
  co_await spares_.fill();
}

Awaitable<> Manager::sweep_forever() {
  while (!scope_.abort().aborted()) {
    Limits pause = until_stop(kSweepEvery);
    auto waited = co_await sleep_until(runtime_, pause);
    if (waited.has_error()) co_return;
    co_await sweep();
  }
}

Awaitable<> Manager::stop(Deadline deadline) {
  std::vector<std::shared_ptr<ExecState>> running;
  for (auto& weak : live_) {
    if (auto state = weak.lock(); state && !state->finished) running.push_back(std::move(state));
  }
  for (auto& state : running) state->kill();
  Limits limits{deadline, {}};
  for (auto& state : running) {
    if (state->finished) continue;
    std::function<void(Completer<json::object>)> start = [state](Completer<json::object> done) {
      state->end_waiters.push_back(std::move(done));
    };
    co_await suspend<json::object>(runtime_, limits, std::move(start));
  }
  co_await browsers_.stop(deadline);
  co_await scope_.stop(deadline);
  co_await registry_.flush(deadline);
}

}  // namespace

Awaitable<Result<std::vector<Finding>>> SandboxManager::probe(View, Limits) {
  co_return std::vector<Finding>();
}

std::unique_ptr<SandboxManager> SandboxManager::create(Runtime& runtime,
                                                       plugin::PluginHost& plugins,
                                                       config::ConfigStore& config) {
  return create(runtime, plugins, config, wall_clock_ms, steady_clock_ms);
}

std::unique_ptr<SandboxManager> SandboxManager::create(Runtime& runtime,
                                                       plugin::PluginHost& plugins,
                                                       config::ConfigStore& config,
                                                       std::function<std::int64_t()> now_ms,
                                                       std::function<std::int64_t()> steady_ms) {
  if (!steady_ms) steady_ms = now_ms;
  auto manager =
      std::make_unique<Manager>(runtime, plugins, config, std::move(now_ms), std::move(steady_ms));
  manager->start_sweeping();
  return manager;
}

}  // namespace openclaw::sandbox
