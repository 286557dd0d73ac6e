// Commands in real containers: streams, input, time-outs, healing, keeping and replacing
// containers.
#include <signal.h>

#include <fstream>
#include <thread>

#include "sandbox/container_registry.h"
#include "sandbox/resolve.h"
#include "sandbox_fixture.h"

namespace openclaw::sandbox {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

class DockerExec : public SandboxFixture {
 protected:
  // Lines of `ps` in the container, by /proc: the image has no ps.
  std::string processes() {
    return sh("for d in /proc/[0-9]*; do tr '\\0' ' ' < $d/cmdline 2>/dev/null; echo; done").out;
  }
};

TEST_F(DockerExec, OutputErrorsAndExitCodeArrive) {
  configure("{}");
  Ran ran = sh("echo out; echo err >&2; exit 42");
  EXPECT_EQ(ran.out, "out\n");
  EXPECT_EQ(ran.err, "err\n");
  EXPECT_EQ(ran.code(), 42);
}

TEST_F(DockerExec, LargeOutputArrivesWhole) {
  configure("{}");
  Ran ran = sh("head -c 20000000 /dev/zero | tr '\\0' x");
  EXPECT_EQ(ran.code(), 0);
  EXPECT_EQ(ran.out.size(), 20'000'000u);
}

TEST_F(DockerExec, InputReachesTheCommandAndEnds) {
  configure("{}");
  ExecRequest request;
  request.argv = {"sh", "-lc", "cat; echo end"};
  request.keep_stdin_open = true;
  Ran ran = exec(request, "agent:main:x", Limits::within(30s), "line\n");
  EXPECT_EQ(ran.out, "line\nend\n") << ran.message();
}

TEST_F(DockerExec, TerminalIsARealOne) {
  configure("{}");
  ExecRequest request;
  request.argv = {"sh", "-lc", "test -t 0 && test -t 1 && echo terminal"};
  request.pty = true;
  EXPECT_THAT(exec(request, "agent:main:x", Limits::within(30s)).out, HasSubstr("terminal"));
}

TEST_F(DockerExec, ArgumentsAndFolderAreTakenAsTheyAre) {
  configure("{}");
  ExecRequest request;
  request.argv = {"printf", "%s|", "a b", "$(id)", ""};
  request.env = {{"X", "$(touch /tmp/owned)"}};
  request.cwd = "/tmp";
  EXPECT_EQ(exec(request, "agent:main:x", Limits::within(30s)).out, "a b|$(id)||");
  request.argv = {"pwd"};
  EXPECT_EQ(exec(request, "agent:main:x", Limits::within(30s)).out, "/tmp\n");
  EXPECT_NE(sh("test -e /tmp/owned").code(), 0);
}

TEST_F(DockerExec, A30TimeOutKillsTheWholeTree) {
  configure("{}");
  sh("true");
  Ran ran =
      sh("sleep 301 & setsid sleep 302 & (setsid sh -c 'sleep 303' &); env -i sleep 304 & echo up; "
         "wait",
         "agent:main:x", Limits::within(2s));
  ASSERT_TRUE(ran.end.has_error());
  EXPECT_EQ(ran.end.error().code, Code::kDeadlineExceeded);
  EXPECT_EQ(ran.out, "up\n");
  std::string left = processes();
  for (const char* seconds : {"sleep 301", "sleep 302", "sleep 303", "sleep 304"}) {
    EXPECT_THAT(left, ::testing::Not(HasSubstr(seconds)));
  }
  EXPECT_EQ(sh("echo still here").out, "still here\n");
}

TEST_F(DockerExec, A30R186AForkBombEndsWithItsTimeOut) {
  configure("{}", R"({"pidsLimit":64})");
  sh("true");
  Ran ran =
      sh("bomb() { bomb | bomb & }; bomb & exec sleep 100", "agent:main:x", Limits::within(3s));
  EXPECT_TRUE(ran.end.has_error());
  EXPECT_EQ(sh("echo still here").out, "still here\n");
}

TEST_F(DockerExec, R187MemoryHogsDieInTheContainerOnly) {
  configure("{}", R"({"memory":"64m","memorySwap":"64m"})");
  Ran ran = sh("x=$(head -c 200000000 /dev/zero | tr '\\0' x); echo ${#x}");
  EXPECT_NE(ran.code(), 0);
  EXPECT_EQ(sh("echo still here").out, "still here\n");
}

TEST_F(DockerExec, AbortKillsToo) {
  configure("{}");
  sh("true");
  AbortSource source;
  runtime_.post([&] {});
  Limits limits{Deadline::after(60s), source.signal()};
  asio::steady_timer timer(runtime_.loop(), 800ms);
  timer.async_wait(
      [source](const boost::system::error_code&) mutable { source.abort("stop pressed"); });
  Ran ran = sh("sleep 305", "agent:main:x", limits);
  ASSERT_TRUE(ran.end.has_error());
  EXPECT_EQ(ran.end.error().code, Code::kCancelled);
  EXPECT_THAT(processes(), ::testing::Not(HasSubstr("sleep 305")));
}

TEST_F(DockerExec, R214ARemovedOrStoppedContainerComesBackByItself) {
  configure("{}");
  sh("true");
  std::string first = container_id();
  ASSERT_EQ(docker("rm -f " + name_of()), 0);
  EXPECT_EQ(sh("echo healed").out, "healed\n");
  std::string second = container_id();
  EXPECT_NE(first, second);
  ASSERT_EQ(docker("stop -t 0 " + name_of()), 0);
  EXPECT_EQ(sh("echo started").out, "started\n");
  EXPECT_EQ(container_id(), second);
}

// It would fail to start for ever: a stopped container holds on to a network that was made anew.
TEST_F(DockerExec, R214AStoppedContainerThatCannotStartIsMadeAnew) {
  const std::string network = "openclaw-test-" + gateway_id(paths_);
  ASSERT_EQ(docker("network create " + network), 0);
  configure("{}", R"({"network":")" + network + "\"}");
  EXPECT_EQ(sh("echo first").out, "first\n");
  std::string first = container_id();
  EXPECT_EQ(docker("stop -t 0 " + name_of()), 0);
  EXPECT_EQ(docker("network rm " + network), 0);
  EXPECT_EQ(docker("network create " + network), 0);
  Ran ran = sh("echo healed");
  EXPECT_EQ(ran.out, "healed\n") << ran.message();
  EXPECT_NE(container_id(), first);
  close();
  docker("network rm " + network);
}

