#include "process/host_runner.h"

#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include <fstream>

#include <boost/asio/co_spawn.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "process/process_tree.h"
#include "storage/temp_dir_for_test.h"

namespace openclaw::process {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::Not;

struct Outcome {
  std::string out, err;
  Result<json::object> end = Error(Code::kInternal, "not waited");
};

Awaitable<> drive(Runtime& runtime, HostCommand command, Limits limits, std::string input,
                  Outcome& outcome) {
  auto started =
      run_on_host(runtime, std::move(command), [&outcome](bool is_stderr, std::string_view data) {
        (is_stderr ? outcome.err : outcome.out) += data;
      });
  if (started.has_error()) {
    outcome.end = started.error();
    co_return;
  }
  std::unique_ptr<sandbox::Exec> exec = std::move(*started);
  if (!input.empty()) {
    auto sent = co_await exec->write(input, true, limits);
    EXPECT_TRUE(sent.has_value());
  }
  outcome.end = co_await exec->wait(limits);
}

Outcome run(HostCommand command, Limits limits = Limits::within(20s), std::string input = {}) {
  Runtime runtime;
  Outcome outcome;
  asio::co_spawn(runtime.loop(),
                 drive(runtime, std::move(command), limits, std::move(input), outcome),
                 [](const std::exception_ptr& failure) { EXPECT_FALSE(failure); });
  runtime.loop().run();
  return outcome;
}

HostCommand shell(std::string text) {
  HostCommand command;
  command.argv = {"/bin/sh", "-c", std::move(text)};
  return command;
}

TEST(HostRunner, ReportsOutputErrorsAndExitCode) {
  Outcome outcome = run(shell("echo out; echo err >&2; exit 3"));
  EXPECT_EQ(outcome.out, "out\n");
  EXPECT_EQ(outcome.err, "err\n");
  ASSERT_TRUE(outcome.end.has_value());
  EXPECT_EQ(outcome.end->at("exitCode"), 3);
}

TEST(HostRunner, ReportsTheSignalThatEndedTheCommand) {
  Outcome outcome = run(shell("kill -SEGV $$"));
  ASSERT_TRUE(outcome.end.has_value());
  EXPECT_EQ(outcome.end->at("signal"), SIGSEGV);
}

TEST(HostRunner, ArgumentsAreNeverReadByAShell) {
  HostCommand command;
  command.argv = {"printf", "%s|", "a b", "$(id)", "*", ""};
  EXPECT_EQ(run(command).out, "a b|$(id)|*||");
}

TEST(HostRunner, MissingProgramAndFolderAreNamed) {
  HostCommand command;
  command.argv = {"no-such-program-here"};
  EXPECT_THAT(run(command).end.error().message, HasSubstr("no-such-program-here"));
  HostCommand lost = shell("true");
  lost.cwd = "/no/such/folder";
  Outcome outcome = run(lost);
  EXPECT_EQ(outcome.end.error().code, Code::kNotFound);
  EXPECT_THAT(outcome.end.error().message, HasSubstr("/no/such/folder"));
}

TEST(HostRunner, InputReachesTheCommandAndEndsIt) {
  HostCommand command = shell("cat; echo done");
  command.keep_stdin_open = true;
  EXPECT_EQ(run(command, Limits::within(20s), "hello\n").out, "hello\ndone\n");
}

TEST(HostRunner, ClosedInputIsAnErrorAndNoSignal) {
  Runtime runtime;
  HostCommand command = shell("exec <&-; read x; sleep 30");
  command.keep_stdin_open = true;
  Result<void> sent;
  auto task = [](Runtime& rt, HostCommand cmd, Result<void>& result) -> Awaitable<> {
    auto started = run_on_host(rt, std::move(cmd), {});
    EXPECT_TRUE(started.has_value());
    // A pipe takes 64 KiB without a reader; more must end in an error once the reader is gone.
    for (int i = 0; i < 64 && result.has_value(); ++i) {
      result = co_await (*started)->write(std::string(65536, 'x'), false, Limits::within(10s));
    }
  };
  asio::co_spawn(runtime.loop(), task(runtime, command, sent), [](const std::exception_ptr&) {});
  runtime.loop().run();
  ASSERT_TRUE(sent.has_error());
  EXPECT_EQ(sent.error().code, Code::kFailedPrecondition);
}

TEST(HostRunner, TerminalIsARealOne) {
  HostCommand command = shell("test -t 0 && test -t 1 && echo terminal; stty size");
  command.pty = true;
  Outcome outcome = run(command);
  EXPECT_THAT(outcome.out, HasSubstr("terminal"));
  EXPECT_THAT(outcome.out, HasSubstr("40 120"));
}

TEST(HostRunner, EnvironmentIsTheAllowListOnlyA19) {
  std::vector<std::string> names = {"LD_PRELOAD_X", "NODE_OPTIONS", "BASH_ENV", "GIT_EXEC_PATH",
                                    "OPENCLAW_GATEWAY_TOKEN"};
  for (int i = 0; i < 300; ++i) names.push_back("SECRET_" + std::to_string(i));
  for (const auto& name : names) ::setenv(name.c_str(), "leak", 1);
  HostCommand command;
  command.argv = {"env"};
  command.env = {{"GIVEN", "$(id) \"quoted\"\nnext"}};
  Outcome outcome = run(command);
  for (const auto& name : names) ::unsetenv(name.c_str());
  EXPECT_THAT(outcome.out, Not(HasSubstr("leak")));
  EXPECT_THAT(outcome.out, HasSubstr("GIVEN=$(id) \"quoted\"\nnext"));
  EXPECT_THAT(outcome.out, HasSubstr("PATH="));
}

TEST(HostRunner, VariablesThatChangeProgramsAreRefusedOnTheHostA19) {
  for (const char* name : {"LD_PRELOAD", "ld_preload", "PATH", "BASH_ENV", "NODE_OPTIONS",
                           "PYTHONPATH", "GIT_SSH_COMMAND", "IFS"}) {
    EXPECT_TRUE(check_variables({{name, "x"}}, true).has_error()) << name;
    EXPECT_TRUE(check_variables({{name, "x"}}, false).has_value()) << name;
  }
  EXPECT_TRUE(check_variables({{"A B", "x"}}, false).has_error());
  EXPECT_TRUE(check_variables({{"API_BASE", "x"}}, true).has_value());
}

// The numbers that a command wrote, one a line.
std::vector<pid_t> pids_in(const std::filesystem::path& file) {
  std::ifstream in(file);
  std::vector<pid_t> out;
  for (pid_t pid = 0; in >> pid;) out.push_back(pid);
  return out;
}

bool alive(pid_t pid) {
  std::ifstream stat("/proc/" + std::to_string(pid) + "/stat");
  std::string text((std::istreambuf_iterator<char>(stat)), {});
  auto bracket = text.rfind(')');
  return bracket != std::string::npos && text.substr(bracket + 2, 1) != "Z";
}

// A child, a grandchild in a session of its own, a double fork, and one with an empty environment.
std::string family(const std::filesystem::path& file) {
  std::string log = file.string();
  return "sleep 300 & echo $! >> " + log + "; setsid sh -c 'echo $$ >> " + log +
         "; exec sleep 300' & (setsid sh -c 'echo $$ >> " + log +
         "; exec sleep 300' &) ; env -i sh -c 'echo $$ >> " + log + "; exec sleep 300' & ";
}

TEST(HostRunner, TimeOutKillsTheWholeTree) {
  storage::TempDir dir;
  auto file = dir.path() / "pids";
  Outcome outcome = run(
      shell(family(file) + "while [ $(wc -l < " + file.string() + ") -lt 4 ]; do :; done; wait"),
      Limits::within(1500ms));
  ASSERT_TRUE(outcome.end.has_error());
  EXPECT_EQ(outcome.end.error().code, Code::kDeadlineExceeded);
  auto pids = pids_in(file);
  EXPECT_EQ(pids.size(), 4u);
  for (pid_t pid : pids) EXPECT_FALSE(alive(pid)) << pid;
}

TEST(HostRunner, LeftoversEndWithTheCommand) {
  storage::TempDir dir;
  auto file = dir.path() / "pids";
  Outcome outcome =
      run(shell(family(file) + "while [ $(wc -l < " + file.string() + ") -lt 4 ]; do :; done"));
  ASSERT_TRUE(outcome.end.has_value());
  auto pids = pids_in(file);
  EXPECT_EQ(pids.size(), 4u);
  for (pid_t pid : pids) EXPECT_FALSE(alive(pid)) << pid;
}

TEST(HostRunner, AbortKillsAndSaysWhy) {
  Runtime runtime;
  AbortSource source;
  Outcome outcome;
  asio::co_spawn(runtime.loop(),
                 drive(runtime, shell("echo up; sleep 300"),
                       {Deadline::after(20s), source.signal()}, {}, outcome),
                 [](const std::exception_ptr&) {});
  while (outcome.out.empty()) runtime.loop().run_one();
  source.abort("the user said stop");
  runtime.loop().run();
  ASSERT_TRUE(outcome.end.has_error());
  EXPECT_EQ(outcome.end.error().code, Code::kCancelled);
  EXPECT_THAT(outcome.end.error().message, HasSubstr("the user said stop"));
}

TEST(HostRunner, DestroyingTheExecKillsTheTree) {
  Runtime runtime;
  std::string out;
  auto started = run_on_host(runtime, shell("echo $$; exec sleep 300"),
                             [&out](bool, std::string_view data) { out += data; });
  ASSERT_TRUE(started.has_value());
  while (out.empty()) runtime.loop().run_one();
  pid_t pid = std::stoi(out);
  EXPECT_TRUE(alive(pid));
  *started = nullptr;
  runtime.loop().run();  // ends when the process is reaped
  EXPECT_FALSE(alive(pid));
}

TEST(HostRunner, ManyAtOnceLeaveNothingBehindP15) {
  Runtime runtime;
  std::vector<Outcome> outcomes(40);
  for (std::size_t i = 0; i < outcomes.size(); ++i) {
    asio::co_spawn(
        runtime.loop(),
        drive(runtime, shell("echo " + std::to_string(i)), Limits::within(60s), {}, outcomes[i]),
        [](const std::exception_ptr&) {});
  }
  runtime.loop().run();
  for (std::size_t i = 0; i < outcomes.size(); ++i) {
    ASSERT_TRUE(outcomes[i].end.has_value());
    EXPECT_EQ(outcomes[i].out, std::to_string(i) + "\n");
  }
}

}  // namespace
}  // namespace openclaw::process
