#include "agent/agent_service.h"

#include <algorithm>

#include <spdlog/spdlog.h>

#include "agent/agent_settings.h"
#include "agent/fields.h"
#include "agent/model_registry.h"
#include "agent/run.h"
#include "agent/session_queue.h"
#include "agent/slash_commands.h"
#include "agent/turn_runner.h"
#include "async/task_scope.h"

namespace openclaw::agent {
namespace {

class AgentServiceImpl final : public AgentService {
 public:
  AgentServiceImpl(Runtime& runtime, config::ConfigStore& config, plugin::PluginHost& plugins,
                   session::SessionStore& sessions, tool::ToolRouter& tools,
                   sandbox::SandboxManager& sandboxes)
      : runtime_(runtime),
        config_(config),
        sessions_(sessions),
        sandboxes_(sandboxes),
        models_(runtime, config, plugins),
        queue_(runtime),
        tasks_(runtime),
        services_{runtime, config, sessions, tools, sandboxes, models_, queue_, tasks_},
        runner_(services_),
        commands_(services_, runner_, [this](const Run& asking, std::string_view reason) {
          return abort_others(asking, reason);
        }) {}

  Awaitable<TurnResult> run(TurnRequest request) override;
  std::vector<std::string> abort(std::string_view session_key, std::string_view run_id,
                                 std::string_view reason) override;
  bool is_running(std::string_view session_key) const override {
    return queue_.is_running(session_key);
  }
  std::size_t active_runs() const override { return runs_.size(); }
  Awaitable<QueueSettings> queue_settings(std::string session_key, std::string channel) override;
  std::uint64_t subscribe(Listener listener) override {
    listeners_.emplace(++last_listener_, std::make_shared<Listener>(std::move(listener)));
    return last_listener_;
  }
  void unsubscribe(std::uint64_t id) override { listeners_.erase(id); }
  Awaitable<Result<json::array>> models(Limits limits) override {
    co_return co_await models_.list(limits);
  }
  Awaitable<> stop(Deadline deadline) override;
  void run_detached(TurnRequest request, std::function<void(const TurnResult&)> done) override;
  bool is_sandboxed(std::string_view agent_id, std::string_view session_key) const override {
    return sandboxes_.resolve(agent_id, session_key).sandboxed;
  }

 private:
  // Keeps the run in the list while it lives, whatever way it ends.
  class Listed {
   public:
    Listed(AgentServiceImpl& owner, RunPtr run) : owner_(owner), run_(std::move(run)) {
      owner_.runs_[run_->id()] = run_;
    }
    ~Listed() {
      owner_.runs_.erase(run_->id());
      if (owner_.runs_.empty() && owner_.idle_) owner_.idle_->set();
    }
    Listed(const Listed&) = delete;
    Listed& operator=(const Listed&) = delete;

   private:
    AgentServiceImpl& owner_;
    RunPtr run_;
  };
  class InQueue {
   public:
    InQueue(SessionQueue& queue, RunPtr run) : queue_(queue), run_(std::move(run)) {}
    ~InQueue() { queue_.leave(run_->session(), *run_); }
    InQueue(const InQueue&) = delete;
    InQueue& operator=(const InQueue&) = delete;

   private:
    SessionQueue& queue_;
    RunPtr run_;
  };

  Result<RunPtr> admit(TurnRequest request);
  Awaitable<TurnResult> command(RunPtr run, Command command);
  Awaitable<TurnResult> turn(RunPtr run, bool reset_first);
  Awaitable<> apply_queue_mode(RunPtr run);
  Awaitable<TurnResult> reset_and_go_on(RunPtr run);
  std::vector<std::string> abort_others(const Run& asking, std::string_view reason);
  void publish(const AgentEvent& event);
  static Awaitable<> detached(AgentServiceImpl& self, TurnRequest request,
                              std::function<void(const TurnResult&)> done);

