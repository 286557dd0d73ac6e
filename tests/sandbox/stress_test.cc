// Many commands with random time-outs, aborts and background jobs while somebody removes their
// containers: every call ends, honestly, and nothing is left. OPENCLAW_STRESS_COMMANDS=N makes it
// longer; OPENCLAW_STRESS_RESTART=COMMAND is run in the middle to restart the engine.
#include <dirent.h>

#include <atomic>
#include <cstdlib>
#include <random>
#include <thread>

#include "sandbox_fixture.h"

namespace openclaw::sandbox {
namespace {

using namespace std::chrono_literals;

std::size_t entries_of(const char* dir) {
  std::size_t count = 0;
  DIR* open = opendir(dir);
  while (open && readdir(open)) ++count;
  if (open) closedir(open);
  return count;
}

struct Tally {
  int ended = 0, right = 0, timed_out = 0, aborted = 0, interrupted = 0;
  std::vector<std::string> wrong;
};

class Stress : public SandboxFixture {
 protected:
  static constexpr int kLanes = 12;

  static int wanted() {
    const char* text = std::getenv("OPENCLAW_STRESS_COMMANDS");
    return text ? std::atoi(text) : 300;
  }

  Awaitable<> lane(int number, int commands, Tally& tally) {
    std::mt19937 random(static_cast<unsigned>(number));
    for (int i = 0; i < commands; ++i) co_await command(random, number, i, tally);
  }

  Awaitable<> command(std::mt19937& random, int number, int i, Tally& tally) {
    std::string word = std::to_string(number) + "-" + std::to_string(i);
    bool endless = random() % 4 == 0, aborts = random() % 2 == 0, job = random() % 3 == 0,
         terminal = random() % 8 == 0;
    ExecRequest request;
    request.pty = terminal;
    request.argv = {"sh", "-lc",
                    (job ? "(sleep 0.4; :) & " : "") + std::string("echo ") + word +
                        (endless ? "; sleep 900" : "")};
    AbortSource abort;
    asio::steady_timer timer(runtime_.loop(), 50ms + std::chrono::milliseconds(random() % 300));
    if (endless && aborts) {
      timer.async_wait([abort](const boost::system::error_code& failed) mutable {
        if (!failed) abort.abort("stress");
      });
    }
    auto time = endless && !aborts ? std::chrono::milliseconds(100 + random() % 300) : 60s;
    Limits limits{Deadline::after(time), abort.signal()};
    std::string out;
    OutputSink sink = [&](bool, std::string_view data) { out += data; };
    auto session = "agent:main:s" + std::to_string(number % 3);
    auto started = co_await manager_->exec(manager_->resolve("", session), std::move(request),
                                           std::move(sink), limits);
    Result<json::object> end = json::object();
    if (started.has_error()) {
      end = started.error();
    } else {
      auto waited = co_await (*started)->wait(limits);
      end = std::move(waited);
      started->reset();
    }
    judge(word, endless, aborts, terminal, end, out, tally);
  }

  static void judge(const std::string& word, bool endless, bool aborts, bool terminal,
                    const Result<json::object>& end, const std::string& out, Tally& tally) {
    ++tally.ended;
    if (end.has_error()) {
      Code code = end.error().code;
      if (endless && aborts && code == Code::kCancelled)
        ++tally.aborted;
      else if (endless && !aborts && code == Code::kDeadlineExceeded)
        ++tally.timed_out;
      // Its container was taken away: it says so, whatever it was doing.
      else if (code == Code::kNotFound || code == Code::kUnavailable ||
               code == Code::kFailedPrecondition)
        ++tally.interrupted;
      else
        tally.wrong.push_back(word + ": " + end.error().message);
      return;
    }
    bool killed = end->contains("exitCode") && end->at("exitCode") != 0;
    if (killed)
      ++tally.interrupted;  // with the container, after it had begun
    else if (!endless && out == word + (terminal ? "\r\n" : "\n"))
      ++tally.right;
    else
      tally.wrong.push_back(word + " printed '" + out + "'");
  }
};

TEST_F(Stress, P14NothingIsLostAndNothingIsLeft) {
  configure(R"({"scope":"session"})");
  ASSERT_EQ(sh("true", "agent:main:s0").out, "");
  std::size_t threads = entries_of("/proc/self/task"), files = entries_of("/proc/self/fd");
  Tally tally;
  int left = kLanes, each = wanted() / kLanes;
  std::atomic<bool> over = false;
  std::vector<std::string> names;
  for (int i = 0; i < 3; ++i) names.push_back(name_of("agent:main:s" + std::to_string(i)));
  std::thread enemy([&] {
    const char* restart = std::getenv("OPENCLAW_STRESS_RESTART");
    for (int round = 0; !over; ++round) {
      for (int i = 0; i < 50 && !over; ++i) std::this_thread::sleep_for(100ms);
      if (over) return;
      docker("rm -f " + names[static_cast<std::size_t>(round) % 3]);
      if (round == 2 && restart) {
        EXPECT_EQ(std::system(restart), 0);
      }
    }
  });
  for (int i = 0; i < kLanes; ++i) {
    asio::co_spawn(runtime_.loop(), lane(i, each, tally), [&](const std::exception_ptr& e) {
      EXPECT_FALSE(e);
      --left;
    });
  }
  run_until([&] { return left == 0; });
  over = true;
  enemy.join();
  for (const auto& what : tally.wrong) ADD_FAILURE() << what;
  EXPECT_EQ(tally.ended, each * kLanes);
  std::printf("%d right, %d timed out, %d aborted, %d interrupted\n", tally.right, tally.timed_out,
              tally.aborted, tally.interrupted);
  std::this_thread::sleep_for(600ms);  // the background jobs end
  for (int i = 0; i < 3; ++i) {
    std::string session = "agent:main:s" + std::to_string(i);
    EXPECT_EQ(sh("grep -l 'State:.Z' /proc/[0-9]*/status | wc -l", session).out, "0\n");
    EXPECT_EQ(
        sh("for d in /proc/[0-9]*; do tr '\\0' ' ' < $d/cmdline; echo; done | grep -c '^sleep 900'",
           session)
            .out,
        "0\n");
  }
  auto containers = run(manager_->list(Limits::within(30s)));
  ASSERT_TRUE(containers.has_value());
  EXPECT_EQ(containers->size(), 3u);
  EXPECT_LE(entries_of("/proc/self/task"),
            threads + 4);  // the pool of blocking work grows to its size
  EXPECT_LE(entries_of("/proc/self/fd"),
            files + 3 + kLanes);  // links, and connections that are kept
}

}  // namespace
}  // namespace openclaw::sandbox
