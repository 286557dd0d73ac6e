// The host against a plugin that keeps no rule.
#include <unistd.h>

#include "plugin_fixture.h"

namespace openclaw::plugin {
namespace {

using std::chrono::milliseconds;
using ::testing::HasSubstr;

class Chaos : public PluginFixture {
 protected:
  Chaos() { install("chaos"); }
};

// Ends a call of "hang" when closed.
class Pipe {
 public:
  Pipe() { EXPECT_EQ(pipe(ends_), 0); }
  ~Pipe() {
    release();
    close(ends_[0]);
  }
  std::string read_end() const { return std::to_string(ends_[0]); }
  void release() {
    if (ends_[1] >= 0) close(ends_[1]);
    ends_[1] = -1;
  }

 private:
  int ends_[2] = {-1, -1};
};

class Events final : public ChannelEvents {
 public:
  void inbound(PluginInstance&, json::object event, std::function<void(Code)> ack) override {
    EXPECT_EQ(event.at("kind"), "message");
    acks.push_back(std::move(ack));
  }
  void link_state(PluginInstance&, json::object state) override {
    states.push_back(std::move(state));
  }
  std::vector<std::function<void(Code)>> acks;
  std::vector<json::object> states;
};

TEST_F(Chaos, AnswersAreTheCompletionsJson) {
  auto* plugin = load_and_start("chaos");
  EXPECT_EQ(call(*plugin, "echo", R"({"a":1})").value(), json::parse(R"({"a":1})"));
  EXPECT_EQ(call(*plugin, "thread").value(), "from a thread");
  EXPECT_EQ(run(plugin->call("tool.list", {}, Limits::within(milliseconds(10000))))
                .value()
                .at("tools")
                .at(0)
                .at("name"),
            "echo");
}

TEST_F(Chaos, StatesAndLookupsFollowTheLifeCycle) {
  EXPECT_EQ(host().find("chaos")->state, State::kDisabled);
  auto* plugin = load("chaos");
  EXPECT_EQ(plugin->state(), State::kLoaded);
  EXPECT_TRUE(plugin->provides("openclaw.tool/1"));
  EXPECT_FALSE(plugin->provides("openclaw.nonsense/1"));
  EXPECT_EQ(host().find_instance("openclaw.tool/1"), nullptr);
  EXPECT_EQ(call(*plugin, "echo").error().code, Code::kFailedPrecondition);
  ASSERT_TRUE(run(host().start(*plugin, Limits::within(milliseconds(10000)))));
  EXPECT_EQ(host().find("chaos")->state, State::kRunning);
  EXPECT_EQ(host().find("chaos")->instances, std::vector<std::string>{"chaos/default"});
  EXPECT_EQ(host().find_instance("openclaw.channel/1", "chaos"), plugin);
  EXPECT_EQ(host().find_instance("openclaw.channel/1", "other"), nullptr);
  EXPECT_TRUE(run(host().remove(*plugin, Limits::within(milliseconds(10000)))));
  EXPECT_TRUE(host().instances().empty());
  EXPECT_EQ(services_.released, 1);
}

TEST_F(Chaos, ASecondCompletionIsCountedAndDropped) {
  auto* plugin = load_and_start("chaos");
  // The answer may overtake what the plugin does after it; the next answer cannot.
  EXPECT_EQ(call(*plugin, "double").value(), 1);
  EXPECT_EQ(call(*plugin, "echo").value(), json::object());
  EXPECT_EQ(plugin->counts().doubled, 1u);
  EXPECT_EQ(call(*plugin, "contradict").value(), 1);
  EXPECT_EQ(call(*plugin, "echo").value(), json::object());
  EXPECT_EQ(plugin->counts().doubled, 2u);
}

TEST_F(Chaos, ACompletionOfANumberNeverGivenOutIsCountedAsLate) {
  auto* plugin = load_and_start("chaos");
  EXPECT_EQ(call(*plugin, "foreign").value(), 2);
  EXPECT_EQ(plugin->counts().late, 1u);
}

TEST_F(Chaos, AMissingCompletionEndsAtTheDeadlineAndIsAnOverrunLater) {
  auto* plugin = load_and_start("chaos");
  auto result = call(*plugin, "missing", "{}", milliseconds(30));
  EXPECT_EQ(result.error().code, Code::kDeadlineExceeded);
  EXPECT_THAT(result.error().message, HasSubstr("chaos/default did not finish tool.invoke"));
  EXPECT_EQ(plugin->counts().cancelled, 1u);
  run_until([&] { return plugin->counts().overrun == 1; });
  // The plugin comes back to it when nobody knows the number any more.
  EXPECT_EQ(call(*plugin, "flush").value(), 2);
  EXPECT_EQ(plugin->counts().late, 1u);
}

TEST_F(Chaos, ALateCompletionWithinTheGraceIsNoOverrun) {
  auto* plugin = load_and_start("chaos");
  EXPECT_FALSE(call(*plugin, "missing", "{}", milliseconds(30)));
  EXPECT_EQ(call(*plugin, "flush").value(), 2);
  EXPECT_EQ(plugin->counts().late, 0u);
  EXPECT_EQ(plugin->counts().overrun, 0u);
}

TEST_F(Chaos, AnAbortAnswersAtOnceAndReachesThePlugin) {
  auto* plugin = load_and_start("chaos");
  AbortSource source;
  auto abort_when_accepted = [&](std::uint64_t) { source.abort("the user said stop"); };
  auto result =
      run(plugin->call("tool.invoke", {"polite", "{}", "{}"},
                       Limits{Deadline::never(), source.signal()}, {}, abort_when_accepted));
  EXPECT_EQ(result.error().code, Code::kCancelled);
  auto state = call(*plugin, "state").value();
  EXPECT_NE(state.at("cancelled"), "");
  EXPECT_EQ(plugin->counts().completed, plugin->counts().accepted);
}

TEST_F(Chaos, AnOperationWhoseDeadlineHasPassedIsAnsweredWithoutThePlugin) {
  auto* plugin = load_and_start("chaos");
  auto result = call(*plugin, "missing", "{}", milliseconds(-1000));
  EXPECT_EQ(result.error().code, Code::kDeadlineExceeded);
  EXPECT_EQ(call(*plugin, "echo").value(), json::object());
}

TEST_F(Chaos, RefusalsAndFailuresKeepTheirCodes) {
  auto* plugin = load_and_start("chaos");
  EXPECT_EQ(call(*plugin, "refuse").error().code, Code::kPermissionDenied);
  EXPECT_EQ(call(*plugin, "strange").error().code, Code::kInternal);
  EXPECT_EQ(call(*plugin, "unknown").error().code, Code::kNotFound);
  EXPECT_EQ(call(*plugin, "broken").error().code, Code::kProtocol);
  EXPECT_EQ(call(*plugin, "huge").error().code, Code::kProtocol);
  auto failed =
      call(*plugin, "fail", R"({"message":"slow down","retryAfterMs":1500,"platformCode":429})")
          .error();
  EXPECT_EQ(failed.code, Code::kResourceExhausted);
  EXPECT_EQ(failed.message, "slow down");
  EXPECT_EQ(failed.retry_after, milliseconds(1500));
  EXPECT_EQ(failed.details.at("platformCode"), 429);
}

TEST_F(Chaos, SlotsThatTheTableDoesNotReachAreUnimplemented) {
  auto* plugin = load_and_start("chaos");
  EXPECT_EQ(
      run(plugin->call("channel.send", {"{\"text\":\"x\"}"}, Limits::within(milliseconds(10000))))
          .value()
          .at("text"),
      "x");
  for (const std::string slot : {"channel.edit", "channel.react", "channel.read"}) {
    EXPECT_EQ(run(plugin->call(slot, {"{}"}, Limits::within(milliseconds(10000)))).error().code,
              Code::kUnimplemented);
  }
  EXPECT_EQ(
      run(plugin->call("model.chat", {"{}"}, Limits::within(milliseconds(10000)))).error().code,
      Code::kUnimplemented);
  EXPECT_EQ(run(plugin->exec_input(1, "x", true, Limits::within(milliseconds(10000)))).error().code,
            Code::kUnimplemented);
  EXPECT_EQ(run(plugin->webhook("{}", "", Limits::within(milliseconds(10000)))).error().code,
            Code::kUnimplemented);
  EXPECT_EQ(
      run(plugin->call("tool.nonsense", {}, Limits::within(milliseconds(10000)))).error().code,
      Code::kInternal);
}

TEST_F(Chaos, AnExceptionFaultsTheInstanceAndItIsNeverCalledAgain) {
  auto* plugin = load_and_start("chaos");
  auto result = call(*plugin, "throw");
  EXPECT_EQ(result.error().code, Code::kUnavailable);
  EXPECT_THAT(result.error().message, HasSubstr("threw out of tool.invoke: thrown by invoke"));
  EXPECT_EQ(plugin->state(), State::kFaulted);
  EXPECT_EQ(call(*plugin, "echo").error().code, Code::kUnavailable);
  EXPECT_TRUE(run(host().remove(*plugin, Limits::within(milliseconds(1000)))));
}

TEST_F(Chaos, AHangIsNoticedAndStallsOnlyItsInstance) {
  options_.wedged_call = milliseconds(100);
  auto* wedged = load_and_start("chaos");
  auto* healthy = load("chaos", {}, "second");
  ASSERT_TRUE(run(host().start(*healthy, Limits::within(milliseconds(10000)))));
  Pipe pipe;
  auto result = call(*wedged, "hang", pipe.read_end(), milliseconds(30000));
  EXPECT_EQ(result.error().code, Code::kUnavailable);
  EXPECT_THAT(result.error().message, HasSubstr("does not return from tool.invoke"));
  EXPECT_EQ(wedged->state(), State::kWedged);
  EXPECT_EQ(host().find("chaos")->state, State::kWedged);
  EXPECT_EQ(call(*wedged, "echo").error().code, Code::kUnavailable);
  EXPECT_EQ(call(*healthy, "echo").value(), json::object());
  EXPECT_TRUE(run(host().remove(*wedged, Limits::within(milliseconds(1000)))));
}

TEST_F(Chaos, ProgressIsBoundedAndComesBeforeTheAnswer) {
  auto* plugin = load_and_start("chaos");
  std::size_t bytes = 0;
  bool accepted_first = false;
  auto sink = [&](Stream stream, std::string_view data) {
    EXPECT_EQ(stream, Stream::kStdout);
    bytes += data.size();
    return true;
  };
  auto accepted = [&](std::uint64_t op) { accepted_first = op != 0 && bytes == 0; };
  auto result = run(plugin->call("tool.invoke", {"flood", "2000", "{}"},
                                 Limits::within(milliseconds(30000)), sink, accepted));
  EXPECT_EQ(result.value().at("left"), 0);
  EXPECT_EQ(bytes, 2000u * 8 * 1024);
  EXPECT_TRUE(accepted_first);
}

TEST_F(Chaos, ASinkThatSaysFalseHoldsThePluginUntilResume) {
  auto* plugin = load_and_start("chaos");
  int pieces = 0;
  std::uint64_t op = 0;
  auto sink = [&](Stream, std::string_view) {
    if (++pieces % 100 != 0) return true;
    runtime_.post([&] { plugin->resume(op); });
    return false;
  };
  auto accepted = [&](std::uint64_t number) { op = number; };
  auto result = run(plugin->call("tool.invoke", {"flood", "1000", "{}"},
                                 Limits::within(milliseconds(30000)), sink, accepted));
  EXPECT_EQ(result.value().at("left"), 0);
  EXPECT_EQ(pieces, 1000);
}

TEST_F(Chaos, SecretsBecomeReferencesAndDefaultsAreFilledIn) {
  auto* plugin = load_and_start(
      "chaos", json::object{{"token", "s3cret"}, {"nested", json::object{{"key", "k"}}}});
  const auto state = call(*plugin, "state").value();
  const auto& config = state.at("config");
  EXPECT_EQ(config, json::parse(R"({"token":{"$secret":"chaos.default.token"},
                                    "nested":{"key":{"$secret":"chaos.default.nested.key"}},"limit":7})"));
  EXPECT_EQ(services_.secrets_.get("chaos.default.token"), "s3cret");
  EXPECT_EQ(services_.secrets_.get("chaos.default.nested.key"), "k");
}

TEST_F(Chaos, ConfigurationThatDoesNotMatchTheSchemaIsRefusedByKey) {
  auto made = run(host().create_instance({"chaos", "default", {{"limit", 0}, {"surplus", 1}}}));
  EXPECT_EQ(made.error().code, Code::kInvalidArgument);
  EXPECT_THAT(made.error().message, HasSubstr("limit"));
  EXPECT_THAT(made.error().message, HasSubstr("surplus"));
  auto unset = run(host().create_instance(
      {"chaos", "default", {{"token", {{"$env", "OPENCLAW_TEST_NOT_SET"}}}}}));
  EXPECT_EQ(unset.error().code, Code::kFailedPrecondition);
  EXPECT_THAT(unset.error().message, HasSubstr("OPENCLAW_TEST_NOT_SET"));
}

TEST_F(Chaos, ServicesAreGivenOnlyToThoseTheManifestNames) {
  auto* plugin = load_and_start("chaos");
  const auto state = call(*plugin, "state").value();
  EXPECT_EQ(state.at("kv"), true);
  EXPECT_EQ(state.at("http"), false);
}

TEST_F(Chaos, InboundEventsAreBoundedAndAcknowledgedOnce) {
  Events events;
  host().set_channel_events(&events);
  auto* plugin = load_and_start("chaos");
  auto result = call(*plugin, "inbound", "300").value();
  EXPECT_EQ(result.at("taken"), 256);
  EXPECT_EQ(result.at("refused"), 44);
  run_until([&] { return events.acks.size() == 256 && events.states.size() == 1; });
  EXPECT_EQ(events.states[0].at("state"), "online");
  events.acks[0](Code::kOk);
  events.acks[0](Code::kOk);
  events.acks[1](Code::kOk);
  EXPECT_EQ(call(*plugin, "state").value().at("acked"), 2);
  EXPECT_TRUE(run(host().remove(*plugin, Limits::within(milliseconds(10000)))));
  events.acks[2](Code::kOk);  // nobody is there any more
  host().set_channel_events(nullptr);
}

TEST_F(Chaos, ReconfigureKeepsTheOldConfigurationWhenThePluginRefuses) {
  auto* plugin = load_and_start("chaos");
  EXPECT_TRUE(
      run(host().reconfigure(*plugin, {{"limit", 9}}, Limits::within(milliseconds(10000)))));
  EXPECT_EQ(call(*plugin, "state").value().at("config").at("limit"), 9);
  auto refused =
      run(host().reconfigure(*plugin, {{"limit", 13}}, Limits::within(milliseconds(10000))));
  EXPECT_EQ(refused.error().message, "not thirteen");
  EXPECT_EQ(call(*plugin, "state").value().at("config").at("limit"), 9);
  EXPECT_FALSE(
      run(host().reconfigure(*plugin, {{"limit", "x"}}, Limits::within(milliseconds(10000)))));
}

TEST_F(Chaos, ReconfigureRestartsAPluginWithoutTheSlotAndBringsALostOneBack) {
  install("marker");
  auto* plain = load_and_start("marker");
  EXPECT_TRUE(run(host().reconfigure(*plain, {}, Limits::within(milliseconds(10000)))));
  EXPECT_EQ(plain->state(), State::kRunning);
  auto* faulted = load_and_start("chaos");
  EXPECT_FALSE(call(*faulted, "throw"));
  EXPECT_TRUE(run(host().reconfigure(*faulted, {}, Limits::within(milliseconds(10000)))));
  EXPECT_EQ(call(*faulted, "echo").value(), json::object());
}

TEST_F(Chaos, CreateFailuresCarryThePluginsReason) {
  auto failed = run(host().create_instance({"chaos", "default", {{"failCreate", true}}}));
  EXPECT_EQ(failed.error().code, Code::kUnauthenticated);
  EXPECT_THAT(failed.error().message, HasSubstr("told to fail"));
  EXPECT_FALSE(run(host().create_instance({"chaos", "default", {{"throwCreate", true}}})));
  EXPECT_TRUE(host().instances().empty());
}

TEST_F(Chaos, StopThatNeverFinishesEndsAtItsLimitAndDestroysAnyway) {
  auto* plugin = load_and_start("chaos", {{"slowStop", true}});
  auto removed = run(host().remove(*plugin, Limits::within(milliseconds(50))));
  EXPECT_EQ(removed.error().code, Code::kDeadlineExceeded);
  EXPECT_TRUE(host().instances().empty());
}

TEST_F(Chaos, OpenOperationsEndWhenTheInstanceIsRemoved) {
  auto* plugin = load_and_start("chaos");
  std::optional<Result<json::value>> open;
  bool accepted = false;
  auto note = [&](std::uint64_t) { accepted = true; };
  asio::co_spawn(runtime_.loop(),
                 plugin->call("tool.invoke", {"missing", "{}", "{}"}, Limits{}, {}, note),
                 [&](const std::exception_ptr&, Result<json::value> r) { open = std::move(r); });
  run_until([&] { return accepted; });
  EXPECT_TRUE(run(host().remove(*plugin, Limits::within(milliseconds(10000)))));
  run_until([&] { return open.has_value(); });
  EXPECT_EQ(open->error().code, Code::kCancelled);
}

TEST_F(Chaos, OneAccountIsLoadedOnce) {
  load("chaos");
  EXPECT_EQ(run(host().create_instance({"chaos", "default", {}})).error().code,
            Code::kAlreadyExists);
}

TEST_F(Chaos, SchemasOfPluginsReachTheConfiguration) {
  std::vector<std::string> paths;
  for (const auto& section : host().foreign_sections()) {
    paths.push_back(section.path);
    EXPECT_EQ(section.owner, "chaos");
  }
  EXPECT_THAT(paths, ::testing::ElementsAre("channels.chaos", "plugins.entries.chaos.config"));
}

}  // namespace
}  // namespace openclaw::plugin
