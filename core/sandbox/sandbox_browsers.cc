#include "sandbox/sandbox_browsers.h"

#include <algorithm>
#include <chrono>

#include <spdlog/spdlog.h>

#include "json_fields.h"
#include "sandbox/prune.h"
#include "sandbox/resolve.h"
#include "sandbox/settings.h"

namespace openclaw::sandbox {

namespace {

using namespace std::chrono_literals;

constexpr auto kBrowserMakeTime = 60s;
constexpr auto kProbeTime = 1s;
constexpr auto kProbeEvery = 50ms;
constexpr std::uint64_t kMaxVersionBytes = 64 * 1024;

// The browser's own answer: what listens there may still be starting, or be something else.
bool is_browser_version(const net::HttpResponse& response) {
  if (response.status != 200) return false;
  boost::system::error_code failure;
  json::value answer = json::parse(response.body, failure);
  const json::object* object = failure ? nullptr : answer.if_object();
  return object && !text_of(*object, "webSocketDebuggerUrl").empty();
}

net::HttpRequest version_request(std::uint16_t port) {
  net::HttpRequest request;
  request.url.scheme = "http";
  request.url.host = "127.0.0.1";
  request.url.port = port;
  request.url.target = "/json/version";
  request.connect_timeout = kProbeTime;
  request.total_timeout = kProbeTime;
  request.max_response_bytes = kMaxVersionBytes;
  request.allow_private = true;
  return request;
}

std::uint16_t published(const json::object& runtime, std::uint16_t inside) {
  const json::value* ports = runtime.if_contains("ports");
  if (!ports || !ports->is_array()) return 0;
  for (const auto& item : ports->get_array()) {
    const json::object* port = item.if_object();
    if (!port || number_of(*port, "container") != inside) continue;
    std::int64_t host = number_of(*port, "host");
    return host > 0 && host <= 65535 ? static_cast<std::uint16_t>(host) : std::uint16_t{0};
  }
  return 0;
}

Browser browser_of(const json::object& runtime, const BrowserView& view) {
  Browser out;
  out.name = view.name;
  out.backend = view.backend;
  out.runtime_id = text_of(runtime, "runtimeId");
  out.state = text_of(runtime, "state");
  out.config_hash = text_of(runtime, "configHash");
  out.created_at_ms = number_of(runtime, "createdAtMs");
  out.cdp_port = published(runtime, view.cdp_port);
  if (view.watched) out.novnc_port = published(runtime, view.novnc_port);
  return out;
}

bool any_enabled(const json::object& root) {
  const json::value* agents = root.if_contains("agents");
  const json::object* section = agents ? agents->if_object() : nullptr;
  const json::value* list = section ? section->if_contains("list") : nullptr;
  std::vector<std::string> ids = {default_agent_id(root)};
  if (list && list->is_array()) {
    for (const auto& item : list->get_array())
      if (const json::object* agent = item.if_object()) ids.push_back(text_of(*agent, "id"));
  }
  return std::any_of(ids.begin(), ids.end(), [&](const std::string& id) {
    return Settings::merge(root, id).flag("browser.enabled");
  });
}

}  // namespace

SandboxBrowsers::SandboxBrowsers(Runtime& runtime, config::ConfigStore& config,
                                 BackendOf backend_of, std::function<std::int64_t()> now_ms,
                                 std::function<std::int64_t()> steady_ms)
    : runtime_(runtime),
      config_(config),
      backend_of_(std::move(backend_of)),
      now_ms_(std::move(now_ms)),
      registry_(runtime, config.paths(), std::move(steady_ms), "browsers.json"),
      http_(runtime),
      scope_(runtime) {}

BrowserView SandboxBrowsers::resolve(std::string_view agent_id,
                                     std::string_view session_key) const {
  config::Snapshot config = config_.current();
  View view = resolve_view(*config, config_.paths(), agent_id, session_key);
  return resolve_browser(config_.paths(), view);
}

// ---- one browser
// ---------------------------------------------------------------------------------------------

Awaitable<Result<Browser>> SandboxBrowsers::ensure(BrowserView view, Limits limits) {
  if (!view.enabled) {
    co_return make_error(Code::kFailedPrecondition,
                         "the sandbox browser is switched off. Type: openclaw config set "
                         "agents.defaults.sandbox.browser.enabled true");
  }
  // The same words as at load, for a configuration that was changed under a running gateway.
  auto issues = check_settings(Settings::merge(config_.current()->root(), view.agent_id));
  if (!issues.empty()) {
    co_return make_error(Code::kFailedPrecondition,
                         "the sandbox browser was not created: " + issues.front().path + " " +
                             issues.front().message);
  }
  // In line first: a task that is spawned may end before spawn() returns.
  std::function<void(Completer<Browser>)> start = [this, view](Completer<Browser> done) {
    auto& line = waiting_[view.name];
    line.push_back(std::move(done));
    if (line.size() == 1) scope_.spawn("sandbox browser " + view.name, make(view));
  };
  co_return co_await suspend<Browser>(runtime_, limits, std::move(start));
}

Awaitable<> SandboxBrowsers::make(BrowserView view) {
  std::string name = view.name;
  auto outcome = co_await made(std::move(view));
  auto line = std::move(waiting_[name]);
  waiting_.erase(name);
  for (auto& waiter : line) waiter.now(outcome);
}

Awaitable<Result<Browser>> SandboxBrowsers::made(BrowserView view) {
  Limits limits = until_stop(kBrowserMakeTime);
  std::function<Result<void>()> prepare = [view] { return prepare_browser_folder(view); };
  auto prepared = co_await run_blocking<void>(runtime_, limits, std::move(prepare));
  if (prepared.has_error()) co_return prepared.error();
  auto instance = co_await backend_of_(view.backend, limits);
  if (instance.has_error()) co_return instance.error();
  const RegistryEntry* entry = registry_.find(view.name);
  const std::int64_t now = now_ms_();
  view.spec["replaceStale"] = !(entry && is_hot(now, registry_.last_used_ms(*entry, now)));
  std::vector<std::string> texts = {json::serialize(view.spec)};
  auto answer = co_await (*instance)->call("sandbox.ensure", std::move(texts), limits);
  if (answer.has_error()) co_return answer.error();
  const json::object* runtime = answer->if_object();
  Browser browser = runtime ? browser_of(*runtime, view) : Browser();
  bool stale = runtime && flag_of(*runtime, "stale");
  std::string keeps =
      "sandbox browser " + view.name +
      " was used a moment ago and keeps its old settings until it is idle; to apply "
      "them now: openclaw sandbox recreate --browser --all";
  // Its ports are among what changed.
  if (stale && browser.cdp_port == 0) co_return make_error(Code::kFailedPrecondition, keeps);
  if (stale) spdlog::warn("{}", keeps);
  if (browser.runtime_id.empty() || browser.cdp_port == 0) {
    co_return make_error(Code::kProtocol, "the sandbox backend " + view.backend +
                                              " made the browser " + view.name +
                                              " without a port to reach it by");
  }
  RegistryEntry fresh;
  fresh.container_name = view.name;
  fresh.session_key = view.scope_key;
  fresh.image = text_of(*runtime, "image");
  fresh.config_hash = browser.config_hash;
  fresh.created_at_ms = browser.created_at_ms;
  fresh.last_used_at_ms = now_ms_();
  fresh.backend = view.backend;
  registry_.put(std::move(fresh));
  Limits patience = until_stop(view.start_time);
  auto ready = co_await answers(view, browser, patience);
  if (ready.has_error()) co_return ready.error();
  co_return browser;
}

Awaitable<Result<void>> SandboxBrowsers::answers(BrowserView view, Browser browser, Limits limits) {
  for (;;) {
    net::HttpRequest request = version_request(browser.cdp_port);
    auto response = co_await http_.request(std::move(request), limits);
    if (response.has_value() && is_browser_version(*response)) co_return Result<void>();
    Limits pause = until_stop(kProbeEvery);
    co_await sleep_until(runtime_, pause);
    if (scope_.abort().aborted()) co_return make_error(Code::kCancelled, "the gateway is stopping");
    if (limits.deadline.expired()) break;
  }
  co_return make_error(
      Code::kDeadlineExceeded,
      "the sandbox browser " + view.name + " did not answer within " +
          std::to_string(view.start_time.count()) +
          " ms (agents.defaults.sandbox.browser.autoStartTimeoutMs). See why: docker logs " +
          view.name);
}

Awaitable<Result<std::optional<Browser>>> SandboxBrowsers::find(BrowserView view, Limits limits) {
  std::optional<Browser> none;
  std::vector<std::string> backends = {view.backend};
  auto containers = co_await list_of(std::move(backends), limits);
  if (containers.has_error()) co_return containers.error();
  auto found = std::find_if(containers->begin(), containers->end(),
                            [&](const ContainerInfo& info) { return info.name == view.name; });
  if (found == containers->end()) co_return none;
  auto instance = co_await backend_of_(view.backend, limits);
  if (instance.has_error()) co_return instance.error();
  std::vector<std::string> texts = {found->runtime_id};
  auto answer = co_await (*instance)->call("sandbox.describe", std::move(texts), limits);
  if (answer.has_error() && answer.error().code == Code::kNotFound) co_return none;
  if (answer.has_error()) co_return answer.error();
  if (const json::object* runtime = answer->if_object()) none = browser_of(*runtime, view);
  co_return none;
}

Awaitable<Result<bool>> SandboxBrowsers::remove(BrowserView view, Limits limits) {
  auto found = co_await find(view, limits);
  if (found.has_error()) co_return found.error();
  if (!found->has_value()) co_return false;
  ContainerInfo info;
  info.name = view.name;
  info.backend = view.backend;
  info.runtime_id = (*found)->runtime_id;
  auto gone = co_await remove_container(std::move(info), limits);
  if (gone.has_error()) co_return gone.error();
  co_return true;
}

// ---- all of them
// ---------------------------------------------------------------------------------------------

ContainerInfo SandboxBrowsers::info_of(const RuntimeRow& row) const {
  ContainerInfo info = info_of_row(row, registry_, now_ms_());
  std::string agent = text_of(row.runtime, "agentId");
  BrowserView now = resolve(agent, session_in_scope(info.session_key, agent));
  bool wanted = now.enabled && now.scope_key == info.session_key && now.backend == info.backend;
  info.image_matches = wanted && text_of(now.spec, "image") == info.image;
  info.stale = !wanted || now.config_hash != info.config_hash;
  return info;
}

Awaitable<Result<std::vector<ContainerInfo>>> SandboxBrowsers::list_of(
    std::vector<std::string> backends, Limits limits) {
  auto rows = co_await list_runtimes(backend_of_, std::move(backends), gateway_id(config_.paths()),
                                     "browser", limits);
  if (rows.has_error()) co_return rows.error();
  for (const auto& problem : rows->problems) spdlog::warn("{}", problem);
  std::vector<ContainerInfo> out;
  for (const auto& row : rows->rows) out.push_back(info_of(row));
  co_return out;
}

Awaitable<Result<std::vector<ContainerInfo>>> SandboxBrowsers::list(Limits limits) {
  config::Snapshot config = config_.current();
  // No reason to wake an engine.
  if (registry_.entries().empty() && !any_enabled(config->root()))
    co_return std::vector<ContainerInfo>();
  std::vector<std::string> backends = with_recorded(backends_in_use(config->root()), registry_);
  co_return co_await list_of(std::move(backends), limits);
}

Awaitable<Result<void>> SandboxBrowsers::remove_container(ContainerInfo info, Limits limits) {
  auto gone = co_await remove_runtime(backend_of_, info.backend, info.runtime_id, limits);
  if (gone.has_error()) co_return gone.error();
  registry_.erase(info.name);
  co_return Result<void>();
}

Awaitable<Result<std::vector<std::string>>> SandboxBrowsers::recreate(std::string session_key,
                                                                      std::string agent_id,
                                                                      Limits limits) {
  auto containers = co_await list(limits);
  if (containers.has_error()) co_return containers.error();
  std::string scope = session_key.empty() ? std::string() : resolve("", session_key).scope_key;
  std::vector<std::string> removed;
  for (const auto& info : *containers) {
    if (!scope_is_meant(info.session_key, session_key, scope, agent_id)) continue;
    auto gone = co_await remove_container(info, limits);
    if (gone.has_error()) co_return gone.error();
    removed.push_back(info.name);
  }
  co_return removed;
}

Awaitable<std::vector<std::string>> SandboxBrowsers::sweep(Limits limits) {
  std::vector<std::string> removed;
  if (registry_.entries().empty()) co_return removed;
  auto containers = co_await list(limits);
  if (containers.has_error()) {
    spdlog::warn("cannot look for idle sandbox browsers: {}", containers.error().message);
    co_return removed;
  }
  config::Snapshot config = config_.current();
  for (const auto& info : *containers) {
    if (waiting_.count(info.name)) continue;
    std::string agent = resolve("", info.session_key + ":probe").agent_id;
    PruneRule rule = prune_rule(Settings::merge(config->root(), agent));
    std::int64_t now = now_ms_();
    bool replace = info.stale && !is_hot(now, info.last_used_at_ms);
    if (!replace && !should_prune(rule, now, info.created_at_ms, info.last_used_at_ms)) continue;
    auto gone = co_await remove_container(info, limits);
    if (gone.has_error()) continue;  // the next round tries again
    spdlog::info("sandbox browser {} removed: {}", info.name,
                 replace ? "its settings changed" : "idle or too old");
    removed.push_back(info.name);
  }
  co_return removed;
}

Awaitable<> SandboxBrowsers::stop(Deadline deadline) {
  co_await scope_.stop(deadline);
  co_await registry_.flush(deadline);
}

}  // namespace openclaw::sandbox