// The engine prints what its runtime says of a container that is going down as if the command had
// printed it.
TEST_F(DockerExec, R214ACommandThatMeetsARestartRunsAfterIt) {
  configure("{}");
  sh("true");
  const std::string name = name_of();  // the manager is for this thread alone
  for (int round = 0; round < 8; ++round) {
    std::thread restart([&] { docker("kill " + name); });
    std::this_thread::sleep_for(std::chrono::milliseconds(20 * round));
    Ran ran = sh("echo ran");
    restart.join();
    // Either it ran, or it was killed with the container: never words of the engine in its place.
    if (ran.end.has_value() && ran.code() == 0) {
      EXPECT_EQ(ran.out + ran.err, "ran\n") << ran.message();
    } else {
      EXPECT_THAT(ran.out + ran.err, ::testing::AnyOf("", "ran\n")) << ran.message();
    }
  }
}

// Such lines are held until it is known who wrote them.
TEST_F(DockerExec, LinesThatEndLikeTheEnginesOwnAreOutputWhenACommandPrintedThem) {
  configure("{}");
  EXPECT_EQ(sh("printf 'done\\r\\n'").out, "done\r\n");
  EXPECT_EQ(sh("printf 'one\\r\\n'; sleep 0.2; printf two").out, "one\r\ntwo");
  ExecRequest request;
  request.argv = {"sh", "-lc", "printf 'name?\\r\\n'; read name; echo hello $name"};
  request.keep_stdin_open = true;
  EXPECT_EQ(exec(request, "agent:main:x", Limits::within(30s), "Ada\n").out,
            "name?\r\nhello Ada\n");
}

