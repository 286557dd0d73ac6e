#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include "async/task_scope.h"

namespace openclaw {
namespace {

using std::chrono::milliseconds;

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

TEST(Suspend, ResumesWithTheValueOfAnotherThread) {
  Runtime runtime;
  std::thread other;
  auto result = run(runtime, suspend<int>(runtime, Limits::within(milliseconds(5000)),
                                          [&](Completer<int> done) {
                                            other = std::thread([done] { done(42); });
                                          }));
  other.join();
  EXPECT_EQ(result.value(), 42);
}

TEST(Suspend, TheDeadlineAnswersAndALateCompletionIsDropped) {
  Runtime runtime;
  std::optional<Completer<int>> late;
  bool told = false;
  auto result = run(runtime, suspend<int>(
                                 runtime, Limits::within(milliseconds(5)),
                                 [&](Completer<int> done) { late.emplace(done); },
                                 [&] { told = true; }));
  EXPECT_EQ(result.error().code, Code::kDeadlineExceeded);
  EXPECT_TRUE(told);
  (*late)(1);
  runtime.loop().restart();
  runtime.loop().run();
}

TEST(Suspend, AbortAnswersCancelledWithTheReason) {
  Runtime runtime;
  AbortSource source;
  Limits limits{Deadline::never(), source.signal()};
  runtime.post([&] { source.abort("the user said stop"); });
  auto result = run(runtime, suspend<int>(runtime, limits, [](const Completer<int>&) {}));
  EXPECT_EQ(result.error().code, Code::kCancelled);
  EXPECT_THAT(result.error().message, testing::HasSubstr("the user said stop"));
}

TEST(Event, TwoWaitEachUntilItsOwnDeadline) {
  Runtime runtime;
  Event event(runtime);
  std::vector<bool> answers;
  for (auto limit : {milliseconds(30), milliseconds(60)}) {
    asio::co_spawn(runtime.loop(), event.wait(Deadline::after(limit)),
                   [&](const std::exception_ptr&, bool set) { answers.push_back(set); });
  }
  const auto steps = runtime.loop().run();
  EXPECT_THAT(answers, testing::ElementsAre(false, false));
  EXPECT_LT(steps, 20U) << "they must not wake each other";
}

TEST(Event, SettingItWakesAllWhoWaitAlsoWhenItIsGone) {
  Runtime runtime;
  auto event = std::make_unique<Event>(runtime);
  int woken = 0;
  for (int i = 0; i < 3; ++i) {
    asio::co_spawn(runtime.loop(), event->wait(Deadline::never()),
                   [&](const std::exception_ptr&, bool set) { woken += set ? 1 : 0; });
  }
  runtime.post([&] {
    event->set();
    event.reset();
  });
  runtime.loop().run();
  EXPECT_EQ(woken, 3);
}

TEST(RunBlocking, WorksOffTheLoop) {
  Runtime runtime;
  auto loop_thread = std::this_thread::get_id();
  auto result = run(runtime, run_blocking<bool>(runtime, {}, [=]() -> Result<bool> {
                      return std::this_thread::get_id() != loop_thread;
                    }));
  EXPECT_TRUE(result.value());
}

TEST(RunBlocking, AnExceptionIsTheErrorOfItsJob) {
  Runtime runtime;
  auto result = run(runtime, run_blocking<bool>(runtime, {}, []() -> Result<bool> {
                      throw std::runtime_error("no such luck");
                    }));
  ASSERT_TRUE(result.has_error());
  EXPECT_EQ(result.error().code, Code::kInternal);
  EXPECT_EQ(result.error().message, "no such luck");
}

TEST(AbortSignal, ACallbackMayDestroyAnotherRegistration) {
  AbortSource source;
  AbortSignal::Registration second;
  int calls = 0;
  auto first = source.signal().on_abort([&] { second.reset(); });
  second = source.signal().on_abort([&] { ++calls; });
  source.abort("x");
  EXPECT_EQ(calls, 0);
}

Awaitable<> wait_forever(Runtime& runtime, bool* ended) {
  struct Mark {
    bool* flag;
    ~Mark() { *flag = true; }
  } mark{ended};
  Event event(runtime);
  co_await event.wait(Deadline::never());
  co_await event.wait(Deadline::never());
}

TEST(TaskScope, StopCancelsAndJoins) {
  Runtime runtime;
  TaskScope scope(runtime);
  bool ended = false;
  scope.spawn("waiter", wait_forever(runtime, &ended));
  auto left = run(runtime, scope.stop(Deadline::after(milliseconds(1000))));
  EXPECT_TRUE(left.empty());
  EXPECT_TRUE(ended);
}

}  // namespace
}  // namespace openclaw
