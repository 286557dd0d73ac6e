// What the agent's tests put in the place of plugins and sandboxes. The router, the policy, the
// sessions and the configuration are the real ones.
#pragma once

#include <deque>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "agent/agent_service.h"

namespace openclaw::agent {

// One answer of the scripted model.
struct Step {
  std::vector<std::pair<std::string, std::string>> deltas;  // type, text
  Result<json::value> answer = json::value();
  bool hold = false;  // after the deltas: until release(), the deadline or the abort
};

inline json::object completion(json::array content, std::string_view reason,
                               std::int64_t tokens = 10) {
  return {{"content", std::move(content)},
          {"usage",
           json::object{{"input", tokens}, {"output", 3}, {"cacheRead", 0}, {"cacheWrite", 0}}},
          {"stopReason", reason}};
}
inline json::object text_block(std::string_view text) {
  return {{"type", "text"}, {"text", text}};
}

inline Step says(std::vector<std::string> pieces, std::int64_t tokens = 10) {
  Step step;
  std::string whole;
  for (auto& piece : pieces) {
    whole += piece;
    step.deltas.emplace_back("text", piece);
  }
  step.answer = json::value(completion(json::array{text_block(whole)}, "stop", tokens));
  return step;
}
struct ToolUse {
  std::string id, name;
  json::object arguments;
};
inline Step calls(std::vector<ToolUse> uses, std::string_view text = {}) {
  Step step;
  json::array content;
  if (!text.empty()) {
    content.push_back(text_block(text));
    step.deltas.emplace_back("text", std::string(text));
  }
  for (auto& use : uses) {
    content.push_back(json::object{
        {"type", "toolCall"}, {"id", use.id}, {"name", use.name}, {"arguments", use.arguments}});
  }
  step.answer = json::value(completion(std::move(content), "toolUse"));
  return step;
}
inline Step fails(Code code, std::string message = "scripted failure",
                  std::string platform_code = {}) {
  Step step;
  Error error(code, std::move(message));
  error.retry_after = std::chrono::milliseconds(0);
  if (!platform_code.empty()) error.details["platformCode"] = platform_code;
  step.answer = error;
  return step;
}

class FakeInstance final : public plugin::PluginInstance {
 public:
  FakeInstance(Runtime& runtime, plugin::Manifest manifest, plugin::InstanceRequest request)
      : runtime_(runtime), manifest_(std::move(manifest)), request_(std::move(request)) {
    id_ = request_.plugin_id + "/" + request_.account;
  }
  const std::string& id() const override { return id_; }
  const std::string& account() const override { return request_.account; }
  const plugin::Manifest& manifest() const override { return manifest_; }
  plugin::State state() const override { return state_; }
  plugin::OperationCounts counts() const override { return {}; }
  bool provides(std::string_view) const override { return true; }
  Runtime& runtime() override { return runtime_; }

  Awaitable<Result<json::value>> call(std::string slot, std::vector<std::string> texts,
                                      Limits limits, plugin::ProgressSink progress,
                                      std::function<void(std::uint64_t)>) override {
    if (slot == "model.list_models") {
      co_return json::value(
          json::object{{"models", json::array{json::object{{"id", "listed-1"}}}}});
    }
    requests.push_back(json::parse(texts.at(0)).as_object());
    if (on_request) on_request(requests.size());
    Step step = script.empty() ? says({"ok"}) : std::move(script.front());
    if (!script.empty()) script.pop_front();
    for (auto& [type, text] : step.deltas) {
      if (progress)
        progress(plugin::Stream::kJson,
                 json::serialize(json::object{{"type", type}, {"delta", text}}));
    }
    if (step.hold) {
      std::function<void(Completer<void>)> wait = [this](const Completer<void>& done) {
        held.push_back(done);
      };
      auto released = co_await suspend<void>(runtime_, limits, std::move(wait));
      if (released.has_error()) co_return released.error();
    }
    co_return step.answer;
  }
  Awaitable<Result<json::value>> exec_input(std::uint64_t, std::string, bool, Limits) override {
    co_return make_error(Code::kUnimplemented, "fake");
  }
  void exec_signal(std::uint64_t, int) override {}
  Awaitable<Result<json::value>> write_file(std::string, std::string, std::uint64_t,
                                            Limits) override {
    co_return make_error(Code::kUnimplemented, "fake");
  }
  Awaitable<Result<json::value>> webhook(std::string, std::string, Limits) override {
    co_return make_error(Code::kUnimplemented, "fake");
  }
  void resume(std::uint64_t) override {}

  void release() {
    for (auto& done : std::exchange(held, {})) done.now(Result<void>());
  }

  std::deque<Step> script;
  std::vector<json::object> requests;
  std::vector<Completer<void>> held;
  std::function<void(std::size_t)> on_request;
  plugin::State state_ = plugin::State::kLoaded;
  const plugin::InstanceRequest& request() const { return request_; }

