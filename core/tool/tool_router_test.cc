#include "tool/tool_router.h"

#include <optional>

#include <boost/asio/co_spawn.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tool/plugin_tools.h"

namespace openclaw::tool {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

template <class T>
T run(Runtime& runtime, Awaitable<T> task) {
  std::optional<T> out;
  asio::co_spawn(runtime.loop(), std::move(task), [&](const std::exception_ptr& e, T value) {
    if (e) std::rethrow_exception(e);
    out.emplace(std::move(value));
  });
  runtime.loop().restart();
  runtime.loop().run();
  return std::move(*out);
}

std::vector<std::string> names_of(const std::vector<const ToolSpec*>& specs) {
  std::vector<std::string> out;
  for (const ToolSpec* spec : specs) out.push_back(spec->name);
  return out;
}

json::object parse(std::string_view text) {
  return json::parse(text).as_object();
}

using Body = std::function<Result<ToolResult>(const ToolCall&)>;

class FakeTool final : public Tool {
 public:
  FakeTool(ToolSpec spec, Body body) : spec_(std::move(spec)), body_(std::move(body)) {}
  const ToolSpec& spec() const override { return spec_; }

 private:
  Awaitable<Result<ToolResult>> run(ToolCall call, Limits) override { co_return body_(call); }
  ToolSpec spec_;
  Body body_;
};

constexpr const char* kSchema =
    R"({"type":"object","additionalProperties":false,"required":["path"],"properties":{
  "path":{"type":"string"},"limit":{"type":"integer","minimum":1},"mode":{"enum":["fast","slow"]},
  "edits":{"type":"array","items":{"type":"object","required":["old"],"properties":{"old":{"type":"string"}}}}}})";

class ToolRouterTest : public ::testing::Test {
 protected:
  void add(const std::string& name, Body body, const char* schema = kSchema,
           const std::string& plugin = {}) {
    ToolSpec spec;
    spec.name = name;
    spec.parameters = parse(schema);
    spec.plugin_id = plugin;
    ASSERT_TRUE(router.add(std::make_unique<FakeTool>(std::move(spec), std::move(body))));
  }
  void use(const char* config) {
    router.set_policy(policy::ToolPolicy::compile(parse(config), router.facts(), {}));
  }
  ToolCall call(const std::string& name, std::string_view args) const {
    ToolCall c;
    c.tool = name;
    c.args = parse(args);
    c.caller.is_owner = true;
    return c;
  }
  Result<ToolResult> invoke(const std::string& name, std::string_view args) {
    return run(runtime, router.invoke(call(name, args), Limits::within(std::chrono::seconds(5))));
  }
  Body count() {
    return [this](const ToolCall&) -> Result<ToolResult> {
      ++runs;
      return ToolResult::text("ran");
    };
  }

  Runtime runtime;
  ToolRouter router{runtime};
  int runs = 0;
};

TEST_F(ToolRouterTest, RunsAnAllowedToolWithItsCanonicalName) {
  std::string seen;
  add("exec", [&](const ToolCall& c) -> Result<ToolResult> {
    seen = c.tool;
    return ToolResult::text("hi");
  });
  use("{}");
  auto result = invoke(" Bash ", R"({"path":"x"})");
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_EQ(result->joined_text(), "hi");
  EXPECT_EQ(seen, "exec");
}

TEST_F(ToolRouterTest, R226RefusedToolIsNotRunAndTheErrorIsTheVerdict) {
  add("read", count());
  use(R"({"tools":{"deny":["read"]}})");
  for (Entry entry :
       {Entry::kAgent, Entry::kHttp, Entry::kRpc, Entry::kCommand, Entry::kCli, Entry::kSubagent}) {
    ToolCall c = call("read", R"({"path":"x"})");
    c.entry = entry;
    auto result = run(runtime, router.invoke(std::move(c), {}));
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, Code::kPermissionDenied);
    EXPECT_EQ(result.error().message,
              router.authorize("read", call("read", "{}").caller).explain("read"));
    EXPECT_EQ(result.error().details.at("layer"), "global");
    EXPECT_EQ(result.error().details.at("key"), "tools.deny");
  }
  EXPECT_EQ(runs, 0);
  EXPECT_TRUE(router.allowed({}).empty());
}

