// A plugin host with one channel plugin "fake" and an agent that answers as told: what the channel
// room stands between, without platform and model.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "agent/agent_service.h"
#include "async/runtime.h"
#include "plugin/plugin_host.h"

namespace openclaw::channel {

class FakeInstance final : public plugin::PluginInstance {
 public:
  using Handler = std::function<Result<json::value>(
      const std::string& slot, const json::object& payload, const plugin::ProgressSink& progress)>;
  FakeInstance(Runtime& runtime, const plugin::Manifest& manifest, std::string account,
               Handler& handler, const std::shared_ptr<Event>& hold)
      : runtime_(runtime),
        manifest_(manifest),
        account_(std::move(account)),
        id_("fake/" + account_),
        handler_(handler),
        hold_(hold) {}
  const std::string& id() const override { return id_; }
  const std::string& account() const override { return account_; }
  const plugin::Manifest& manifest() const override { return manifest_; }
  plugin::State state() const override { return plugin::State::kRunning; }
  plugin::OperationCounts counts() const override { return {}; }
  bool provides(std::string_view id) const override { return id == "openclaw.channel/1"; }
  Runtime& runtime() override { return runtime_; }
  Awaitable<Result<json::value>> call(std::string slot, std::vector<std::string> texts, Limits,
                                      plugin::ProgressSink progress,
                                      std::function<void(std::uint64_t)>) override {
    json::object payload;
    if (!texts.empty() && !texts[0].empty()) payload = json::parse(texts[0]).get_object();
    Result<json::value> answer = handler_(slot, payload, progress);
    if (const auto hold = slot == "channel.send" ? hold_ : nullptr)
      (void)co_await hold->wait(Deadline::never());
    co_return answer;
  }
  Awaitable<Result<json::value>> exec_input(std::uint64_t, std::string, bool, Limits) override {
    co_return refused();
  }
  void exec_signal(std::uint64_t, int) override {}
  Awaitable<Result<json::value>> write_file(std::string, std::string, std::uint64_t,
                                            Limits) override {
    co_return refused();
  }
  Awaitable<Result<json::value>> webhook(std::string, std::string, Limits) override {
    co_return refused();
  }
  void resume(std::uint64_t) override {}

 private:
  static Error refused() { return Error(Code::kUnimplemented, "fake"); }
  Runtime& runtime_;
  const plugin::Manifest& manifest_;
  std::string account_, id_;
  Handler& handler_;
  const std::shared_ptr<Event>& hold_;
};

class FakeHost final : public plugin::PluginHost {
 public:
  explicit FakeHost(Runtime& runtime) : runtime_(runtime) {
    info_.id = "fake";
    info_.manifest.id = "fake";
    info_.manifest.name = "Fake";
    info_.manifest.channels = {"fake"};
    info_.manifest.raw =
        json::parse(R"({"channel":{"label":"Fake","secrets":{"token":{"fileKey":"tokenFile"}}}})")
            .get_object();
  }
  // Answers every slot of every instance; of sends not before `hold` is set, when there is one.
  FakeInstance::Handler handler;
  std::shared_ptr<Event> hold;
  std::function<Result<void>(const std::string& account)> on_start = [](const std::string&) {
    return Result<void>();
  };
  std::vector<json::object> created;  // configs
  json::object& traits() { return info_.manifest.raw["channel"].get_object(); }
  plugin::ChannelEvents* events = nullptr;
  FakeInstance* instance(const std::string& account = "default") {
    const auto found = instances_.find(account);
    return found == instances_.end() ? nullptr : found->second.get();
  }

  void scan() override {}
  std::vector<plugin::PluginInfo> list() const override { return {info_}; }
  const plugin::PluginInfo* find(std::string_view id) const override {
    return id == "fake" ? &info_ : nullptr;
  }
  std::vector<config::ForeignSection> foreign_sections() const override { return {}; }
  void set_channel_events(plugin::ChannelEvents* to) override { events = to; }
  Awaitable<Result<plugin::PluginInstance*>> create_instance(
      plugin::InstanceRequest request) override {
    created.push_back(request.config);
    auto& slot = instances_[request.account];
    slot = std::make_unique<FakeInstance>(runtime_, info_.manifest, request.account, handler, hold);
    co_return slot.get();
  }
  Awaitable<Result<void>> start(plugin::PluginInstance& instance, Limits) override {
    auto started = on_start(instance.account());
    if (started.has_value() && events != nullptr)
      events->link_state(instance, {{"state", "online"}});
    co_return started;
  }
  Awaitable<Result<void>> reconfigure(plugin::PluginInstance&, json::object, Limits) override {
    co_return Result<void>();
  }
  Awaitable<Result<void>> remove(plugin::PluginInstance& instance, Limits) override {
    instances_.erase(std::string(instance.account()));
    co_return Result<void>();
  }
  std::vector<plugin::PluginInstance*> instances() const override { return {}; }
  plugin::PluginInstance* find_instance(std::string_view, std::string_view) const override {
    return nullptr;
  }
  Awaitable<> stop_all(Deadline) override { co_return; }