TEST_F(DockerExec, AHundredFirstUsesShareOneCreation) {
  configure("{}", R"({"setupCommand":"echo made >> /workspace/log","pidsLimit":0,
                      "ulimits":{"nproc":4000}})");
  for (const Ran& ran : sh_many("cat log; echo ok", 100))
    EXPECT_EQ(ran.out, "made\nok\n") << ran.message() << ran.err;
}

TEST_F(DockerExec, R203R204R205HotContainersAreKeptAndIdleOnesReplaced) {
  configure("{}");
  sh("true");
  std::string first = container_id();
  configure("{}", R"({"memory":"512m"})");
  sh("true");
  EXPECT_EQ(container_id(), first) << "R204: hot";
  auto containers = run(manager_->list(Limits::within(30s)));
  ASSERT_TRUE(containers.has_value());
  ASSERT_EQ(containers->size(), 1u);
  EXPECT_TRUE(containers->front().stale) << "D13";
  now_ms_ += 301'000;
  sh("true");
  EXPECT_NE(container_id(), first) << "R203: the window is over";
  EXPECT_EQ(inspect(name_of()).at("HostConfig").at("Memory"), 512 << 20);
}

TEST_F(DockerExec, R205RecreateAppliesAChangeAtOnce) {
  configure("{}");
  sh("true");
  std::string first = container_id();
  configure("{}", R"({"pidsLimit":100})");
  sh("true");
  auto removed = run(manager_->recreate("", "main", false, Limits::within(30s)));
  ASSERT_TRUE(removed.has_value());
  sh("true");
  EXPECT_NE(container_id(), first);
  EXPECT_EQ(inspect(name_of()).at("HostConfig").at("PidsLimit"), 100);
}

TEST_F(DockerExec, R207TheSweeperRemovesIdleContainers) {
  configure("{}");
  sh("true");
  now_ms_ += 23 * 3'600'000LL;
  EXPECT_TRUE(run(manager_->sweep()).empty());
  now_ms_ += 2 * 3'600'000LL;
  EXPECT_EQ(run(manager_->sweep()).size(), 1u);
  EXPECT_TRUE(inspect(name_of()).is_null());
}

// Else nobody would ever look at them again.
// A laptop that wakes up, a host whose clock is set: nobody was idle for that.
TEST_F(DockerExec, P16SettingTheClockMakesNobodyIdle) {
  configure("{}");
  run(manager_->stop(Deadline::after(5s)));
  std::int64_t steady_ms = 1000;
  manager_ = SandboxManager::create(
      runtime_, *plugins_, *store_, [this] { return now_ms_; }, [&] { return steady_ms; });
  sh("true");
  for (std::int64_t hours : {30, -60, 90}) {
    now_ms_ += hours * 3'600'000;
    steady_ms += 60'000;
    EXPECT_TRUE(run(manager_->sweep()).empty()) << hours;
  }
  steady_ms += 25 * 3'600'000LL;
  EXPECT_EQ(run(manager_->sweep()).size(), 1u);
  close();  // while there is that clock
}

// An engine takes a while to remove a container; a command that comes meanwhile gets the next one.
TEST_F(DockerExec, P16ACommandThatComesDuringARemovalIsNotCutOff) {
  configure("{}");
  sh("true");
  for (int round = 0; round < 20; ++round) {
    now_ms_ += 25 * 3'600'000LL;
    bool swept = false;
    asio::co_spawn(runtime_.loop(), manager_->sweep(),
                   [&](const std::exception_ptr& e, const std::vector<std::string>&) {
                     EXPECT_FALSE(e);
                     swept = true;
                   });
    auto begun = std::chrono::steady_clock::now();
    run_until([&] {
      auto passed = std::chrono::steady_clock::now() - begun;
      return swept || passed > std::chrono::milliseconds(round);
    });
    Ran ran = sh("echo begin; sleep 0.2; echo end");
    EXPECT_EQ(ran.out, "begin\nend\n") << round << " " << ran.message();
    run_until([&] { return swept; });
  }
}

