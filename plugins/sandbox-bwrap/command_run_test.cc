#include "command_run.h"

#include <signal.h>
#include <unistd.h>

#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <filesystem>
#include <iterator>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "bwrap_arguments.h"
#include "seccomp_filter.h"

namespace openclaw::bwrap {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
namespace fs = std::filesystem;

// Commands by the real program, with a reader that can refuse to read.
class Commands : public ::testing::Test {
 protected:
  struct Told {
    std::string out, err;
    std::optional<Outcome<int>> code;
    bool taking = true;
    int refused = 0;
  };

  void SetUp() override {
    ASSERT_EQ(::access("/usr/bin/bwrap", X_OK), 0)
        << "scripts/install-packages.sh test installs bubblewrap";
    std::string name = (fs::temp_directory_path() / "openclaw-run-XXXXXX").string();
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    root_ = name;
    std::string owner = std::to_string(::geteuid()) + ":" + std::to_string(::getegid());
    json::object spec = {{"name", "box-1"}, {"workdir", "/workspace"}, {"user", owner}};
    spec["tmpfs"] = json::array{"/tmp"};
    spec["mounts"] = json::array{json::object{
        {"kind", "workspace"}, {"source", name}, {"target", "/workspace"}, {"readOnly", false}}};
    auto plan = read_runtime_plan(spec, ::geteuid(), ::getegid());
    ASSERT_TRUE(plan.has_value()) << plan.error().message;
    plan_ = std::move(*plan);
    auto room = make_room(plan_);
    ASSERT_TRUE(room.has_value()) << room.error().message;
    room_ = std::move(*room);
    ASSERT_TRUE(loop_.start().has_value());
  }
  void TearDown() override {
    loop_.stop();
    if (!root_.empty()) fs::remove_all(root_);
  }

  std::shared_ptr<CommandRun> start(const std::string& command, Told& told, bool tty = false) {
    ExecRequest request;
    request.argv = {"sh", "-c", command};
    request.tty = tty;
    LaunchPlan plan;
    plan.program = "/usr/bin/bwrap";
    plan.arguments = runtime_arguments(plan_);
    for (auto& word : command_arguments(plan_, request)) plan.arguments.push_back(std::move(word));
    plan.command = request.argv;
    plan.seccomp = *seccomp_program();
    plan.room = &room_;
    plan.identity = plan_.identity;
    plan.tty = tty;
    auto sink = [this, &told](std::uint32_t kind, std::string_view piece) {
      const std::lock_guard lock(mutex_);
      told.refused += told.taking ? 0 : 1;
      if (told.taking) (kind == OC_STREAM_STDERR ? told.err : told.out) += piece;
      changed_.notify_all();
      return told.taking;
    };
    auto run = std::make_shared<CommandRun>(loop_, sink);
    loop_.post([this, run, plan, &told] {
      run->start(plan, std::nullopt, [this, &told](Outcome<int> code) {
        const std::lock_guard lock(mutex_);
        told.code = std::move(code);
        changed_.notify_all();
      });
    });
    return run;
  }
  bool wait_for(const std::function<bool()>& done) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, 20s, done);
  }

  fs::path root_;
  RuntimePlan plan_;
  Room room_;
  std::mutex mutex_;
  std::condition_variable changed_;
  IoLoop loop_{[](const char* what) { ADD_FAILURE() << what; }};
};

TEST_F(Commands, AReaderThatTakesNothingHoldsTheCommandUp) {
  Told told;
  told.taking = false;
  auto run = start("head -c 10000000 /dev/zero; touch done", told);
  ASSERT_TRUE(wait_for([&] { return told.refused > 0; }));
  std::this_thread::sleep_for(300ms);
  EXPECT_FALSE(fs::exists(root_ / "done")) << "the pipe is full and nobody reads";
  {
    const std::lock_guard lock(mutex_);
    EXPECT_EQ(told.refused, 1) << "not asked again until resume()";
    told.taking = true;
  }
  loop_.post([run] { run->resume(); });
  ASSERT_TRUE(wait_for([&] { return told.code.has_value(); }));
  EXPECT_EQ(told.out.size(), 10'000'000u);
  EXPECT_EQ(**told.code, 0);
}

TEST_F(Commands, TheLastPieceIsWaitedForToo) {
  Told told;
  told.taking = false;
  auto run = start("echo last; exit 4", told);
  ASSERT_TRUE(wait_for([&] { return told.refused > 0; }));
  std::this_thread::sleep_for(200ms);
  {
    const std::lock_guard lock(mutex_);
    EXPECT_FALSE(told.code.has_value());
    told.taking = true;
  }
  loop_.post([run] { run->resume(); });
  ASSERT_TRUE(wait_for([&] { return told.code.has_value(); }));
  EXPECT_EQ(told.out, "last\n");
  EXPECT_EQ(**told.code, 4);
}

TEST_F(Commands, AKilledOneEndsThoughNobodyReads) {
  for (auto delay : {0ms, 1ms, 2ms, 4ms, 8ms, 16ms, 200ms}) {
    Told told;
    told.taking = false;
    auto run = start("head -c 10000000 /dev/zero; sleep 100", told);
    std::this_thread::sleep_for(delay);
    loop_.post([run] { run->signal(SIGKILL); });
    ASSERT_TRUE(wait_for([&] { return told.code.has_value(); })) << delay.count();
    EXPECT_EQ(**told.code, 137);
  }
}

TEST_F(Commands, WordsOfBwrapOnATerminalAreHeldToo) {
  Told told;
  auto run = start("printf 'bwrap: execvp'; sleep 0.1; exit 5", told, true);
  ASSERT_TRUE(wait_for([&] { return told.code.has_value(); }));
  EXPECT_EQ(told.out, "bwrap: execvp");
  EXPECT_EQ(**told.code, 5);
}

TEST_F(Commands, ManyAtOnceLeaveNoDescriptors) {
  auto open_ones = [] {
    auto all = fs::directory_iterator("/proc/self/fd");
    return std::distance(fs::begin(all), fs::end(all));
  };
  auto before = open_ones();
  std::deque<Told> told(100);
  for (auto& one : told) start("echo $$; exit 3", one);
  ASSERT_TRUE(wait_for([&] {
    return std::all_of(told.begin(), told.end(),
                       [](const Told& one) { return one.code.has_value(); });
  }));
  for (const auto& one : told) {
    EXPECT_EQ(one.out, "2\n") << "each has a namespace of processes";
    EXPECT_EQ(**one.code, 3);
  }
  // What the last one held goes when its handler has returned.
  for (int i = 0; i < 100 && open_ones() != before; ++i) std::this_thread::sleep_for(10ms);
  EXPECT_EQ(open_ones(), before);
}

}  // namespace
}  // namespace openclaw::bwrap
