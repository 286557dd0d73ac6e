// Commands through openclaw-sandbox-init: what it does better than the engine's exec, and that what
// it runs cannot harm it.
#include <fstream>

#include "sandbox/container_registry.h"
#include "sandbox/explain.h"
#include "sandbox_fixture.h"

namespace openclaw::sandbox {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::Not;

class DockerInit : public SandboxFixture {
 protected:
  json::object explained() {
    manager_->resolve("", "agent:main:x");
    Deadline deadline = Deadline::after(5s);
    run(manager_->stop(deadline));  // the file of containers is written then
    return explain_json(*store_->current(), paths_, "", "agent:main:x", nullptr, "", {});
  }
  std::string processes() {
    return sh("for d in /proc/[0-9]*; do tr '\\0' ' ' < $d/cmdline 2>/dev/null; echo; done").out;
  }
};

TEST_F(DockerInit, IsInUseAndExplainSaysSo) {
  configure("{}");
  EXPECT_EQ(sh("cat /proc/1/comm").out, ".openclaw-init\n");
  json::object said = explained();
  EXPECT_EQ(said.at("execPath"), "init");
  EXPECT_THAT(explain_text(said), HasSubstr("commands run by: init\n"));
}

TEST_F(DockerInit, WhereItCannotRunTheEngineDoesAndExplainSaysWhy) {
  auto profile = temp_.path() / "profile.json";
  std::ofstream(profile) << R"({"defaultAction":"SCMP_ACT_ALLOW",
      "syscalls":[{"names":["signalfd4"],"action":"SCMP_ACT_ERRNO"}]})";
  configure("{}", R"({"seccompProfile":")" + profile.string() + "\"}");
  EXPECT_EQ(sh("echo ran; cat /proc/1/comm").out, "ran\ndocker-init\n");
  json::object said = explained();
  EXPECT_EQ(said.at("execPath"), "engine");
  EXPECT_THAT(explain_text(said),
              HasSubstr("commands run by: engine (nobody answers in the sandbox"));
}

TEST_F(DockerInit, WhereItCouldNotRunItIsTriedAgainAfterARecreate) {
  auto profile = temp_.path() / "profile.json";
  std::ofstream(profile) << R"({"defaultAction":"SCMP_ACT_ALLOW",
      "syscalls":[{"names":["signalfd4"],"action":"SCMP_ACT_ERRNO"}]})";
  configure("{}", R"({"seccompProfile":")" + profile.string() + "\"}");
  EXPECT_EQ(sh("cat /proc/1/comm").out, "docker-init\n");
  std::ofstream(profile) << R"({"defaultAction":"SCMP_ACT_ALLOW"})";
  run(manager_->recreate("", "main", false, Limits::within(30s)));
  EXPECT_EQ(sh("cat /proc/1/comm").out, ".openclaw-init\n");
}

TEST_F(DockerInit, NothingInsideReachesIt) {
  configure("{}");
  Ran ran =
      sh("for s in 1 2 3 9 10 15 19; do kill -$s 1; done; sleep 0.1;"
         "readlink /proc/1/fd/*; cat /proc/1/environ /proc/1/mem; readlink /proc/1/exe;"
         "echo x > /proc/1/fd/1; echo x >> /.openclaw-init; rm -f /.openclaw-init; echo alive");
  EXPECT_EQ(ran.out, "alive\n") << ran.err;
  EXPECT_EQ(sh("echo next").out, "next\n");
  EXPECT_EQ(explained().at("execPath"), "init");
}

// Nobody could run anything any more, not even what would end it.
TEST_F(DockerInit, A30ACommandThatLeavesNoRoomDoesNotKeepTheNextFromRunning) {
  configure("{}", R"({"pidsLimit":40})");
  sh("i=0; while [ $i -lt 80 ]; do sleep 900 & i=$((i+1)); done");
  Ran ran = sh("echo alive");
  EXPECT_EQ(ran.out, "alive\n") << ran.message();
  EXPECT_THAT(processes(), Not(HasSubstr("sleep 900")));
  ASSERT_EQ(sh("prlimit --pid 1 --nofile=5:5").code(), 0);
  ran = sh("echo alive");
  EXPECT_EQ(ran.out, "alive\n") << ran.message();
  EXPECT_EQ(explained().at("execPath"), "init");
}

TEST_F(DockerInit, ACommandThatKillsItsKeeperTakesNothingWithIt) {
  configure("{}");
  Ran ran = sh("(setsid sleep 301 &); kill -9 $PPID; sleep 302");
  EXPECT_EQ(ran.code(), 137) << ran.message();
  EXPECT_THAT(processes(), Not(::testing::AnyOf(HasSubstr("sleep 301"), HasSubstr("sleep 302"))));
}

TEST_F(DockerInit, AKeeperHasOneCommandAfterTheOther) {
  configure("{}");
  const std::string first = sh("echo $PPID").out;
  EXPECT_EQ(sh("echo $PPID").out, first);
  EXPECT_NE(sh("sleep 0.5 & echo $PPID").out, "");
  EXPECT_NE(sh("echo $PPID").out, first) << "it has still something to keep";
}