TEST_F(DockerExec, P15ContainersOfABackendThatIsNoLongerSetAreListedAndRemoved) {
  configure("{}");
  sh("true");
  const std::string name = name_of();
  shut_down_gateway();
  configure(R"({"backend":"bwrap"})");
  auto containers = run(manager_->list(Limits::within(30s)));
  ASSERT_TRUE(containers.has_value()) << containers.error().message;
  ASSERT_EQ(containers->size(), 1u);
  EXPECT_TRUE(containers->front().stale);
  now_ms_ += 301'000;
  EXPECT_THAT(run(manager_->sweep()), ::testing::ElementsAre(name));
  EXPECT_TRUE(inspect(name).is_null());
}

TEST_F(DockerExec, P15WhatIsNotWrittenDownIsFoundByItsLabelOnce) {
  configure("{}");
  sh("true");
  const std::string name = name_of();
  shut_down_gateway();
  std::filesystem::remove(paths_.state_dir / "sandbox/containers.json");
  configure("{}");
  now_ms_ += 25 * 3'600'000LL;
  EXPECT_THAT(run(manager_->sweep()), ::testing::ElementsAre(name));
  EXPECT_TRUE(inspect(name).is_null());
}

TEST_F(DockerExec, WhatSomebodyElseRemovedIsForgotten) {
  configure(R"({"scope":"session"})");
  sh("true", "agent:main:a");
  sh("true", "agent:main:b");
  ASSERT_EQ(docker("rm -f " + name_of("agent:main:a")), 0);
  now_ms_ += 1000;
  EXPECT_TRUE(run(manager_->sweep()).empty());
  run(manager_->stop(Deadline::after(20s)));
  auto entries = ContainerRegistry::read(paths_);
  ASSERT_EQ(entries.size(), 1u);
  EXPECT_EQ(entries[0].session_key, "agent:main:b");
}

TEST_F(DockerExec, AContainerUnderAnotherNameThanTheSettingsGiveIsStale) {
  configure("{}", R"({"containerPrefix":"openclaw-old-"})");
  sh("true");
  const std::string name = name_of();
  configure("{}", R"({"containerPrefix":"openclaw-new-"})");
  now_ms_ += 301'000;
  sh("true");
  EXPECT_NE(container_id(), "");
  EXPECT_THAT(run(manager_->sweep()), ::testing::ElementsAre(name));
  EXPECT_NE(container_id(), "");
}

TEST_F(DockerExec, R206ListKnowsContainersAndTheFileHasThem) {
  configure(R"({"scope":"session"})");
  sh("true", "agent:main:a");
  sh("true", "agent:main:b");
  auto containers = run(manager_->list(Limits::within(30s)));
  ASSERT_TRUE(containers.has_value());
  ASSERT_EQ(containers->size(), 2u);
  EXPECT_EQ(containers->front().state, "running");
  EXPECT_FALSE(containers->front().stale);
  EXPECT_TRUE(containers->front().image_matches);
  auto removed = run(manager_->recreate("agent:main:a", "", false, Limits::within(30s)));
  EXPECT_EQ(removed->size(), 1u);
  run(manager_->stop(Deadline::after(20s)));
  auto entries = ContainerRegistry::read(paths_);
  ASSERT_EQ(entries.size(), 1u);
  EXPECT_EQ(entries[0].session_key, "agent:main:b");
}

TEST_F(DockerExec, AForeignContainerOfOurNameIsLeftAlone) {
  configure("{}");
  ASSERT_EQ(docker("run -d --network none --name " + name_of() + " debian:bookworm-slim sleep 60"),
            0);
  EXPECT_THAT(sh("true").message(), HasSubstr("no sandbox of ours"));
  EXPECT_FALSE(inspect(name_of()).is_null());
  docker("rm -f " + name_of());
}

}  // namespace
}  // namespace openclaw::sandbox