 private:
  Runtime& runtime_;
  plugin::Manifest manifest_;
  plugin::InstanceRequest request_;
  std::string id_;
};

// One model plugin that serves "openai-completions"; an instance per provider.
class FakeHost final : public plugin::PluginHost {
 public:
  explicit FakeHost(Runtime& runtime) : runtime_(runtime) {
    info_.id = "model-fake";
    info_.manifest.id = "model-fake";
    info_.manifest.model_apis = {"openai-completions"};
  }
  void scan() override {}
  std::vector<plugin::PluginInfo> list() const override { return {info_}; }
  const plugin::PluginInfo* find(std::string_view id) const override {
    return id == info_.id ? &info_ : nullptr;
  }
  std::vector<config::ForeignSection> foreign_sections() const override { return {}; }
  void set_channel_events(plugin::ChannelEvents*) override {}
  Awaitable<Result<plugin::PluginInstance*>> create_instance(
      plugin::InstanceRequest request) override {
    auto made = std::make_unique<FakeInstance>(runtime_, info_.manifest, std::move(request));
    auto waiting = scripts.extract(made->account());
    if (!waiting.empty()) made->script = std::move(waiting.mapped());
    instances_.push_back(std::move(made));
    co_return instances_.back().get();
  }
  Awaitable<Result<void>> start(plugin::PluginInstance& instance, Limits) override {
    static_cast<FakeInstance&>(instance).state_ = plugin::State::kRunning;
    co_return Result<void>();
  }
  Awaitable<Result<void>> reconfigure(plugin::PluginInstance&, json::object, Limits) override {
    co_return Result<void>();
  }
  Awaitable<Result<void>> remove(plugin::PluginInstance& instance, Limits) override {
    std::erase_if(instances_, [&](auto& owned) { return owned.get() == &instance; });
    co_return Result<void>();
  }
  std::vector<plugin::PluginInstance*> instances() const override {
    std::vector<plugin::PluginInstance*> out;
    for (auto& owned : instances_) out.push_back(owned.get());
    return out;
  }
  plugin::PluginInstance* find_instance(std::string_view, std::string_view) const override {
    return instances_.empty() ? nullptr : instances_.front().get();
  }
  Awaitable<> stop_all(Deadline) override { co_return; }

  // The instance of a provider, once it is there.
  FakeInstance* of(std::string_view account) {
    for (auto& owned : instances_) {
      if (owned->account() == account) return owned.get();
    }
    return nullptr;
  }
  std::map<std::string, std::deque<Step>> scripts;  // for instances to come

 private:
  Runtime& runtime_;
  plugin::PluginInfo info_;
  std::vector<std::unique_ptr<FakeInstance>> instances_;
};

class FakeSandboxes final : public sandbox::SandboxManager {
 public:
  sandbox::View resolve(std::string_view agent_id, std::string_view session_key) const override {
    sandbox::View view;
    view.agent_id = agent_id;
    view.session_key = session_key;
    view.sandboxed = sandboxed && sandboxed(agent_id, session_key);
    view.backend = "docker";
    view.scope = "agent";
    view.workspace_access = "none";
    view.workdir = "/workspace";
    view.host_workspace = workspace;
    view.why = view.sandboxed ? "mode all" : "mode off";
    return view;
  }
  Awaitable<Result<std::unique_ptr<sandbox::Exec>>> exec(sandbox::View, sandbox::ExecRequest,
                                                         sandbox::OutputSink, Limits) override {
    co_return make_error(Code::kUnimplemented, "fake");
  }
  Awaitable<Result<std::vector<sandbox::ContainerInfo>>> list(Limits) override {
    co_return std::vector<sandbox::ContainerInfo>();
  }
  Awaitable<Result<std::vector<std::string>>> recreate(std::string, std::string, bool,
                                                       Limits) override {
    co_return std::vector<std::string>();
  }
  Awaitable<> stop(Deadline) override { co_return; }

  Awaitable<std::vector<std::string>> sweep() override { co_return std::vector<std::string>(); }
  void keep_spares() override {}

  std::function<bool(std::string_view agent, std::string_view key)> sandboxed;
  std::filesystem::path workspace;
};

// A tool whose body is a function.
class FunctionTool final : public tool::Tool {
 public:
  using Body = std::function<Awaitable<Result<tool::ToolResult>>(tool::ToolCall, Limits)>;
  FunctionTool(std::string name, Body body) : body_(std::move(body)) {
    spec_.name = std::move(name);
    spec_.description = "A tool for tests. More words.";
    json::object any;
    for (auto key : {"a", "n", "x", "y"}) any[key] = json::object();
    spec_.parameters = {{"type", "object"}, {"properties", any}, {"additionalProperties", false}};
  }
  const tool::ToolSpec& spec() const override { return spec_; }

 private:
  Awaitable<Result<tool::ToolResult>> run(tool::ToolCall call, Limits limits) override {
    return body_(std::move(call), limits);
  }
  tool::ToolSpec spec_;
  Body body_;
};

}  // namespace openclaw::agent