 private:
  Runtime& runtime_;
  plugin::PluginInfo info_;
  std::map<std::string, std::unique_ptr<FakeInstance>> instances_;
};

class FakeAgent final : public agent::AgentService {
 public:
  explicit FakeAgent(Runtime& runtime) : runtime_(runtime) {}
  // The text of the reply; the run waits while `held` is true.
  std::function<agent::TurnResult(const agent::TurnRequest&)> answer =
      [](const agent::TurnRequest& request) {
        agent::TurnResult result;
        result.status = "ok";
        result.text = "re: " + request.text;
        return result;
      };
  bool held = false;
  agent::QueueSettings queue{agent::QueueMode::kFollowup, true, 0, 20,
                             agent::QueueDrop::kSummarize};
  std::vector<agent::TurnRequest> requests;
  std::vector<agent::TurnRequest> steered;  // what a turn was given before it ended
  std::size_t most_at_once = 0;

  Awaitable<agent::TurnResult> run(agent::TurnRequest request) override {
    requests.push_back(request);
    auto gate = std::make_shared<Gate>(runtime_);
    gate->session = request.session_key;
    open_[request.run_id] = gate;
    most_at_once = std::max(most_at_once, open_.size());
    auto on_abort = request.limits.abort.on_abort([gate] { gate->stop(); });
    const bool waits = held && !request.text.starts_with('/');
    if (waits && !gate->aborted) co_await gate->event.wait(Deadline::never());
    if (request.more && !request.text.starts_with('/')) {
      auto more = co_await request.more();
      for (auto& each : more) steered.push_back(std::move(each));
    }
    open_.erase(request.run_id);
    agent::TurnResult result;
    if (gate->aborted) {
      result.status = "aborted";
    } else {
      result = answer(request);
    }
    co_return result;
  }
  void release() {
    held = false;
    for (const auto& [id, gate] : open_) gate->event.set();
  }
  void emit(const std::string& run_id, const std::string& stream, json::object data) {
    agent::AgentEvent event{run_id, "", stream, std::move(data), 1, 0};
    for (const auto& [id, listener] : listeners_) listener(event);
  }
  std::vector<std::string> abort(std::string_view session_key, std::string_view,
                                 std::string_view) override {
    std::vector<std::string> out;
    for (const auto& [id, gate] : open_) {
      if (gate->session != session_key) continue;
      out.push_back(id);
      gate->stop();
    }
    return out;
  }
  bool is_running(std::string_view session_key) const override {
    for (const auto& [id, gate] : open_) {
      if (gate->session == session_key) return true;
    }
    return false;
  }
  std::size_t active_runs() const override { return open_.size(); }
  Awaitable<agent::QueueSettings> queue_settings(std::string, std::string) override {
    co_return queue;
  }
  std::uint64_t subscribe(Listener listener) override {
    listeners_[++next_] = std::move(listener);
    return next_;
  }
  void unsubscribe(std::uint64_t id) override { listeners_.erase(id); }
  Awaitable<Result<json::array>> models(Limits) override { co_return json::array(); }
  Awaitable<> stop(Deadline) override { co_return; }

 private:
  struct Gate {
    explicit Gate(Runtime& runtime) : event(runtime) {}
    void stop() {
      aborted = true;
      event.set();
    }
    Event event;
    std::string session;
    bool aborted = false;
  };
  Runtime& runtime_;
  std::map<std::string, std::shared_ptr<Gate>> open_;
  std::map<std::uint64_t, Listener> listeners_;
  std::uint64_t next_ = 0;
};

}  // namespace openclaw::channel
