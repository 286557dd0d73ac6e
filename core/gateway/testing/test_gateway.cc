#include "gateway/testing/test_gateway.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/executor_work_guard.hpp>

namespace openclaw::gateway::testing {
namespace {

// Some are offered by HTTP and some are not. With the text "wait" a call runs until it is stopped.
class FakeTool : public tool::Tool {
 public:
  FakeTool(Runtime& runtime, int& stopped, std::string name, std::string group, bool gateway_tool)
      : runtime_(runtime), stopped_(stopped) {
    spec_.name = std::move(name);
    spec_.description = "a tool of the tests";
    spec_.group = std::move(group);
    spec_.gateway_tool = gateway_tool;
    spec_.parameters =
        json::parse(
            R"({"type":"object","properties":{"text":{"type":"string"}},"additionalProperties":false})")
            .as_object();
  }
  const tool::ToolSpec& spec() const override { return spec_; }

 private:
  Awaitable<Result<tool::ToolResult>> run(tool::ToolCall call, Limits limits) override {
    if (auto* text = call.args.if_contains("text"); text && *text == "wait") {
      co_await sleep_until(runtime_, limits);
      if (limits.abort.aborted()) ++stopped_;
    }
    co_return tool::ToolResult::text("ran " + spec_.name + " for " + call.caller.session_key);
  }
  Runtime& runtime_;
  int& stopped_;
  tool::ToolSpec spec_;
};

json::object with_defaults(json::object config) {
  if (!config.contains("gateway")) {
    json::object auth{{"mode", "token"}, {"token", kToken}};
    json::object gateway;
    gateway["auth"] = std::move(auth);
    config["gateway"] = std::move(gateway);
  }
  return config;
}

}  // namespace

void FakeAgents::report(const agent::TurnRequest& request, std::string stream, json::object data) {
  agent::AgentEvent event;
  event.run_id = request.run_id;
  event.session_key = request.session_key;
  event.stream = std::move(stream);
  event.data = std::move(data);
  event.seq = ++seqs_[request.run_id];
  event.ts = 1;
  auto listeners = listeners_;
  for (auto& [id, listener] : listeners) listener(event);
}

Awaitable<agent::TurnResult> FakeAgents::run(agent::TurnRequest request) {
  requests.push_back(request);
  agent::TurnResult result;
  result.run_id = request.run_id;
  result.session_id = "session-1";
  result.status = "ok";
  if (request.text == "/help") {
    result.text = "commands: /help";
    result.was_command = true;
    co_return result;
  }
  report(request, "lifecycle", {{"phase", "start"}, {"startedAt", 1}});
  if (request.text == "hang") {
    auto source = std::make_shared<AbortSource>();
    hanging_[request.run_id] = {request.session_key, source};
    auto from_client =
        request.limits.abort.on_abort([source] { source->abort("the client went away"); });
    Limits limits{Deadline::after(std::chrono::seconds(30)), source->signal()};
    co_await sleep_until(runtime_, limits);
    hanging_.erase(request.run_id);
    result.status = "aborted";
    result.stop_reason = source->signal().reason();
    report(request, "lifecycle", {{"phase", "end"}, {"endedAt", 2}, {"aborted", true}});
    co_return result;
  }
  if (request.text == "fail") {
    result.status = "error";
    result.error = "the model said no";
    report(request, "lifecycle", {{"phase", "error"}, {"error", result.error}, {"endedAt", 2}});
    co_return result;
  }
  if (request.text == "use-tool") {
    report(request, "tool",
           {{"phase", "start"}, {"name", "echo"}, {"toolCallId", "t1"}, {"args", json::object{}}});
    report(
        request, "tool",
        {{"phase", "result"}, {"name", "echo"}, {"toolCallId", "t1"}, {"result", "secret-result"}});
  }
  result.text = "echo: " + request.text;
  report(request, "assistant", {{"text", "echo: "}, {"delta", "echo: "}});
  report(request, "assistant", {{"text", result.text}, {"delta", request.text}});
  report(request, "lifecycle", {{"phase", "end"}, {"endedAt", 2}});
  co_return result;
}

std::vector<std::string> FakeAgents::abort(std::string_view session_key, std::string_view run_id,
                                           std::string_view reason) {
  std::vector<std::string> stopped;
  auto hanging = hanging_;
  for (auto& [id, run] : hanging) {
    if (run.session_key != session_key || (!run_id.empty() && run_id != id)) continue;
    stopped.push_back(id);
    run.source->abort(std::string(reason));
  }
  return stopped;
}

std::uint64_t FakeAgents::subscribe(Listener listener) {
  listeners_[next_] = std::move(listener);
  return next_++;
}

Awaitable<Result<json::array>> FakeAgents::models(Limits) {
  json::array models{json::object{{"id", "m1"}, {"name", "M1"}, {"provider", "test"}}};
  co_return models;
}

Awaitable<> FakeAgents::stop(Deadline) {
  co_return;
}

Awaitable<Result<json::value>> FakeSessions::entry(std::string key) {
  auto found = entries.find(key);
  json::value out;
  if (found != entries.end()) out = found->second;
  co_return out;
}
Awaitable<Result<json::object>> FakeSessions::ensure(std::string key) {
  auto& entry = entries[key];
  if (!entry.contains("sessionId")) entry["sessionId"] = "id-of-" + key;
  entry["updatedAt"] = 1000;
  co_return entry;
}
Awaitable<Result<json::object>> FakeSessions::update(std::string key, json::object changes) {
  auto& entry = entries[key];
  for (auto& [name, value] : changes) {
    if (value.is_null()) {
      entry.erase(name);
    } else {
      entry[name] = value;
    }
  }
  co_return entry;
}
Awaitable<Result<std::vector<json::object>>> FakeSessions::list(std::string) {
  std::vector<json::object> out;
  for (const auto& [key, entry] : entries) {
    auto row = entry;
    row["key"] = key;
    out.push_back(std::move(row));
  }
  co_return out;
}
Awaitable<Result<json::object>> FakeSessions::reset(std::string key) {
  entries[key]["sessionId"] = "fresh";
  co_return entries[key];
}
Awaitable<Result<std::vector<std::string>>> FakeSessions::remove(std::string key, bool) {
  entries.erase(key);
  std::vector<std::string> archived{key + ".deleted"};
  co_return archived;
}
Awaitable<Result<std::string>> FakeSessions::append(std::string key, std::string,
                                                    json::object fields) {
  messages[key].push_back(std::move(fields));
  co_return std::string("abcd0123");
}
Awaitable<Result<std::vector<session::Message>>> FakeSessions::context(std::string key) {
  co_return messages[key];
}
Awaitable<Result<std::vector<session::Message>>> FakeSessions::history(std::string key,
                                                                       std::size_t) {
  co_return messages[key];
}

Awaitable<Result<void>> FakeChannels::start() {
  co_return Result<void>();
}
Awaitable<json::object> FakeChannels::status(bool, Limits) {
  json::object channels;
  channels["telegram"] = json::object{{"configured", true}, {"running", true}};
  json::object out;
  out["channelOrder"] = json::array{"telegram"};
  out["channelLabels"] = json::object{{"telegram", "Telegram"}};
  out["channels"] = std::move(channels);
  co_return out;
}
Awaitable<Result<json::object>> FakeChannels::act(channel::MessageAction action, Limits) {
  sent.push_back(std::move(action));
  json::object out{{"messageId", "42"}};
  co_return out;
}

Awaitable<Result<plugin::PluginInstance*>> FakePlugins::create_instance(plugin::InstanceRequest) {
  co_return Error(Code::kUnimplemented, "no plugins in this test");
}

sandbox::View FakeSandboxes::resolve(std::string_view agent_id,
                                     std::string_view session_key) const {
  sandbox::View view;
  view.agent_id = agent_id;
  view.session_key = session_key;
  view.agent_workspace = workspace_;
  return view;
}
Awaitable<Result<std::unique_ptr<sandbox::Exec>>> FakeSandboxes::exec(sandbox::View,
                                                                      sandbox::ExecRequest,
                                                                      sandbox::OutputSink, Limits) {
  co_return Error(Code::kUnimplemented, "no sandbox in this test");
}
Awaitable<Result<std::vector<sandbox::ContainerInfo>>> FakeSandboxes::list(Limits) {
  co_return std::vector<sandbox::ContainerInfo>();
}
Awaitable<Result<std::vector<std::string>>> FakeSandboxes::recreate(std::string, std::string, bool,
                                                                    Limits) {
  co_return std::vector<std::string>();
}

TestGateway::TestGateway(GatewaySetup setup) {
  config::Paths paths;
  paths.state_dir = dir_.path();
  paths.home = dir_.path();
  paths.config_file = dir_.path() / "openclaw.toml";
  config_ = std::make_unique<config::ConfigStore>(
      paths, std::vector<config::ForeignSection>{},
      config::from_json(with_defaults(std::move(setup.config))));
  tools_ = std::make_unique<tool::ToolRouter>(runtime_);
  (void)tools_->add(
      std::make_unique<FakeTool>(runtime_, stopped_calls_, "session_status", "sessions", true));
  (void)tools_->add(
      std::make_unique<FakeTool>(runtime_, stopped_calls_, "sessions_list", "sessions", true));
  (void)tools_->add(std::make_unique<FakeTool>(runtime_, stopped_calls_, "exec", "runtime", false));
  compile_policy();
  sandboxes_ = std::make_unique<FakeSandboxes>(dir_.path() / "workspace");
  agents_ = std::make_unique<FakeAgents>(runtime_);
  Services services{runtime_,    *config_,  plugins_, *tools_,
                    *sandboxes_, sessions_, *agents_, channels_};
  ServerOptions options;
  options.bind_mode = setup.bind_mode;
  options.port = 0;
  options.version = "9.9.9-test";
  server_ = GatewayServer::create(services, options);
  auto started = server_->start();
  if (started.has_error()) throw std::runtime_error(started.error().message);
  port_ = server_->port();
  thread_ = std::thread([this] {
    auto work = asio::make_work_guard(runtime_.loop());
    runtime_.loop().run();
  });
}

TestGateway::~TestGateway() {
  stop();
}

void TestGateway::compile_policy() {
  tools_->set_policy(
      policy::ToolPolicy::compile(config_->current()->root(), tools_->facts(),
                                  [](std::string_view) { return std::string("test config"); }));
}

void TestGateway::on_loop(std::function<void()> work) {
  std::promise<void> done;
  runtime_.post([&] {
    work();
    done.set_value();
  });
  done.get_future().wait();
}

void TestGateway::stop() {
  if (!thread_.joinable()) return;
  runtime_.post([this] {
    asio::co_spawn(runtime_.loop(),
                   server_->stop("test ends", Deadline::after(std::chrono::seconds(5))),
                   [this](const std::exception_ptr&) { runtime_.loop().stop(); });
  });
  thread_.join();
  runtime_.stop_blocking();
}

HttpAnswer TestGateway::http(std::string_view method, std::string_view target,
                             std::string_view headers, std::string_view body) const {
  return testing::http(port_, method, target, headers, body);
}

HttpAnswer TestGateway::api(std::string_view target, std::string_view body,
                            std::string_view headers) const {
  return http("POST", target,
              "Authorization: Bearer " + std::string(kToken) + "\r\n" + std::string(headers), body);
}

ConnectOptions full(const TestDevice& device) {
  ConnectOptions options;
  options.token = kToken;
  options.device = &device.identity();
  options.scopes = {"operator.admin", "operator.read", "operator.write", "operator.approvals",
                    "operator.pairing"};
  return options;
}

}  // namespace openclaw::gateway::testing