TEST_F(ToolRouterTest, R226NothingIsAllowedBeforeAPolicyIsSet) {
  add("read", count());
  EXPECT_EQ(invoke("read", R"({"path":"x"})").error().code, Code::kNotFound);
  EXPECT_EQ(runs, 0);
}

TEST_F(ToolRouterTest, UnknownToolIsNotFoundAndItsNameIsOneShortLine) {
  use("{}");
  auto result = invoke("a\nb" + std::string(500, 'x'), "{}");
  EXPECT_EQ(result.error().code, Code::kNotFound);
  EXPECT_THAT(result.error().message, HasSubstr("There is no tool called a?bxxx"));
  EXPECT_LT(result.error().message.size(), 250u);
}

TEST_F(ToolRouterTest, HttpInvokeOffersGatewayToolsOnly) {
  ToolSpec spec;
  spec.name = "exec";
  spec.gateway_tool = false;
  spec.parameters = parse(kSchema);
  ASSERT_TRUE(router.add(std::make_unique<FakeTool>(std::move(spec), count())));
  use("{}");
  ToolCall c = call("exec", R"({"path":"x"})");
  c.caller.http_invoke = true;
  EXPECT_TRUE(router.allowed(c.caller).empty());
  EXPECT_EQ(run(runtime, router.invoke(std::move(c), {})).error().code, Code::kNotFound);
  EXPECT_EQ(runs, 0);
}

TEST_F(ToolRouterTest, ArgumentsThatDoNotFitNameTheFieldAndWhatWasExpected) {
  add("read", count());
  use("{}");
  struct Case {
    const char* args;
    const char* message;
  };
  for (const Case& c : {
           Case{"{}", "argument path (string) is missing"},
           Case{R"({"path":5})", "argument path should be string, got integer"},
           Case{R"({"path":"x","limit":0})",
                "argument limit should be integer from 1, got integer"},
           Case{R"({"path":"x","limit":"7"})",
                "argument limit should be integer from 1, got string"},
           Case{R"({"path":"x","mode":"odd"})",
                "argument mode should be one of \"fast\", \"slow\", got \"odd\""},
           Case{R"({"path":"x","colour":1})",
                "unknown argument colour; expected: path, limit, mode, edits"},
           Case{R"({"path":"x","edits":[{"old":"a"},{}]})",
                "argument edits[1].old (string) is missing"},
           Case{R"({"path":"x","edits":[{"old":"a","nu":1}]})",
                "unknown argument edits[0].nu; expected: old"},
       }) {
    auto result = invoke("read", c.args);
    ASSERT_FALSE(result) << c.args;
    EXPECT_EQ(result.error().code, Code::kInvalidArgument);
    EXPECT_EQ(result.error().message, "Tool read: " + std::string(c.message) + ".");
  }
  EXPECT_EQ(runs, 0);
}

TEST_F(ToolRouterTest, UnknownArgumentsAreRefusedEvenWhenTheSchemaForgets) {
  add("loose", count(), R"({"type":"object","properties":{"a":{"type":"string"}}})");
  add("bare", count(), "{}");
  add("open", count(), R"({"type":"object","additionalProperties":true,"properties":{}})");
  use("{}");
  EXPECT_FALSE(invoke("loose", R"({"a":"x","b":1})"));
  EXPECT_FALSE(invoke("bare", R"({"b":1})"));
  EXPECT_FALSE(invoke("open", R"({"b":1})"));
  EXPECT_TRUE(invoke("loose", R"({"a":"x"})"));
  EXPECT_TRUE(invoke("bare", "{}"));
}

TEST_F(ToolRouterTest, ArgumentsAreBoundedInSizeAndDepth) {
  add("any", count(), R"({"type":"object","properties":{"v":{}}})");
  use("{}");
  std::string deep = R"({"v":)" + std::string(31, '[') + std::string(31, ']') + "}";
  EXPECT_TRUE(invoke("any", deep));
  deep = R"({"v":)" + std::string(32, '[') + std::string(32, ']') + "}";
  auto too_deep = run(runtime, router.invoke(
                                   [&] {
                                     ToolCall c = call("any", "{}");
                                     json::parse_options options;
                                     options.max_depth = 64;
                                     c.args = json::parse(deep, {}, options).as_object();
                                     return c;
                                   }(),
                                   {}));
  EXPECT_THAT(too_deep.error().message, HasSubstr("deeper than 32"));
  ToolCall large = call("any", "{}");
  large.args["v"] = std::string(1024 * 1024 + 1, 'x');
  EXPECT_THAT(run(runtime, router.invoke(std::move(large), {})).error().message,
              HasSubstr("larger than 1 MiB"));
  EXPECT_EQ(runs, 1);
}