  Runtime& runtime_;
  config::ConfigStore& config_;
  session::SessionStore& sessions_;
  sandbox::SandboxManager& sandboxes_;
  ModelRegistry models_;
  SessionQueue queue_;
  TaskScope tasks_;
  TurnServices services_;
  TurnRunner runner_;
  SlashCommands commands_;
  std::map<std::string, RunPtr, std::less<>> runs_;
  std::map<std::uint64_t, std::shared_ptr<Listener>> listeners_;
  std::uint64_t last_listener_ = 0;
  bool stopping_ = false;
  std::shared_ptr<Event> idle_;
};

Result<RunPtr> AgentServiceImpl::admit(TurnRequest request) {
  if (stopping_) return make_error(Code::kUnavailable, "the gateway is shutting down");
  auto run = std::make_shared<Run>();
  if (request.run_id.empty()) request.run_id = session::new_uuid();
  if (runs_.contains(request.run_id)) {
    return make_error(Code::kAlreadyExists, "run " + request.run_id + " is in flight already");
  }
  auto config = config_.current();
  auto key = session::parse_key(request.session_key, *config);
  if (key.has_error()) return key.error();
  auto settings = agent_settings(*config, config_.paths(), key.value().agent_id);
  if (!settings.configured) {
    return make_error(
        Code::kNotFound,
        "unknown agent id \"" + settings.id +
            "\". Agents are listed under agents.list: openclaw config get agents.list");
  }
  run->key = std::move(key.value());
  run->limits.deadline = request.limits.deadline.earlier(Deadline::after(settings.timeout));
  run->limits.abort = run->abort.signal();
  run->request = std::move(request);
  run->publish = [this](const AgentEvent& event) { publish(event); };
  return run;
}

Awaitable<TurnResult> AgentServiceImpl::run(TurnRequest request) {
  TurnResult refused;
  refused.run_id = request.run_id;
  auto outer = request.limits.abort;
  auto admitted = admit(std::move(request));
  if (admitted.has_error()) {
    refused.status = "error";
    refused.error = admitted.error().message;
    refused.stop_reason = "error";
    co_return refused;
  }
  auto run = admitted.value();
  Listed listed(*this, run);
  auto registration = outer.on_abort([weak = std::weak_ptr<Run>(run), outer] {
    if (auto alive = weak.lock()) alive->abort.abort(outer.reason());
  });
  if (run->request.origin.may_command) {
    if (auto found = parse_command(run->request.text))
      co_return co_await command(run, std::move(*found));
    if (is_stop_word(run->request.text) && queue_.is_running(run->session())) {
      Command stop;
      stop.name = "stop";
      co_return co_await command(run, std::move(stop));
    }
  }
  co_return co_await turn(run, false);
}

Awaitable<TurnResult> AgentServiceImpl::command(RunPtr run, Command command) {
  // A command leaves no trace in the transcript from which one could go on.
  if (run->request.resume && run->request.tools_ran) co_return run->result("cut");
  if (command.name != "new" && command.name != "reset") {
    co_return co_await commands_.answer(run, std::move(command));
  }
  run->request.text = command.rest;
  run->request.steer = false;
  abort_others(*run, "reset");
  co_return co_await turn(run, true);
}

Awaitable<TurnResult> AgentServiceImpl::turn(RunPtr run, bool reset_first) {
  if (run->request.steer && queue_.is_running(run->session())) co_await apply_queue_mode(run);
  auto mine = co_await queue_.enter(run);
  if (mine.has_error()) co_return run->failure(mine.error());
  if (mine.value() == SessionQueue::Turn::kSteered) co_return run->result("steered");
  InQueue place(queue_, run);
  if (run->limits.abort.aborted()) {
    co_return run->failure(make_error(Code::kCancelled, run->limits.abort.reason()));
  }
  if (reset_first) co_return co_await reset_and_go_on(run);
  co_return co_await runner_.run(run);
}

// Of a client that keeps no queue of its own, and whose message steers the running turn unless
// somebody wants it otherwise.
Awaitable<> AgentServiceImpl::apply_queue_mode(RunPtr run) {
  const auto queue = co_await queue_settings(run->session(), run->request.origin.channel);
  if (!queue.chosen) co_return;
  run->request.steer = queue.mode == QueueMode::kSteer || queue.mode == QueueMode::kSteerBacklog;
  if (queue.mode == QueueMode::kInterrupt) abort_others(*run, "interrupt");
}

Awaitable<TurnResult> AgentServiceImpl::reset_and_go_on(RunPtr run) {
  auto fresh = co_await sessions_.reset(run->session());
  if (fresh.has_error()) co_return run->failure(fresh.error());
  const auto& request = run->request;
  if (!request.text.empty() || !request.attachments.empty() || !request.files.empty())
    co_return co_await runner_.run(run);
  auto out = SlashCommands::reply(*run, "New session. The earlier one is kept on disk.");
  out.session_id = text_at(fresh.value(), "sessionId");
  co_return out;
}

std::vector<std::string> AgentServiceImpl::abort(std::string_view session_key,
                                                 std::string_view run_id, std::string_view reason) {
  std::vector<RunPtr> hit;
  for (const auto& [id, run] : runs_) {
    if (!session_key.empty() && run->session() != session_key) continue;
    if (!run_id.empty() && id != run_id) continue;
    if (session_key.empty() && run_id.empty()) continue;
    if (!run->limits.abort.aborted()) hit.push_back(run);
  }
  std::vector<std::string> stopped;
  for (auto& run : hit) {
    stopped.push_back(run->id());
    run->abort.abort(std::string(reason));
  }
  return stopped;
}

std::vector<std::string> AgentServiceImpl::abort_others(const Run& asking,
                                                        std::string_view reason) {
  std::vector<RunPtr> hit;
  for (const auto& [id, run] : runs_) {
    if (run.get() != &asking && run->session() == asking.session() &&
        !run->limits.abort.aborted()) {
      hit.push_back(run);
    }
  }
  std::vector<std::string> stopped;
  for (auto& run : hit) {
    stopped.push_back(run->id());
    run->abort.abort(std::string(reason));
  }
  return stopped;
}

Awaitable<QueueSettings> AgentServiceImpl::queue_settings(std::string session_key,
                                                          std::string channel) {
  const auto entry = co_await sessions_.entry(std::move(session_key));
  const json::object none;
  const auto* fields = entry.has_value() ? entry.value().if_object() : nullptr;
  co_return agent::queue_settings(*config_.current(), channel, fields != nullptr ? *fields : none);
}

void AgentServiceImpl::publish(const AgentEvent& event) {
  std::vector<std::shared_ptr<Listener>> now;  // a listener may unsubscribe itself or others
  now.reserve(listeners_.size());
  for (auto& [id, listener] : listeners_) now.push_back(listener);
  for (auto& listener : now) (*listener)(event);
}

Awaitable<> AgentServiceImpl::detached(AgentServiceImpl& self, TurnRequest request,
                                       std::function<void(const TurnResult&)> done) {
  auto result = co_await self.run(std::move(request));
  if (done) done(result);
}

void AgentServiceImpl::run_detached(TurnRequest request,
                                    std::function<void(const TurnResult&)> done) {
  tasks_.spawn("run in " + request.session_key,
               detached(*this, std::move(request), std::move(done)));
}

Awaitable<> AgentServiceImpl::stop(Deadline deadline) {
  stopping_ = true;
  std::vector<RunPtr> all;
  for (auto& [id, run] : runs_) all.push_back(run);
  for (auto& run : all) run->abort.abort("shutdown");
  if (!runs_.empty()) {
    idle_ = std::make_shared<Event>(runtime_);
    co_await idle_->wait(deadline);
  }
  auto left = co_await tasks_.stop(deadline);
  for (const auto& name : left) spdlog::warn("agent: {} did not end in time", name);
}

}  // namespace

std::unique_ptr<AgentService> AgentService::create(Runtime& runtime, config::ConfigStore& config,
                                                   plugin::PluginHost& plugins,
                                                   session::SessionStore& sessions,
                                                   tool::ToolRouter& tools,
                                                   sandbox::SandboxManager& sandboxes) {
  return std::make_unique<AgentServiceImpl>(runtime, config, plugins, sessions, tools, sandboxes);
}

void AgentService::run_detached(TurnRequest request, std::function<void(const TurnResult&)> done) {
  TurnResult refused;
  refused.run_id = request.run_id;
  refused.status = "error";
  refused.error = "this service runs nothing in the background";
  if (done) done(refused);
}

Awaitable<QueueSettings> AgentService::queue_settings(std::string, std::string) {
  co_return QueueSettings{};
}

bool AgentService::is_sandboxed(std::string_view, std::string_view) const {
  return false;
}

}  // namespace openclaw::agent
