// A gateway server on a free port with small stand-ins behind it, its loop on a thread of its own.
// Everything that touches the loop's state from a test goes through on_loop().
#pragma once

#include <future>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "gateway/gateway_server.h"
#include "gateway/testing/test_client.h"
#include "storage/temp_dir_for_test.h"

namespace openclaw::gateway::testing {

// Answers a message with "echo: <message>" in two pieces; "fail" fails, "hang" waits for the abort,
// "/help" is a command, "use-tool" reports a tool.
class FakeAgents : public agent::AgentService {
 public:
  explicit FakeAgents(Runtime& runtime) : runtime_(runtime) {}
  Awaitable<agent::TurnResult> run(agent::TurnRequest request) override;
  std::vector<std::string> abort(std::string_view session_key, std::string_view run_id,
                                 std::string_view reason) override;
  bool is_running(std::string_view) const override { return !hanging_.empty(); }
  std::size_t active_runs() const override { return hanging_.size(); }
  std::uint64_t subscribe(Listener listener) override;
  void unsubscribe(std::uint64_t id) override { listeners_.erase(id); }
  Awaitable<Result<json::array>> models(Limits limits) override;
  Awaitable<> stop(Deadline deadline) override;

  std::vector<agent::TurnRequest> requests;

 private:
  void report(const agent::TurnRequest& request, std::string stream, json::object data);
  Runtime& runtime_;
  std::map<std::uint64_t, Listener> listeners_;
  std::uint64_t next_ = 1;
  std::map<std::string, std::uint64_t> seqs_;
  struct Hanging {
    std::string session_key;
    std::shared_ptr<AbortSource> source;
  };
  std::map<std::string, Hanging> hanging_;
};

class FakeSessions : public session::SessionStore {
 public:
  Awaitable<Result<json::value>> entry(std::string key) override;
  Awaitable<Result<json::object>> ensure(std::string key) override;
  Awaitable<Result<json::object>> update(std::string key, json::object changes) override;
  Awaitable<Result<std::vector<json::object>>> list(std::string agent_id) override;
  Awaitable<Result<json::object>> reset(std::string key) override;
  Awaitable<Result<std::vector<std::string>>> remove(std::string key,
                                                     bool delete_transcript) override;
  Awaitable<Result<std::string>> append(std::string key, std::string type,
                                        json::object fields) override;
  Awaitable<Result<std::vector<session::Message>>> context(std::string key) override;
  Awaitable<Result<std::vector<session::Message>>> history(std::string key,
                                                           std::size_t limit) override;
  std::string sessions_dir(std::string_view agent_id) const override {
    return "/sessions/" + std::string(agent_id);
  }
  Awaitable<> flush() override { co_return; }

  std::map<std::string, json::object> entries;
  std::map<std::string, std::vector<session::Message>> messages;
};

class FakeChannels : public channel::ChannelService {
 public:
  Awaitable<Result<void>> start() override;
  Awaitable<> stop(Deadline) override { co_return; }
  Awaitable<> apply_config() override { co_return; }
  Awaitable<json::object> first_result(std::string, std::string, Deadline) override {
    co_return json::object{};
  }
  Awaitable<Result<json::object>> link(channel::LinkRequest, Deadline) override { co_return json::object{}; }
  Awaitable<json::object> status(bool probe, Limits limits) override;
  std::vector<std::string> failing() const override { return failing_now; }
  Awaitable<Result<json::object>> act(channel::MessageAction action, Limits limits) override;
  Awaitable<Result<json::object>> queue(channel::QueueRequest) override { co_return json::object{}; }
  Awaitable<Result<json::object>> resolve(channel::ResolveRequest) override { co_return json::object{}; }
  Awaitable<Result<json::object>> logout(std::string, std::string) override { co_return json::object{}; }
  void inbound(plugin::PluginInstance&, json::object, std::function<void(Code)>) override {}
  void link_state(plugin::PluginInstance&, json::object) override {}