TEST_F(ToolRouterTest, ExceptionsEndAtTheRouter) {
  add(
      "bad", [](const ToolCall&) -> Result<ToolResult> { throw std::runtime_error("boom"); }, "{}");
  use("{}");
  auto result = invoke("bad", "{}");
  EXPECT_EQ(result.error().code, Code::kInternal);
  EXPECT_THAT(result.error().message, HasSubstr("boom"));
}

TEST_F(ToolRouterTest, SecondToolOfANameIsRefusedAndSoAreOddNames) {
  add("read", count());
  ToolSpec spec;
  spec.name = "read";
  auto again = router.add(std::make_unique<FakeTool>(spec, count()));
  EXPECT_EQ(again.error().code, Code::kAlreadyExists);
  for (const char* name : {"", "Read", "bash", " x"}) {
    spec.name = name;
    EXPECT_FALSE(router.add(std::make_unique<FakeTool>(spec, count()))) << name;
  }
  spec.name = "broken";
  spec.parameters = parse(R"({"type":"array"})");
  EXPECT_EQ(router.add(std::make_unique<FakeTool>(spec, count())).error().code,
            Code::kInvalidArgument);
  spec.parameters =
      parse(R"({"type":"object","properties":{"a":{"$ref":"http://127.0.0.1:1/x"}}})");
  EXPECT_EQ(router.add(std::make_unique<FakeTool>(spec, count())).error().code,
            Code::kInvalidArgument);
  EXPECT_EQ(router.catalogue().size(), 1u);
}

TEST_F(ToolRouterTest, ToolsOfAPluginCanGoWhileOneRuns) {
  add("core", count(), "{}");
  add(
      "weather",
      [this](const ToolCall&) -> Result<ToolResult> {
        router.remove_plugin("climate");
        return ToolResult::text("sunny");
      },
      "{}", "climate");
  use("{}");
  EXPECT_EQ(invoke("weather", "{}")->joined_text(), "sunny");
  EXPECT_EQ(router.find("weather"), nullptr);
  EXPECT_EQ(invoke("weather", "{}").error().code, Code::kNotFound) << "the policy is the old one";
  EXPECT_NE(router.find("core"), nullptr);
}

TEST(ToolResultTest, TextAndFailure) {
  EXPECT_FALSE(ToolResult::text("a").is_error);
  ToolResult failed = ToolResult::failure("no", {{"code", 3}});
  EXPECT_TRUE(failed.is_error);
  EXPECT_EQ(failed.details.at("code"), 3);
  failed.content.push_back(json::object{{"type", "image"}, {"data", "x"}});
  failed.content.push_back(json::object{{"type", "text"}, {"text", "more"}});
  EXPECT_EQ(failed.joined_text(), "no\nmore");
}

// A running instance of a tool plugin, as the host room would hand it out.
class FakeInstance final : public plugin::PluginInstance {
 public:
  explicit FakeInstance(Runtime& runtime) : runtime_(runtime) {}
  const std::string& id() const override { return id_; }
  const std::string& account() const override { return account_; }
  const plugin::Manifest& manifest() const override { return manifest_; }
  plugin::State state() const override { return state_; }
  plugin::OperationCounts counts() const override { return {}; }
  bool provides(std::string_view interface_id) const override {
    return interface_id == "openclaw.tool/1";
  }
  Runtime& runtime() override { return runtime_; }
  Awaitable<Result<json::value>> call(std::string slot, std::vector<std::string> texts, Limits,
                                      plugin::ProgressSink,
                                      std::function<void(std::uint64_t)>) override {
    last_ = std::move(texts);
    if (slot == "tool.list") co_return json::parse(list_);
    if (slot == "tool.invoke") co_return json::parse(answer_);
    co_return Error(Code::kUnimplemented, slot);
  }
  Awaitable<Result<json::value>> exec_input(std::uint64_t, std::string, bool, Limits) override {
    co_return nullptr;
  }
  void exec_signal(std::uint64_t, int) override {}
  Awaitable<Result<json::value>> write_file(std::string, std::string, std::uint64_t,
                                            Limits) override {
    co_return nullptr;
  }
  Awaitable<Result<json::value>> webhook(std::string, std::string, Limits) override {
    co_return nullptr;
  }
  void resume(std::uint64_t) override {}

  Runtime& runtime_;
  std::string id_ = "echo/default", account_ = "default";
  plugin::Manifest manifest_;
  plugin::State state_ = plugin::State::kRunning;
  std::string list_ = R"({"tools":[{"name":"echo"},{"name":"hidden"}]})";
  std::string answer_ = R"({"content":[{"type":"text","text":"hello"}],"isError":false})";
  std::vector<std::string> last_;
};

class FakeHost final : public plugin::PluginHost {
 public:
  void scan() override {}
  std::vector<plugin::PluginInfo> list() const override { return {}; }
  const plugin::PluginInfo* find(std::string_view) const override { return nullptr; }
  std::vector<config::ForeignSection> foreign_sections() const override { return {}; }
  void set_channel_events(plugin::ChannelEvents*) override {}
  Awaitable<Result<plugin::PluginInstance*>> create_instance(plugin::InstanceRequest) override {
    co_return Error(Code::kUnimplemented, "");
  }
  Awaitable<Result<void>> start(plugin::PluginInstance&, Limits) override {
    co_return Result<void>();
  }
  Awaitable<Result<void>> reconfigure(plugin::PluginInstance&, json::object, Limits) override {
    co_return Result<void>();
  }
  Awaitable<Result<void>> remove(plugin::PluginInstance&, Limits) override {
    co_return Result<void>();
  }
  std::vector<plugin::PluginInstance*> instances() const override { return instances_; }
  plugin::PluginInstance* find_instance(std::string_view, std::string_view) const override {
    return nullptr;
  }
  Awaitable<> stop_all(Deadline) override { co_return; }

  std::vector<plugin::PluginInstance*> instances_;
};

class PluginToolsTest : public ToolRouterTest {
 protected:
  PluginToolsTest() {
    instance.manifest_.id = "echo";
    instance.manifest_.raw = parse(R"({"tools":[
      {"name":"echo","description":"Says it again","parameters":{"type":"object","properties":{"text":{"type":"string"}}}},
      {"name":"other","description":"Not listed at run time"},{"name":"Bad Name"},7]})");
    host.instances_ = {&instance};
  }
  FakeInstance instance{runtime};
  FakeHost host;
};

