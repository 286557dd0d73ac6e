// An agent on the real router, policy, sessions and configuration, with a scripted model.
#pragma once

#include <cstdlib>
#include <fstream>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agent/fakes_for_test.h"
#include "storage/temp_dir_for_test.h"

namespace openclaw::agent {

constexpr const char* kMain = "agent:main:main";

class AgentTest : public testing::Test {
 protected:
  explicit AgentTest(std::string_view config = R"({"models":{"providers":{"mock":{
      "baseUrl":"http://mock","api":"openai-completions",
      "models":[{"id":"m1","contextWindow":100000},{"id":"m2","contextWindow":100000}]}}}})") {
    // No keys and no servers of this machine.
    for (auto name : {"OPENAI_API_KEY", "ANTHROPIC_API_KEY", "OPENROUTER_API_KEY", "GEMINI_API_KEY",
                      "GROQ_API_KEY", "MISTRAL_API_KEY", "DEEPSEEK_API_KEY", "XAI_API_KEY"}) {
      ::unsetenv(name);
    }
    ::setenv("OPENCLAW_LOCAL_MODEL_PORTS", "", 1);
    root_ = json::parse(json::string_view(config.data(), config.size())).as_object();
  }
  ~AgentTest() override {
    if (agents_) wait(agents_->stop(Deadline::after(std::chrono::seconds(5))));
    if (sessions_) wait(sessions_->flush());
    agents_.reset();
    tools_.reset();
    sessions_.reset();
    runtime_.stop_blocking();
    runtime_.loop().restart();
    runtime_.loop().poll();
  }

  // After the test has changed root_ and added tools.
  AgentService& agents() {
    if (agents_) return *agents_;
    sandboxes_.workspace = dir_.path() / "workspace";
    config_ = std::make_unique<config::ConfigStore>(
        config::Paths{dir_.path(), dir_.path() / "openclaw.toml", dir_.path()},
        std::vector<config::ForeignSection>{}, config::from_json(root_));
    sessions_ = session::SessionStore::create(runtime_, *config_);
    agents_ = AgentService::create(runtime_, *config_, host_, *sessions_, *tools_, sandboxes_);
    add_session_tools(*tools_, *agents_, *sessions_, *config_);
    tools_->set_policy(policy::ToolPolicy::compile(root_, tools_->facts(), {}));
    agents_->subscribe([this](const AgentEvent& event) {
      events_.push_back(event);
      if (on_event_) on_event_(event);
    });
    return *agents_;
  }
  void add_tool(std::string name, FunctionTool::Body body) {
    ASSERT_TRUE(
        tools_->add(std::make_unique<FunctionTool>(std::move(name), std::move(body))).has_value());
  }
  // For an instance that is not there yet, or for the one that is.
  void script(std::vector<Step> steps, const std::string& provider = "mock") {
    auto* instance = host_.of(provider);
    auto& target = instance != nullptr ? instance->script : host_.scripts[provider];
    for (auto& step : steps) target.push_back(std::move(step));
  }

  TurnRequest request(std::string text, std::string key = kMain) {
    TurnRequest out;
    out.text = std::move(text);
    out.session_key = std::move(key);
    out.origin.is_owner = true;
    out.limits = Limits::within(std::chrono::seconds(20));
    return out;
  }
  TurnResult turn(std::string text, std::string key = kMain) {
    return wait(agents().run(request(std::move(text), std::move(key))));
  }
  using Later = std::shared_ptr<std::optional<TurnResult>>;
  Later start(TurnRequest what) {
    auto out = std::make_shared<std::optional<TurnResult>>();
    runtime_.loop().restart();
    asio::co_spawn(runtime_.loop(), agents().run(std::move(what)),
                   [out](const std::exception_ptr& e, TurnResult result) {
                     if (e) std::rethrow_exception(e);
                     out->emplace(std::move(result));
                   });
    return out;
  }
  TurnResult finish(const Later& later) {
    until([&] { return later->has_value(); });
    return later->value_or(TurnResult());
  }
  // Turns the loop until `done`, ten seconds at most.
  void until(const std::function<bool()>& done) {
    runtime_.loop().restart();
    auto guard = asio::make_work_guard(runtime_.loop());
    auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (!done()) {
      runtime_.loop().run_one_until(deadline);
      if (std::chrono::steady_clock::now() >= deadline) {
        FAIL() << "the condition did not come true within 10 s";
      }
    }
  }
  template <class T>
  T wait(Awaitable<T> task) {
    std::optional<T> out;
    runtime_.loop().restart();
    asio::co_spawn(runtime_.loop(), std::move(task), [&](const std::exception_ptr& e, T value) {
      if (e) std::rethrow_exception(e);
      out.emplace(std::move(value));
    });
    until([&] { return out.has_value(); });
    if (!out) std::abort();
    return std::move(*out);
  }
  void wait(Awaitable<> task) {
    bool done = false;
    runtime_.loop().restart();
    asio::co_spawn(runtime_.loop(), std::move(task),
                   [&](const std::exception_ptr&) { done = true; });
    until([&] { return done; });
  }
  FakeInstance& model(const std::string& provider = "mock") { return *host_.of(provider); }
  std::vector<session::Message> context(std::string key = kMain) {
    return wait(sessions_->context(std::move(key))).value();
  }
  json::object entry(std::string key = kMain) {
    auto found = wait(sessions_->entry(std::move(key))).value();
    return found.is_object() ? found.get_object() : json::object();
  }
  static std::string text_in(const json::object& message) {
    std::string out;
    if (!message.at("content").is_array()) return out;
    for (auto& block : message.at("content").as_array()) {
      if (auto* text = block.as_object().if_contains("text")) out += std::string(text->as_string());
    }
    return out;
  }
  std::vector<json::object> stream(std::string_view name) {
    std::vector<json::object> out;
    for (auto& event : events_) {
      if (event.stream == name) out.push_back(event.data);
    }
    return out;
  }
  void write_file(const std::string& name, const std::string& text) {
    std::filesystem::create_directories((dir_.path() / name).parent_path());
    std::ofstream(dir_.path() / name) << text;
  }

  storage::TempDir dir_;
  json::object root_;
  Runtime runtime_;
  FakeHost host_{runtime_};
  FakeSandboxes sandboxes_;
  std::unique_ptr<config::ConfigStore> config_;
  std::unique_ptr<session::SessionStore> sessions_;
  std::unique_ptr<tool::ToolRouter> tools_ = std::make_unique<tool::ToolRouter>(runtime_);
  std::unique_ptr<AgentService> agents_;
  std::vector<AgentEvent> events_;
  std::function<void(const AgentEvent&)> on_event_;
};

}  // namespace openclaw::agent
