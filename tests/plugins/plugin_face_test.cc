// The C++ face, from the host's side.
#include <openclaw/services.h>

#include "plugin_fixture.h"

namespace openclaw::plugin {
namespace {

using std::chrono::milliseconds;
using ::testing::HasSubstr;

class Face : public PluginFixture {
 protected:
  Face() {
    options_.allow = {"face"};
    install("face");
  }
  Result<json::value> slot(const std::string& name, std::vector<std::string> texts) {
    return run(plugin_->call(name, std::move(texts), Limits::within(milliseconds(10000))));
  }
  void start() { plugin_ = load_and_start("face"); }
  PluginInstance* plugin_ = nullptr;
};

TEST_F(Face, ConstructorsThatThrowRefuseWithTheirText) {
  auto made = run(host().create_instance({"face", "default", {{"refuse", "x"}}}));
  EXPECT_EQ(made.error().code, Code::kInvalidArgument);
  EXPECT_THAT(made.error().message, HasSubstr("told to refuse"));
}

TEST_F(Face, EverySlotArrivesWithItsArguments) {
  start();
  auto ensured = slot("sandbox.ensure", {"a\"b\\c\n"}).value();
  EXPECT_EQ(ensured.at("runtimeId"), "a\"b\\c\n");
  EXPECT_EQ(ensured.at("instance"), "face/default");
  const std::filesystem::path state(std::string(ensured.at("workdir").as_string()));
  EXPECT_EQ(std::filesystem::status(state).permissions(), std::filesystem::perms::owner_all);
  EXPECT_EQ(slot("sandbox.list", {}).value(), json::array());
  EXPECT_EQ(run(plugin_->write_file("r", "/p", 7, Limits::within(milliseconds(10000)))).value(),
            "r/p7");
  auto later = slot("sandbox.describe", {"x"}).error();
  EXPECT_EQ(later.code, Code::kUnavailable);
  EXPECT_EQ(later.message, "later");
  EXPECT_EQ(later.retry_after, milliseconds(250));
  EXPECT_EQ(later.details.at("platformCode"), "E1");
  EXPECT_EQ(slot("sandbox.read_file", {"r", "/p"}).error().code, Code::kUnimplemented);
  EXPECT_GT(slot("sandbox.exec", {"r", "time"}).value().as_int64(), 1000);
}

TEST_F(Face, AnExceptionOrAForgottenCompletionIsAnInternalErrorAndNoFault) {
  start();
  for (const char* how : {"throw", "forget"}) {
    auto result = slot("sandbox.exec", {"r", how});
    EXPECT_EQ(result.error().code, Code::kInternal);
    EXPECT_THAT(result.error().message, HasSubstr("dropped the operation"));
  }
  EXPECT_EQ(plugin_->state(), State::kRunning);
  EXPECT_EQ(plugin_->counts().completed, plugin_->counts().accepted);
}

TEST_F(Face, ACommandTakesInputSignalsAndCancellation) {
  start();
  std::string out, err;
  auto sink = [&](Stream stream, std::string_view data) {
    (stream == Stream::kStdout ? out : err) += data;
    return true;
  };
  std::optional<Result<json::value>> ended;
  std::uint64_t op = 0;
  auto begin = [&](AbortSignal abort) {
    ended.reset();
    op = 0;
    auto accepted = [&](std::uint64_t number) { op = number; };
    asio::co_spawn(runtime_.loop(),
                   plugin_->call("sandbox.exec", {"box", "run"}, Limits{{}, abort}, sink, accepted),
                   [&](const std::exception_ptr&, Result<json::value> r) { ended = std::move(r); });
    run_until([&] { return op != 0; });
  };
  begin({});
  EXPECT_TRUE(run(plugin_->exec_input(op, "one ", false, Limits::within(milliseconds(10000)))));
  EXPECT_TRUE(run(plugin_->exec_input(op, "two", true, Limits::within(milliseconds(10000)))));
  run_until([&] { return ended.has_value(); });
  EXPECT_EQ(ended->value().at("exitCode"), 0);
  EXPECT_EQ(out, "one two");
  EXPECT_EQ(err, "box");

  begin({});
  plugin_->exec_signal(op, 15);
  run_until([&] { return ended.has_value(); });
  EXPECT_EQ(ended->value().at("signal"), 15);

  AbortSource source;
  begin(source.signal());
  source.abort("enough");
  run_until([&] { return ended.has_value(); });
  EXPECT_EQ(ended->error().code, Code::kCancelled);
  run_until([&] { return plugin_->counts().completed == plugin_->counts().accepted; });
  EXPECT_EQ(plugin_->counts().overrun, 0u);
}

TEST_F(Face, TheBackendIsFoundByItsName) {
  start();
  EXPECT_EQ(host().find_instance("openclaw.sandbox-backend/1", "face"), plugin_);
}

}  // namespace
}  // namespace openclaw::plugin
