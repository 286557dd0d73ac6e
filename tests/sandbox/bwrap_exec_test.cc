// Sandboxes of the backend bwrap, by the real program: commands, limits, keeping and replacing
// sandboxes.
#include <signal.h>
#include <unistd.h>

#include "bwrap_fixture.h"

namespace openclaw::sandbox {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::Not;
namespace fs = std::filesystem;

// ---- commands

TEST_F(Bwrap, OutputErrorsAndExitCodeArrive) {
  bwrap();
  Ran ran = sh("echo out; echo err >&2; exit 42");
  EXPECT_EQ(ran.out, "out\n");
  EXPECT_EQ(ran.err, "err\n");
  EXPECT_EQ(ran.code(), 42);
  EXPECT_EQ(sh("kill -9 $$").code(), 137);
}

TEST_F(Bwrap, ProgramsAndFoldersThatAreNotThereAreNamed) {
  bwrap();
  ExecRequest request;
  request.argv = {"no-such-program"};
  Ran ran = exec(request, "agent:main:x", Limits::within(30s));
  EXPECT_EQ(ran.code(), 127);
  EXPECT_THAT(ran.err, HasSubstr("no-such-program"));
  request.argv = {"/etc/passwd"};
  EXPECT_EQ(exec(request, "agent:main:x", Limits::within(30s)).code(), 126);
  request.argv = {"true"};
  request.cwd = "/no/such/folder";
  ran = exec(request, "agent:main:x", Limits::within(30s));
  EXPECT_EQ(ran.code(), 126);
  EXPECT_THAT(ran.err, HasSubstr("/no/such/folder"));
}

TEST_F(Bwrap, WordsLikeThoseOfBwrapAreOutputWhenACommandPrintedThem) {
  bwrap();
  Ran ran = sh("echo 'bwrap: execvp x: No such file' >&2; sleep 0.1; exit 3");
  EXPECT_EQ(ran.err, "bwrap: execvp x: No such file\n");
  EXPECT_EQ(ran.code(), 3);
  EXPECT_EQ(sh("printf bwr >&2; sleep 0.1; printf ong >&2").err, "bwrong");
}

TEST_F(Bwrap, LargeOutputArrivesWhole) {
  bwrap();
  Ran ran = sh("head -c 20000000 /dev/zero | tr '\\0' x; head -c 1000000 /dev/zero >&2");
  EXPECT_EQ(ran.code(), 0);
  EXPECT_EQ(ran.out.size(), 20'000'000u);
  EXPECT_EQ(ran.err.size(), 1'000'000u);
}

TEST_F(Bwrap, InputReachesTheCommandAndEnds) {
  bwrap();
  ExecRequest request;
  request.argv = {"sh", "-lc", "wc -c; echo end"};
  request.keep_stdin_open = true;
  // Far more than a pipe holds: the write ends when the command has read.
  Ran ran = exec(request, "agent:main:x", Limits::within(30s), std::string(3'000'000, 'x'));
  EXPECT_EQ(ran.out, "3000000\nend\n") << ran.message();
}

TEST_F(Bwrap, TerminalIsARealOne) {
  bwrap();
  ExecRequest request;
  request.argv = {"sh", "-lc",
                  "test -t 0 && test -t 1 && echo terminal $TERM; stty size; read x; echo got $x"};
  request.pty = true;
  request.keep_stdin_open = true;
  Ran ran = exec(request, "agent:main:x", Limits::within(30s), "typed\n");
  EXPECT_THAT(ran.out, HasSubstr("terminal xterm-256color"));
  EXPECT_THAT(ran.out, HasSubstr("40 120"));
  EXPECT_THAT(ran.out, HasSubstr("got typed"));
  EXPECT_EQ(ran.code(), 0);
}

TEST_F(Bwrap, ArgumentsAndFolderAreTakenAsTheyAre) {
  bwrap();
  ExecRequest request;
  request.argv = {"printf", "%s|", "a b", "$(id)", "", "--bind", "--"};
  request.env = {{"X", "$(touch /tmp/owned)"}, {"LD_PRELOAD", "/workspace/evil.so"}};
  request.cwd = "/tmp";
  EXPECT_EQ(exec(request, "agent:main:x", Limits::within(30s)).out, "a b|$(id)||--bind|--|");
  request.argv = {"pwd"};
  request.env = {};
  EXPECT_EQ(exec(request, "agent:main:x", Limits::within(30s)).out, "/tmp\n");
  EXPECT_NE(sh("test -e /tmp/owned").code(), 0);
}

TEST_F(Bwrap, R255R256LoginShellFindsCustomToolsFirst) {
  bwrap({}, {{"env", {{"PATH", "/workspace/bin:/opt/x"}}}});
  Ran ran =
      sh("mkdir -p bin && printf '#!/bin/sh\\necho custom\\n' > bin/hostname && chmod +x "
         "bin/hostname; hostname; echo \"$PATH\"; env | grep -c PREPEND; echo $0");
  EXPECT_THAT(ran.out, HasSubstr("custom\n"));
  EXPECT_THAT(ran.out, HasSubstr("/workspace/bin:/opt/x:/usr/local"));
  EXPECT_THAT(ran.out, HasSubstr("\n0\nsh\n"));
}

TEST_F(Bwrap, A30TimeOutKillsTheWholeTree) {
  bwrap();
  sh("true");
  Ran ran =
      sh("sleep 4301 & setsid sleep 4302 & (setsid sh -c 'sleep 4303' &); env -i sleep 4304 & "
         "trap '' TERM; echo up; wait",
         "agent:main:x", Limits::within(2s));
  ASSERT_TRUE(ran.end.has_error());
  EXPECT_EQ(ran.end.error().code, Code::kDeadlineExceeded);
  EXPECT_EQ(ran.out, "up\n");
  for (const char* words : {"sleep 4301", "sleep 4302", "sleep 4303", "sleep 4304"})
    EXPECT_FALSE(runs(words)) << words;
  EXPECT_EQ(sh("echo still here").out, "still here\n");
}

// A sandbox of this backend has no processes between commands.
TEST_F(Bwrap, A30WhatRunsInTheBackgroundEndsWithItsCommand) {
  bwrap();
  auto before = std::chrono::steady_clock::now();
  Ran ran = sh("sleep 4311 & (setsid sleep 4312 &); echo done");
  EXPECT_EQ(ran.out, "done\n");
  EXPECT_EQ(ran.code(), 0);
  EXPECT_LT(std::chrono::steady_clock::now() - before, 1900ms)
      << "their open output holds up nothing";
  sh("true");
  EXPECT_FALSE(runs("sleep 4311"));
  EXPECT_FALSE(runs("sleep 4312"));
}

TEST_F(Bwrap, AbortKillsToo) {
  bwrap();
  sh("true");
  AbortSource source;
  Limits limits{Deadline::after(60s), source.signal()};
  asio::steady_timer timer(runtime_.loop(), 500ms);
  timer.async_wait(
      [source](const boost::system::error_code&) mutable { source.abort("stop pressed"); });
  Ran ran = sh("sleep 4305", "agent:main:x", limits);
  ASSERT_TRUE(ran.end.has_error());
  EXPECT_EQ(ran.end.error().code, Code::kCancelled);
  EXPECT_FALSE(runs("sleep 4305"));
}

Awaitable<> signal_when_up(Exec* exec, Runtime* runtime, const std::string* out) {
  while (out->find("up\n") == std::string::npos) {
    Limits pause = Limits::within(20ms);
    co_await sleep_until(*runtime, pause);
  }
  exec->signal(SIGTERM);
}

Awaitable<int> code_after_term(SandboxManager* manager, Runtime* runtime, View view) {
  auto out = std::make_shared<std::string>();
  ExecRequest request;
  request.argv = {"sh", "-c",
                  "trap 'echo bye; exit 9' TERM; echo up; while :; do sleep 0.05; done"};
  OutputSink sink = [out](bool, std::string_view data) { out->append(data); };
  Limits limits = Limits::within(20s);
  auto exec = co_await manager->exec(std::move(view), std::move(request), std::move(sink), limits);
  if (exec.has_error()) co_return -1;
  co_await signal_when_up(exec->get(), runtime, out.get());
  auto end = co_await (*exec)->wait(limits);
  bool said = out->find("bye") != std::string::npos;
  co_return end.has_value() && said ? static_cast<int>(end->at("exitCode").to_number<int>()) : -2;
}

TEST_F(Bwrap, SignalsReachTheCommand) {
  bwrap();
  View view = manager_->resolve("", "agent:main:x");
  EXPECT_EQ(run(code_after_term(manager_.get(), &runtime_, view)), 9);
}

// ---- limits

TEST_F(Bwrap, A30R186AForkBombEndsWithItsTimeOut) {
  bwrap({}, {{"pidsLimit", 64}});
  sh("true");
  Ran ran =
      sh("bomb() { bomb | bomb & }; bomb & exec sleep 100", "agent:main:x", Limits::within(3s));
  EXPECT_TRUE(ran.end.has_error());
  EXPECT_EQ(sh("echo still here").out, "still here\n");
}

TEST_F(Bwrap, R187R188MemoryHogsDieInTheSandboxOnly) {
  bwrap({}, {{"memory", "128m"}, {"memorySwap", "128m"}});
  Ran ran = sh("x=$(head -c 200000000 /dev/zero | tr '\\0' x); echo ${#x}");
  EXPECT_NE(ran.code(), 0);
  EXPECT_EQ(sh("echo still here").out, "still here\n");
  EXPECT_NE(sh("head -c 100000000 /dev/zero > /tmp/big").code(), 0) << "scratch counts as memory";
  EXPECT_EQ(sh("rm -f /tmp/big; echo still here").out, "still here\n");
}

TEST_F(Bwrap, R190UlimitsHold) {
  bwrap({}, {{"ulimits", {{"nproc", 256}}}});
  EXPECT_EQ(
      sh("ulimit -Sn; ulimit -Hn; grep processes /proc/self/limits | tr -s ' ' | cut -d' ' -f3")
          .out,
      "1024\n2048\n256\n");
}

TEST_F(Bwrap, R189ControlGroupsGoWithTheSandbox) {
  bwrap();
  Ran ran = sh("cat /proc/self/cgroup");
  fs::path group = "/sys/fs/cgroup/pids/" + name_of();
  if (!fs::exists("/sys/fs/cgroup/pids") || ::geteuid() != 0)
    GTEST_SKIP() << "no control groups here";
  EXPECT_TRUE(fs::exists(group));
  std::string quota;
  std::ifstream("/sys/fs/cgroup/cpu/" + name_of() + "/cpu.cfs_quota_us") >> quota;
  EXPECT_EQ(quota, "100000");
  EXPECT_THAT(ran.out, Not(HasSubstr(name_of()))) << "a namespace of control groups of its own";
  ASSERT_TRUE(run(manager_->recreate("", "", true, Limits::within(30s))).has_value());
  EXPECT_FALSE(fs::exists(group));
}

// ---- sandboxes

TEST_F(Bwrap, TwentyAtOnceShareOneCreation) {
  bwrap({}, {{"setupCommand", "echo made >> /workspace/log"}});
  for (const Ran& ran : sh_many("cat log; echo ok", 20))
    EXPECT_EQ(ran.out, "made\nok\n") << ran.message() << ran.err;
}

TEST_F(Bwrap, R184SetupRunsOnceAfterCreation) {
  bwrap({}, {{"setupCommand", "echo set up >> /workspace/setup-log"}});
  sh("true");
  EXPECT_EQ(sh("cat setup-log").out, "set up\n");
  auto removed = run(manager_->recreate("", "main", false, Limits::within(60s)));
  ASSERT_TRUE(removed.has_value()) << removed.error().message;
  EXPECT_EQ(removed->size(), 1u);
  EXPECT_EQ(sh("cat setup-log").out, "set up\nset up\n");
}

TEST_F(Bwrap, R185AFailedSetupShowsItsOutputAndLeavesNothing) {
  bwrap({}, {{"setupCommand", "echo the reason >&2; exit 7"}});
  std::string message = sh("true").message();
  EXPECT_THAT(message, HasSubstr("the reason"));
  EXPECT_THAT(message, HasSubstr("exit code 7"));
  EXPECT_THAT(message, HasSubstr("setupCommand"));
  EXPECT_TRUE(run(manager_->list(Limits::within(30s)))->empty());
}

TEST_F(Bwrap, R203R204R205HotSandboxesAreKeptAndIdleOnesReplaced) {
  bwrap();
  sh("touch /tmp/mark");
  bwrap({}, {{"pidsLimit", 100}});
  EXPECT_EQ(sh("cat /tmp/mark").code(), 0) << "R204: hot";
  auto sandboxes = run(manager_->list(Limits::within(30s)));
  ASSERT_TRUE(sandboxes.has_value());
  ASSERT_EQ(sandboxes->size(), 1u);
  EXPECT_TRUE(sandboxes->front().stale);
  now_ms_ += 301'000;
  EXPECT_NE(sh("cat /tmp/mark").code(), 0) << "R203: the window is over";
}

TEST_F(Bwrap, R206R207ListAndSweepKnowSandboxesOfEveryBackend) {
  // The default's engine is not there: what the other backend has is found all the same.
  std::string nowhere = (temp_.path() / "none.sock").string();
  configure_whole(R"({"agents":{"defaults":{"sandbox":{"mode":"all"}},
      "list":[{"id":"main"},{"id":"light","sandbox":{"backend":"bwrap"}}]},
      "plugins":{"entries":{"sandbox-docker":{"config":{"engine":"unix:)" +
                  nowhere + R"("}}}}})");
  EXPECT_EQ(sh("echo ran", "agent:light:a").out, "ran\n");
  auto sandboxes = run(manager_->list(Limits::within(30s)));
  ASSERT_TRUE(sandboxes.has_value()) << sandboxes.error().message;
  ASSERT_EQ(sandboxes->size(), 1u);
  EXPECT_EQ(sandboxes->front().backend, "bwrap");
  EXPECT_EQ(sandboxes->front().session_key, "agent:light");
  EXPECT_FALSE(sandboxes->front().stale);
  now_ms_ += 25 * 3'600'000LL;
  EXPECT_EQ(run(manager_->sweep()).size(), 1u);
  EXPECT_TRUE(run(manager_->list(Limits::within(30s)))->empty());
}