TEST_F(DockerInit, NothingOfACommandComesToTheNext) {
  configure("{}");
  ExecRequest request;
  request.argv = {"sh", "-c", "echo $PPID $WHOSE $HOME; cd /tmp; umask 0; ulimit -n 17"};
  request.env = {{"WHOSE", "mine"}, {"HOME", "/nowhere"}};
  const std::string first = exec(request, "agent:main:x", Limits::within(30s)).out;
  EXPECT_THAT(first, HasSubstr("mine /nowhere"));
  request.argv = {"sh", "-c", "echo $PPID; echo ${WHOSE-unset} $HOME $(pwd) $(umask); ulimit -n"};
  request.env = {};
  const std::string second = exec(request, "agent:main:x", Limits::within(30s)).out;
  EXPECT_EQ(second.substr(0, second.find('\n')), first.substr(0, first.find(' ')));
  EXPECT_THAT(second, HasSubstr("unset "));
  EXPECT_THAT(second, Not(HasSubstr("/nowhere")));
  EXPECT_THAT(second, Not(HasSubstr("/tmp")));
  EXPECT_THAT(second, Not(HasSubstr(" 0000\n")));
  EXPECT_THAT(second, Not(HasSubstr("\n17\n")));
}

TEST_F(DockerInit, AKeeperThatWaitsMayBeStoppedOrKilled) {
  configure("{}");
  sh_many("sleep 0.2", 3);
  for (const char* signal : {"STOP", "KILL"}) {
    sh("(for p in /proc/[0-9]*; do case $(cat $p/cmdline) in *openclaw-init*) echo ${p#/proc/};; "
       "esac; done | grep -v '^1$' | grep -v \"^$PPID$\" | xargs -r kill -" +
       std::string(signal) + ") 2>/dev/null");
    for (const Ran& ran : sh_many("echo fine", 4)) EXPECT_EQ(ran.out, "fine\n") << signal;
  }
}

TEST_F(DockerInit, FewKeepersWait) {
  configure("{}");
  for (const Ran& ran : sh_many("sleep 0.3; echo ok", 20)) EXPECT_EQ(ran.out, "ok\n");
  const std::string count =
      sh("cat /proc/[0-9]*/cmdline | tr '\\0' '\\n' | grep -c [o]penclaw-init").out;
  EXPECT_LE(std::stoi(count), 1 + 5);
  EXPECT_GE(std::stoi(count), 2);
}

TEST_F(DockerInit, WhatACommandLeavesRunningLivesOnAndIsNotWaitedFor) {
  configure("{}");
  auto before = std::chrono::steady_clock::now();
  Ran ran = sh("(sleep 1; echo late; echo late >&2; echo lives > mark) & echo started");
  EXPECT_EQ(ran.out, "started\n");
  EXPECT_LT(std::chrono::steady_clock::now() - before,
            900ms + 10s);  // the first use makes the container
  EXPECT_EQ(sh("while [ ! -e mark ]; do sleep 0.05; done; cat mark").out, "lives\n");
}

TEST_F(DockerInit, R196OrphansAreReaped) {
  configure("{}");
  sh("for i in 1 2 3 4 5; do (setsid sh -c 'sleep 0.05 & sleep 0.05 &' &); done; sleep 0.3");
  EXPECT_EQ(sh("grep -l 'State:.Z' /proc/[0-9]*/status | wc -l").out, "0\n");
}

// The window of one does not hold up another.
TEST_F(DockerInit, AFullPipeBesideItStopsNobody) {
  configure("{}");
  ExecRequest request;
  request.argv = {"sh", "-lc", "head -c 3000000 /dev/zero | tr '\\0' a; echo end"};
  std::size_t size = 0;
  OutputSink sink = [&](bool, std::string_view data) { size += data.size(); };
  Limits limits = Limits::within(30s);
  auto slow = run(manager_->exec(manager_->resolve("", "agent:main:x"), std::move(request),
                                 std::move(sink), limits));
  ASSERT_TRUE(slow.has_value()) << slow.error().message;
  EXPECT_EQ(sh("echo quick").out, "quick\n");
  auto end = run((*slow)->wait(limits));
  ASSERT_TRUE(end.has_value()) << end.error().message;
  EXPECT_EQ(size, 3000004u);
}

TEST_F(DockerInit, MoreAtOnceThanItTakesIsAnErrorThatNamesTheBound) {
  configure("{}");
  sh("true");
  int fine = 0;
  for (const Ran& ran : sh_many("sleep 0.5; echo ok", 130)) {
    if (ran.out == "ok\n") {
      ++fine;
      continue;
    }
    // Refused by us, or ended by its own shell, which cannot fork either. (It says so on its
    // standard error, which root's .profile has sent to /dev/null at that moment, maybe.)
    if (ran.code() == 2) continue;
    EXPECT_THAT(ran.message(), HasSubstr("pidsLimit")) << "exit code " << ran.code() << ran.err;
  }
  EXPECT_GT(fine, 20);
  EXPECT_EQ(sh("echo still").out, "still\n");
}

TEST_F(DockerInit, ALongCommandGoesTheOtherWay) {
  configure("{}");
  ExecRequest request;
  request.argv = {"sh", "-lc", "echo $#", "x"};
  request.argv.resize(request.argv.size() + 3000, std::string(100, 'a'));
  EXPECT_EQ(exec(request, "agent:main:x", Limits::within(30s)).out, "3000\n");
}

}  // namespace
}  // namespace openclaw::sandbox
