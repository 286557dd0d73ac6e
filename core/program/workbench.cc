#include "program/workbench.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/executor_work_guard.hpp>

#include "agent/agent_service.h"
#include "installation/installation.h"

namespace openclaw::gateway {
namespace {

constexpr std::chrono::seconds kStopTime{3};

Awaitable<> stop_rooms(plugin::HostServices* services, plugin::PluginHost* plugins,
                       sandbox::SandboxManager* sandboxes, agent::AgentService* agents) {
  auto deadline = Deadline::after(kStopTime);
  if (agents) co_await agents->stop(deadline);
  co_await sandboxes->stop(deadline);
  co_await plugins->stop_all(deadline);
  co_await services->stop(deadline);
}

}  // namespace

Workbench::Workbench(const config::Paths& paths, const config::Snapshot& config)
    : services_(plugin::HostServices::create(runtime_, paths.state_dir)),
      plugins_(plugin::PluginHost::create(
          runtime_, installation::host_options(paths, config.get()), *services_)) {
  plugins_->scan();
  config_ = std::make_unique<config::ConfigStore>(paths, plugins_->foreign_sections(), config);
  sandboxes_ = sandbox::SandboxManager::create(runtime_, *plugins_, *config_);
}

Workbench::~Workbench() { take_down(); }

void Workbench::run(Awaitable<> task) {
  bool ended = false;
  asio::co_spawn(runtime_.loop(), std::move(task),
                 [&ended](const std::exception_ptr&) { ended = true; });
  auto work = asio::make_work_guard(runtime_.loop());
  runtime_.loop().restart();
  while (!ended) runtime_.loop().run_one();
}

void Workbench::take_down(agent::AgentService* agents) {
  if (std::exchange(down_, true)) return;
  run(stop_rooms(services_.get(), plugins_.get(), sandboxes_.get(), agents));
  runtime_.stop_blocking();
}

}  // namespace openclaw::gateway
