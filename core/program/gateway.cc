#include "program/gateway.h"

#include <malloc.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <system_error>

#include <boost/asio/signal_set.hpp>
#include <spdlog/spdlog.h>

#include "agent/agent_service.h"
#include "async/task_scope.h"
#include "channel/channel_service.h"
#include "config/watch.h"
#include "gateway/gateway_server.h"
#include "identity/device_identity.h"
#include "installation/installation.h"
#include "logging/logging.h"
#include "plugin/plugin_host.h"
#include "process/process_tools.h"
#include "program/core_tools.h"
#include "program/state_lock.h"
#include "sandbox/sandbox_manager.h"
#include "session/session_store.h"
#include "tool/plugin_tools.h"
#include "tool/tool_router.h"

namespace openclaw::gateway {
namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr int kExitFailed = 1;
constexpr int kExitConfig = 78;  // EX_CONFIG
constexpr seconds kStopBudget{8};  // P21: out within 10 s of SIGTERM
constexpr seconds kPluginStart{30};
constexpr int kAllocatorArenas = 2;

int complain(const Error& error, int code) {
  std::fprintf(stderr, "Error: %s\n", error.message.c_str());
  return code;
}

Result<void> make_state_dir(const fs::path& dir) {
  std::error_code failed;
  fs::create_directories(dir, failed);
  if (!failed) fs::permissions(dir, fs::perms::owner_all, failed);
  if (!failed && access(dir.c_str(), R_OK | W_OK | X_OK) == 0) return {};
  struct stat found {};
  std::string owner = stat(dir.c_str(), &found) == 0 ? std::to_string(found.st_uid) : "nobody: it is missing";
  return Error(Code::kFailedPrecondition,
               "Cannot use the state directory " + dir.string() + ": it belongs to uid " + owner +
                   ", this process runs as uid " + std::to_string(geteuid()) + ". Fix: chown -R " +
                   std::to_string(geteuid()) + ":" + std::to_string(getegid()) + " " + dir.string());
}

// The flags of this run become the environment's, which wins over the file everywhere.
void apply_flags(const RunOptions& options) {
  auto set = [](const char* name, const std::string& value) {
    if (!value.empty()) setenv(name, value.c_str(), 1);  // NOLINT(concurrency-mt-unsafe): no threads yet
  };
  if (options.port) set("OPENCLAW_GATEWAY_PORT", std::to_string(*options.port));
  set("OPENCLAW_GATEWAY_BIND", options.bind);
  set("OPENCLAW_GATEWAY_TOKEN", options.token);
}

// Auth is on from the first second: a gateway without a secret makes one and keeps it in the config.
Result<config::Snapshot> with_secret(const config::Paths& paths, config::Snapshot config,
                                     const std::vector<config::ForeignSection>& foreign) {
  auto mode = config->get_string("gateway.auth.mode");
  bool has_secret = config->find("gateway.auth.token") || config->find("gateway.auth.password");
  if (has_secret || mode == "none" || mode == "trusted-proxy") return config;
  auto saved = config::set_value(paths, "gateway.auth.token", json::value(identity::random_token(32)), foreign);
  if (saved.has_error()) return saved.error();
  return config::load(config::Paths::from_environment(), foreign);
}

// Members are in order of construction; destruction is the reverse.
class Gateway {
 public:
  Gateway(const config::Paths& paths, const RunOptions& options) : paths_(paths), options_(options) {}

  int run();

 private:
  Result<void> prepare();
  void build();
  Awaitable<> bring_up();
  Awaitable<Result<void>> start_tool_plugin(const plugin::PluginInfo& info);
  void compile_policy();
  void on_reload(const config::Snapshot& before, const config::Snapshot& after);
  void watch_config();
  void watch_signals();
  Awaitable<> shut_down(std::string reason);
  void announce() const;

