// The tools exec and process through the real router, on the host.
#include "process/process_tools.h"

#include <filesystem>

#include <boost/asio/co_spawn.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "storage/temp_dir_for_test.h"

namespace openclaw::process {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

// Sessions named "boxed" have a sandbox, which answers what it was asked to run; others have none.
class FakeSandboxes final : public sandbox::SandboxManager {
 public:
  explicit FakeSandboxes(std::filesystem::path workspace) : workspace_(std::move(workspace)) {}
  sandbox::View resolve(std::string_view agent_id, std::string_view session_key) const override {
    sandbox::View view;
    view.agent_id = agent_id;
    view.session_key = session_key;
    view.sandboxed = session_key.find("boxed") != std::string_view::npos;
    view.host_workspace = workspace_;
    view.workdir = view.sandboxed ? "/workspace" : workspace_.string();
    view.why = "mode is off";
    return view;
  }
  Awaitable<Result<std::unique_ptr<sandbox::Exec>>> exec(sandbox::View,
                                                         sandbox::ExecRequest request,
                                                         sandbox::OutputSink, Limits) override {
    asked = std::move(request);
    co_return Error(Code::kUnavailable, "no engine here");
  }
  Awaitable<Result<std::vector<sandbox::ContainerInfo>>> list(Limits) override {
    co_return std::vector<sandbox::ContainerInfo>{};
  }
  Awaitable<Result<std::vector<std::string>>> recreate(std::string, std::string, bool,
                                                       Limits) override {
    co_return std::vector<std::string>{};
  }
  Awaitable<> stop(Deadline) override { co_return; }
  Awaitable<std::vector<std::string>> sweep() override { co_return std::vector<std::string>{}; }
  void keep_spares() override {}
  sandbox::ExecRequest asked;

 private:
  std::filesystem::path workspace_;
};

class ProcessToolsTest : public ::testing::Test {
 protected:
  ProcessToolsTest()
      : sandboxes_(temp_.path() / "ws"),
        store_({}, {}, config::from_json({})),
        router_(runtime_),
        tools_(register_process_tools(router_, sandboxes_, runtime_, store_)) {
    router_.set_policy(policy::ToolPolicy::compile(json::object{}, router_.facts(), {}));
  }
  ~ProcessToolsTest() override {
    bool done = false;
    Deadline deadline = Deadline::after(20s);
    asio::co_spawn(runtime_.loop(), tools_->stop(deadline),
                   [&](const std::exception_ptr&) { done = true; });
    until([&] { return done; });
    runtime_.stop_blocking();
  }
  void until(const std::function<bool()>& done) {
    while (!done()) {
      if (runtime_.loop().stopped()) runtime_.loop().restart();
      runtime_.loop().run_one();
    }
  }
  Result<tool::ToolResult> call(const std::string& name, const std::string& args,
                                const std::string& session = "agent:main:main",
                                bool sandboxed = false) {
    tool::ToolCall request;
    request.tool = name;
    request.args = json::parse(args).as_object();
    request.caller.session_key = session;
    request.caller.sandboxed = sandboxed;
    request.caller.is_owner = true;
    std::optional<Result<tool::ToolResult>> out;
    Limits limits = Limits::within(30s);
    asio::co_spawn(runtime_.loop(), router_.invoke(std::move(request), limits),
                   [&](const std::exception_ptr& e, Result<tool::ToolResult> value) {
                     EXPECT_FALSE(e);
                     out.emplace(std::move(value));
                   });
    until([&] { return out.has_value(); });
    return std::move(*out);
  }
  std::string start(const std::string& args) {
    auto started = call("exec", args);
    return std::string(started->details.at("sessionId").as_string());
  }

