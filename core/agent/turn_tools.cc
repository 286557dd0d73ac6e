// The TurnRunner's tool rounds, and how it goes on after a restart: what has to be on disk before a
// tool may start.
#include <algorithm>
#include <utility>

#include "agent/conversation.h"
#include "agent/fields.h"
#include "agent/tool_batch.h"
#include "agent/turn_runner.h"

namespace openclaw::agent {

// Where the turn begins: with its message, or where a process that has ended left it.
Awaitable<Result<Recovery>> TurnRunner::open_or_resume(TurnPtr turn) {
  const auto& request = turn->run->request;
  Recovery from;
  if (request.resume) {
    auto context = co_await s_.sessions.shared_context(turn->run->session());
    if (context.has_error()) co_return context.error();
    from = recover(context.value(), request.run_id, request.tools_ran);
    turn->tools_announced = request.tools_ran;
  }
  if (from.stage == Recovery::Stage::kNotBegun) {
    auto written = co_await write_opening(turn);
    if (written.has_error()) co_return written.error();
  }
  for (std::size_t i = 0; i < from.answers.size(); ++i) {
    if (i > 0) turn->text.next_answer();
    show(*turn, turn->text.add(from.answers[i]));
  }
  if (!from.answers.empty() && from.stage == Recovery::Stage::kAskModel) turn->text.next_answer();
  co_return from;
}

Awaitable<Result<void>> TurnRunner::tool_round(TurnPtr turn, json::array content) {
  auto go_on = co_await use_tools(turn, std::move(content));
  if (go_on.has_error()) co_return go_on.error();
  if (!go_on.value()) {
    turn->stop_reason = "loop_detected";
    co_return make_error(Code::kFailedPrecondition,
                         "the turn was stopped: the model made the same tool call " +
                             std::to_string(LoopGuard::kStopAt) + " times with the same result");
  }
  turn->text.next_answer();
  co_return Result<void>();
}

// After a crash the disk must not know less than the world: the calls are in the transcript, and
// the caller has noted that tools run, before the first of them starts.
Awaitable<Result<void>> TurnRunner::announce_tools(TurnPtr turn) {
  const auto& announce = turn->run->request.before_tools;
  if (!announce) co_return Result<void>();
  auto durable = co_await s_.sessions.sync(turn->run->session());
  if (durable.has_error() || std::exchange(turn->tools_announced, true)) co_return durable;
  co_return co_await announce();
}

// False: the model goes in circles.
Awaitable<Result<bool>> TurnRunner::use_tools(TurnPtr turn, json::array content) {
  auto run = turn->run;
  auto caller = turn->caller;
  auto announced = co_await announce_tools(turn);
  if (announced.has_error()) co_return announced.error();
  auto results = co_await run_tools(s_.runtime, s_.tasks, s_.tools, run, caller, content);
  auto calls = tool_calls_of(content);
  int worst = 0;
  for (std::size_t i = 0; i < calls.size(); ++i) {
    const auto* args = object_at(*calls[i], "arguments");
    static const json::object kNoArguments;
    auto times =
        turn->loops.count(text_at(*calls[i], "name"), args != nullptr ? *args : kNoArguments,
                          json::serialize(results[i].content));
    worst = std::max(worst, times);
    if (times >= LoopGuard::kNoteAt) {
      results[i].content.push_back(
          json::object{{"type", "text"}, {"text", LoopGuard::note(times)}});
    }
    auto message = tool_result_message(*calls[i], results[i]);
    auto queued = co_await s_.sessions.append_queued(run->session(), "message", std::move(message));
    if (queued.has_error()) co_return queued.error();
  }
  if (run->limits.abort.aborted()) {
    co_return make_error(Code::kCancelled, "cancelled: " + run->limits.abort.reason());
  }
  co_return worst < LoopGuard::kStopAt;
}

}  // namespace openclaw::agent