  std::vector<std::string> failing_now;
  std::vector<channel::MessageAction> sent;
};

class FakePlugins : public plugin::PluginHost {
 public:
  void scan() override {}
  std::vector<plugin::PluginInfo> list() const override { return {}; }
  const plugin::PluginInfo* find(std::string_view) const override { return nullptr; }
  std::vector<config::ForeignSection> foreign_sections() const override { return {}; }
  void set_channel_events(plugin::ChannelEvents*) override {}
  Awaitable<Result<plugin::PluginInstance*>> create_instance(
      plugin::InstanceRequest request) override;
  Awaitable<Result<void>> start(plugin::PluginInstance&, Limits) override {
    co_return Result<void>();
  }
  Awaitable<Result<void>> reconfigure(plugin::PluginInstance&, json::object, Limits) override {
    co_return Result<void>();
  }
  Awaitable<Result<void>> remove(plugin::PluginInstance&, Limits) override {
    co_return Result<void>();
  }
  std::vector<plugin::PluginInstance*> instances() const override { return {}; }
  plugin::PluginInstance* find_instance(std::string_view, std::string_view) const override {
    return nullptr;
  }
  Awaitable<> stop_all(Deadline) override { co_return; }
};

class FakeSandboxes : public sandbox::SandboxManager {
 public:
  explicit FakeSandboxes(std::filesystem::path workspace) : workspace_(std::move(workspace)) {}
  sandbox::View resolve(std::string_view agent_id, std::string_view session_key) const override;
  Awaitable<Result<std::unique_ptr<sandbox::Exec>>> exec(sandbox::View, sandbox::ExecRequest,
                                                         sandbox::OutputSink, Limits) override;
  Awaitable<Result<std::vector<sandbox::ContainerInfo>>> list(Limits limits) override;
  Awaitable<Result<std::vector<std::string>>> recreate(std::string, std::string, bool,
                                                       Limits) override;
  Awaitable<> stop(Deadline) override { co_return; }
  Awaitable<std::vector<std::string>> sweep() override { co_return std::vector<std::string>(); }
  void keep_spares() override {}

 private:
  std::filesystem::path workspace_;
};

struct GatewaySetup {
  json::object config;  // gateway.auth.token is kToken unless gateway is given
  std::string bind_mode = "loopback";
};

inline constexpr const char* kToken = "test-token-0123456789abcdef";

class TestGateway {
 public:
  explicit TestGateway(GatewaySetup setup = {});
  ~TestGateway();
  TestGateway(const TestGateway&) = delete;
  TestGateway& operator=(const TestGateway&) = delete;

  std::uint16_t port() const { return port_; }
  const std::filesystem::path& state_dir() const { return dir_.path(); }
  void on_loop(std::function<void()> work);
  void stop();
  HttpAnswer http(std::string_view method, std::string_view target, std::string_view headers = {},
                  std::string_view body = {}) const;
  // With the right bearer token.
  HttpAnswer api(std::string_view target, std::string_view body,
                 std::string_view headers = {}) const;

  FakeAgents& agents() { return *agents_; }
  FakeSessions& sessions() { return sessions_; }
  FakeChannels& channels() { return channels_; }
  tool::ToolRouter& tools() { return *tools_; }
  int stopped_calls() const { return stopped_calls_; }  // of tools, before they ended by themselves
  config::ConfigStore& config() { return *config_; }
  void compile_policy();

 private:
  storage::TempDir dir_;
  Runtime runtime_{2};
  std::unique_ptr<config::ConfigStore> config_;
  FakePlugins plugins_;
  int stopped_calls_ = 0;
  std::unique_ptr<tool::ToolRouter> tools_;
  std::unique_ptr<FakeSandboxes> sandboxes_;
  FakeSessions sessions_;
  std::unique_ptr<FakeAgents> agents_;
  FakeChannels channels_;
  std::unique_ptr<GatewayServer> server_;
  std::uint16_t port_ = 0;
  std::thread thread_;
};

// A device of its own, in a folder of its own.
class TestDevice {
 public:
  TestDevice() : identity_(identity::load_or_create(dir_.path()).value()) {}
  const identity::DeviceIdentity& identity() const { return identity_; }
  const std::string& id() const { return identity_.device_id; }

 private:
  storage::TempDir dir_;
  identity::DeviceIdentity identity_;
};

// Shared token, all scopes, a device: how the CLI connects.
ConnectOptions full(const TestDevice& device);

}  // namespace openclaw::gateway::testing