  storage::TempDir temp_;
  Runtime runtime_;
  FakeSandboxes sandboxes_;
  config::ConfigStore store_;
  tool::ToolRouter router_;
  std::shared_ptr<ProcessTools> tools_;
};

TEST_F(ProcessToolsTest, ExecAnswersOutputAndExitCode) {
  auto result = call("exec", R"({"command":"echo out; echo err >&2; pwd; exit 3"})");
  ASSERT_TRUE(result.has_value()) << result.error().message;
  EXPECT_TRUE(result->is_error);
  EXPECT_EQ(result->details.at("exitCode"), 3);
  EXPECT_THAT(result->joined_text(), HasSubstr("out\n"));
  EXPECT_THAT(result->joined_text(), HasSubstr("err\n"));
  EXPECT_THAT(result->joined_text(), HasSubstr((temp_.path() / "ws").string()));
  EXPECT_THAT(result->joined_text(), HasSubstr("[exit code 3]"));
}

TEST_F(ProcessToolsTest, TimeOutIsSaid) {
  auto result = call("exec", R"({"command":"sleep 300","timeout":1})");
  ASSERT_TRUE(result.has_value());
  EXPECT_EQ(result->details.at("status"), "timeout");
}

TEST_F(ProcessToolsTest, BackgroundCommandsAreFollowedAndKilled) {
  std::string id =
      start(R"({"command":"echo ready; read x; echo got $x; sleep 300","background":true})");
  auto polled = call("process", R"({"action":"poll","timeout":10000,"sessionId":")" + id + "\"}");
  EXPECT_THAT(polled->joined_text(), HasSubstr("ready"));
  EXPECT_FALSE(
      call("process", R"({"action":"submit","data":"abc","sessionId":")" + id + "\"}")->is_error);
  polled = call("process", R"({"action":"poll","timeout":10000,"sessionId":")" + id + "\"}");
  EXPECT_THAT(polled->joined_text(), HasSubstr("got abc"));
  EXPECT_THAT(call("process", R"({"action":"list"})")->joined_text(), HasSubstr(id));
  auto other = call("process", R"({"action":"log","sessionId":")" + id + "\"}", "agent:main:other");
  EXPECT_TRUE(other->is_error) << "another session's commands do not exist";
  EXPECT_THAT(call("process", R"({"action":"log","sessionId":")" + id + "\"}")->joined_text(),
              HasSubstr("of 2"));
  auto killed = call("process", R"({"action":"kill","sessionId":")" + id + "\"}");
  EXPECT_EQ(killed->details.at("status"), "killed");
  EXPECT_EQ(tools_->running(), 0u);
}

TEST_F(ProcessToolsTest, ACommandThatTakesLongGoesOnInTheBackground) {
  auto result = call("exec", R"({"command":"echo first; sleep 300","yieldMs":300})");
  ASSERT_TRUE(result.has_value());
  EXPECT_EQ(result->details.at("status"), "running");
  EXPECT_THAT(result->joined_text(), HasSubstr("first"));
  EXPECT_EQ(tools_->running(), 1u);
}

TEST_F(ProcessToolsTest, R255SandboxedSessionsRunInTheirSandbox) {
  auto result = call("exec", R"({"command":"id","workdir":"sub"})", "agent:main:boxed", true);
  ASSERT_TRUE(result.has_error());
  EXPECT_THAT(result.error().message, HasSubstr("no engine here"));
  EXPECT_EQ(sandboxes_.asked.argv, (std::vector<std::string>{"sh", "-lc", "id"}));
  EXPECT_EQ(sandboxes_.asked.cwd, "/workspace/sub");
}

TEST_F(ProcessToolsTest, AConfinedCallerNeverRunsOnTheHostA22) {
  auto result = call("exec", R"({"command":"touch escaped"})", "agent:main:free", true);
  ASSERT_TRUE(result.has_error());
  EXPECT_EQ(result.error().code, Code::kPermissionDenied);
  EXPECT_FALSE(std::filesystem::exists(temp_.path() / "ws/escaped"));
}

TEST_F(ProcessToolsTest, RefusedVariablesAreNamedA19) {
  auto result = call("exec", R"({"command":"true","env":{"LD_PRELOAD":"/x.so"}})");
  ASSERT_TRUE(result.has_error());
  EXPECT_THAT(result.error().message, HasSubstr("LD_PRELOAD"));
}

}  // namespace
}  // namespace openclaw::process