TEST_F(PluginToolsTest, OffersWhatManifestAndListBothName) {
  auto added = run(runtime, add_plugin_tools(router, host, instance, {}));
  ASSERT_TRUE(added);
  EXPECT_THAT(names_of(router.catalogue()), ElementsAre("echo"));
  EXPECT_EQ(router.find("echo")->plugin_id, "echo");
  use("{}");
  auto result = invoke("echo", R"({"text":"x"})");
  ASSERT_TRUE(result);
  EXPECT_EQ(result->joined_text(), "hello");
  ASSERT_EQ(instance.last_.size(), 3u);
  EXPECT_EQ(instance.last_[0], "echo");
  EXPECT_EQ(instance.last_[1], R"({"text":"x"})");
  EXPECT_EQ(parse(instance.last_[2]).at("agentId"), "main");
  EXPECT_FALSE(invoke("echo", R"({"nope":"x"})"));
}

TEST_F(PluginToolsTest, PluginThatIsGoneIsUnavailable) {
  ASSERT_TRUE(run(runtime, add_plugin_tools(router, host, instance, {})));
  use("{}");
  host.instances_.clear();
  EXPECT_EQ(invoke("echo", "{}").error().code, Code::kUnavailable);
}

TEST_F(PluginToolsTest, AnswersOfAnyShapeBecomeAResult) {
  EXPECT_EQ(plugin_tool_result(json::parse(R"({"a":1})")).joined_text(), R"({"a":1})");
  EXPECT_EQ(plugin_tool_result(json::parse(R"("plain")")).joined_text(), "plain");
  ToolResult failed = plugin_tool_result(
      json::parse(R"({"content":["x",{"type":"text","text":"y"}],"isError":true})"));
  EXPECT_TRUE(failed.is_error);
  EXPECT_EQ(failed.joined_text(), "\"x\"\ny");
  json::value large =
      json::object{{"content", json::array{json::object{{"text", std::string(300000, 'x')}}}}};
  EXPECT_THAT(plugin_tool_result(large).joined_text(), HasSubstr("[cut"));
}

}  // namespace
}  // namespace openclaw::tool