TEST_F(Bwrap, R214ARemovedSandboxComesBackByItself) {
  bwrap();
  sh("touch /tmp/mark");
  auto* backend = plugins_->find_instance("openclaw.sandbox-backend/1", "bwrap");
  ASSERT_NE(backend, nullptr);
  std::vector<std::string> texts = {name_of()};
  ASSERT_TRUE(
      run(backend->call("sandbox.remove", std::move(texts), Limits::within(10s))).has_value());
  EXPECT_EQ(sh("test -e /tmp/mark || echo healed").out, "healed\n");
}

TEST_F(Bwrap, StoppingEndsRunningCommands) {
  bwrap();
  sh("true");
  ExecRequest request;
  request.argv = {"sleep", "4306"};
  asio::co_spawn(
      runtime_.loop(),
      [](SandboxManager* manager, View view, ExecRequest asked) -> Awaitable<> {
        OutputSink sink = [](bool, std::string_view) {};
        Limits limits = Limits::within(60s);
        auto exec =
            co_await manager->exec(std::move(view), std::move(asked), std::move(sink), limits);
        if (exec.has_value()) co_await (*exec)->wait(limits);
      }(manager_.get(), manager_->resolve("", "agent:main:x"), request),
      [](const std::exception_ptr&) {});
  run_until([&] { return runs("sleep 4306"); });
  close();
  EXPECT_FALSE(runs("sleep 4306"));
}

TEST_F(Bwrap, ACommandTakesMilliseconds) {
  bwrap();
  sh("true");
  std::vector<double> times;
  for (int i = 0; i < 50; ++i) {
    ExecRequest request;
    request.argv = {"true"};
    auto before = std::chrono::steady_clock::now();
    exec(request, "agent:main:x", Limits::within(30s));
    times.push_back(
        std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - before)
            .count());
  }
  std::sort(times.begin(), times.end());
  RecordProperty("exec_p50_ms", std::to_string(times[25]));
  RecordProperty("exec_p95_ms", std::to_string(times[47]));
  EXPECT_LT(times[25], 250.0);
}

}  // namespace
}  // namespace openclaw::sandbox