  config::Paths paths_;
  RunOptions options_;
  StateLock lock_;
  Runtime runtime_;
  std::unique_ptr<plugin::HostServices> services_;
  std::unique_ptr<plugin::PluginHost> plugins_;
  std::unique_ptr<config::ConfigStore> config_;
  std::unique_ptr<tool::ToolRouter> tools_;
  std::unique_ptr<sandbox::SandboxManager> sandboxes_;
  std::unique_ptr<session::SessionStore> sessions_;
  std::unique_ptr<agent::AgentService> agents_;
  std::shared_ptr<process::ProcessTools> commands_;
  std::unique_ptr<channel::ChannelService> channels_;
  std::unique_ptr<GatewayServer> server_;
  std::unique_ptr<config::ConfigWatch> watch_;
  std::unique_ptr<asio::signal_set> signals_;
  std::unique_ptr<TaskScope> tasks_;
  bool stopping_ = false;
  int exit_code_ = 0;
};

Result<void> Gateway::prepare() {
  auto state = make_state_dir(paths_.state_dir);
  if (state.has_error()) return state.error();
  auto locked = lock_.take(paths_.state_dir);
  if (locked.has_error()) return locked.error();

  // Manifests first: they carry the schemas that the configuration is checked against.
  auto quick = config::load(paths_, {});
  if (quick.has_error()) return quick.error();
  services_ = plugin::HostServices::create(runtime_, paths_.state_dir);
  services_->set_secret_observer([](std::string_view secret) { logging::add_secret(secret); });
  plugins_ = plugin::PluginHost::create(runtime_, installation::host_options(paths_, quick->get()), *services_);
  plugins_->scan();
  auto foreign = plugins_->foreign_sections();
  auto config = config::load(paths_, foreign);
  if (config.has_error()) return config.error();

  auto mode = (*config)->get_string("gateway.mode");
  if (mode != "local" && !options_.allow_unconfigured) {
    return Error(Code::kFailedPrecondition,
                 "gateway.mode is " + (mode.empty() ? std::string("not set") : "\"" + mode + "\"") + " (" +
                     (*config)->origin("gateway.mode").text() +
                     "), so this host does not run a gateway. Type: openclaw onboard, or: openclaw config set "
                     "gateway.mode local, or start with --allow-unconfigured.");
  }
  auto secured = with_secret(paths_, *config, foreign);
  if (secured.has_error()) return secured.error();
  paths_ = config::Paths::from_environment();  // the first write may have made openclaw.toml
  for (const char* key : {"gateway.auth.token", "gateway.auth.password"}) {
    logging::add_secret((*secured)->get_string(key));
  }
  config_ = std::make_unique<config::ConfigStore>(paths_, std::move(foreign), *secured);
  return {};
}

void Gateway::build() {
  tools_ = std::make_unique<tool::ToolRouter>(runtime_);
  sandboxes_ = sandbox::SandboxManager::create(runtime_, *plugins_, *config_);
  sessions_ = session::SessionStore::create(runtime_, *config_);
  agents_ = agent::AgentService::create(runtime_, *config_, *plugins_, *sessions_, *tools_, *sandboxes_);
  channels_ = channel::ChannelService::create(runtime_, *config_, *plugins_, *services_, *sandboxes_, *agents_);
  plugins_->set_channel_events(channels_.get());
  commands_ = add_core_tools(*tools_, {runtime_, *config_, *sandboxes_, *sessions_, *agents_, channels_.get()});
  compile_policy();

  auto config = config_->current();
  ServerOptions server;
  server.bind_mode = config->get_string("gateway.bind", "loopback");
  server.custom_host = config->get_string("gateway.customBindHost");
  server.port = static_cast<std::uint16_t>(config->get_int("gateway.port", 18789));
  server.version = installation::version();
  server_ = GatewayServer::create({runtime_, *config_, *plugins_, *tools_, *sandboxes_, *sessions_, *agents_,
                                   *channels_},
                                  server);
  tasks_ = std::make_unique<TaskScope>(runtime_);
}

void Gateway::compile_policy() {
  auto config = config_->current();
  auto policy = policy::ToolPolicy::compile(
      config->root(), tools_->facts(), [&](std::string_view key) { return config->origin(key).text(); });
  for (const auto& warning : policy->warnings()) spdlog::warn("policy: {}", warning);
  tools_->set_policy(std::move(policy));
}

void Gateway::on_reload(const config::Snapshot&, const config::Snapshot&) {
  compile_policy();
  sandboxes_->keep_spares();
  tasks_->spawn("channels.apply", channels_->apply_config());
}

Awaitable<Result<void>> Gateway::start_tool_plugin(const plugin::PluginInfo& info) {
  auto config = config_->current();
  std::string entry = "plugins.entries.\"" + info.id + "\"";
  plugin::InstanceRequest request;
  request.plugin_id = info.id;
  if (const auto* given = config->find(entry + ".config"); given && given->is_object()) {
    request.config = given->as_object();
  }
  auto instance = co_await plugins_->create_instance(std::move(request));
  if (instance.has_error()) co_return instance.error();
  auto started = co_await plugins_->start(**instance, Limits::within(kPluginStart));
  if (started.has_error()) co_return started.error();
  co_return co_await tool::add_plugin_tools(*tools_, *plugins_, **instance);
}

// What may take its time: the port is open and /healthz answers while this runs.
Awaitable<> Gateway::bring_up() {
  bool tools_changed = false;
  for (const auto& info : plugins_->list()) {
    const auto& provides = info.manifest.provides;
    if (std::find(provides.begin(), provides.end(), "openclaw.tool/1") == provides.end()) continue;
    if (!info.usable) continue;
    auto started = co_await start_tool_plugin(info);
    if (started.has_error()) {
      spdlog::error("plugin {}: {}", info.id, started.error().message);
    } else {
      tools_changed = true;
    }
  }
  if (tools_changed) compile_policy();
  auto channels = co_await channels_->start();
  if (channels.has_error()) spdlog::error("channels: {}", channels.error().message);
  sandboxes_->keep_spares();
  malloc_trim(0);  // what parsing the configuration and manifests took is not needed again
}

void Gateway::watch_config() {
  auto watch = config::ConfigWatch::start(runtime_, *config_, *tasks_, {});
  if (watch.has_error()) {
    spdlog::warn("{}; edits of the configuration need a SIGHUP or a restart", watch.error().message);
    return;
  }
  watch_ = std::move(*watch);
}

void Gateway::watch_signals() {
  signals_ = std::make_unique<asio::signal_set>(runtime_.loop(), SIGINT, SIGTERM, SIGHUP);
  signals_->async_wait([this](const boost::system::error_code& failed, int signo) {
    if (failed) return;
    watch_signals();
    if (signo == SIGHUP) {
      auto reloaded = config_->reload();
      if (reloaded.has_error()) spdlog::error("reload: {}", reloaded.error().message);
      return;
    }
    if (stopping_) {
      spdlog::warn("second signal: leaving at once");
      std::_Exit(kExitFailed);
    }
    stopping_ = true;
    asio::co_spawn(runtime_.loop(), shut_down(signo == SIGINT ? "interrupted" : "terminated"),
                   [](const std::exception_ptr&) {});
  });
}

Awaitable<> Gateway::shut_down(std::string reason) {
  spdlog::info("stopping: {}", reason);
  auto deadline = Deadline::after(kStopBudget);
  watch_.reset();
  co_await server_->stop(reason, deadline);
  for (const auto& task : co_await tasks_->stop(deadline)) spdlog::warn("still running at stop: {}", task);
  co_await channels_->stop(deadline);
  co_await agents_->stop(deadline);
  co_await commands_->stop(deadline);
  co_await sandboxes_->stop(deadline);
  co_await plugins_->stop_all(deadline);
  co_await sessions_->flush();
  co_await services_->stop(deadline);
  signals_->cancel();
  runtime_.loop().stop();
}

void Gateway::announce() const {
  auto config = config_->current();
  std::string all;
  for (const auto& address : server_->addresses()) {
    std::printf("openclaw gateway listening on %s\n", address.c_str());
    all += (all.empty() ? "" : ", ") + address;
  }
  spdlog::info("gateway {} started as process {}: {}", installation::version(), getpid(), all);
  std::printf("token: %s\nconfig: %s\n", config->origin("gateway.auth.token").text().c_str(),
              config->file().c_str());
  std::fflush(stdout);
}

int Gateway::run() {
  apply_flags(options_);
  auto prepared = prepare();
  if (prepared.has_error()) return complain(prepared.error(), kExitConfig);
  auto config = config_->current();
  logging::Options log;
  log.directory = paths_.state_dir / "logs";
  log.level = options_.verbose ? "debug" : config->get_string("logging.level", "info");
  logging::setup(log);
  for (const auto& warning : config->warnings()) spdlog::warn("{}: {}", warning.origin.text(), warning.message);

  build();
  auto listening = server_->start();
  if (listening.has_error()) return complain(listening.error(), kExitFailed);
  config_->subscribe([this](const config::Snapshot& before, const config::Snapshot& after) {
    on_reload(before, after);
  });
  watch_config();
  watch_signals();
  announce();
  tasks_->spawn("bring-up", bring_up());
  runtime_.loop().run();
  runtime_.stop_blocking();
  return exit_code_;
}

}  // namespace

int run_gateway(const config::Paths& paths, const RunOptions& options) {
  std::signal(SIGPIPE, SIG_IGN);
  umask(0077);
  // Threads here mostly wait or hand over: an arena for each of them is memory for nothing.
  mallopt(M_ARENA_MAX, kAllocatorArenas);
  Gateway gateway(paths, options);
  return gateway.run();
}

}  // namespace openclaw::gateway
