#include "agent/tool_batch.h"

#include "agent/conversation.h"
#include "agent/fields.h"

namespace openclaw::agent {
namespace {

// After an abort the tools get this long to end by themselves.
constexpr std::chrono::seconds kGrace{3};

struct Batch {
  explicit Batch(Runtime& runtime) : woken(runtime), ended(runtime) {}
  RunPtr run;
  policy::Caller caller;
  json::array content;
  std::vector<const json::object*> calls;
  std::vector<tool::ToolResult> results;
  std::size_t left = 0;
  Event woken;  // by the last result or by the abort
  Event ended;  // by the last result only
};

json::object result_event(const std::string& name, const std::string& id,
                          const tool::ToolResult& result) {
  json::object shown{{"content", result.content}};
  if (!result.details.empty()) shown["details"] = result.details;
  return {{"phase", "result"},
          {"name", name},
          {"toolCallId", id},
          {"result", std::move(shown)},
          {"isError", result.is_error}};
}

tool::ToolResult as_result(const Error& error, const Run& run) {
  // The caller's own stop; the person stops runs by Run::abort.
  if (error.code == Code::kCancelled && run.request.limits.abort.aborted()) {
    return tool::ToolResult::failure(
        "The gateway was stopped while this ran; it may be done in part.");
  }
  if (error.code == Code::kCancelled)
    return tool::ToolResult::failure("The call was aborted by the user.");
  return tool::ToolResult::failure(error.message, error.details);
}

Awaitable<> run_one(tool::ToolRouter& router, std::shared_ptr<Batch> batch, std::size_t index) {
  auto run = batch->run;
  const auto& block = *batch->calls[index];
  auto name = policy::normalise_tool_name(text_at(block, "name"));
  std::string id(text_at(block, "id"));
  tool::ToolCall call;
  call.tool = name;
  if (const auto* args = object_at(block, "arguments")) call.args = *args;
  call.call_id = id;
  call.run_id = run->id();
  call.entry = batch->caller.subagent_depth > 0 ? tool::Entry::kSubagent : tool::Entry::kAgent;
  call.caller = batch->caller;
  call.on_update = [run, name, id](const json::object& partial) {
    run->emit(
        "tool",
        {{"phase", "update"}, {"name", name}, {"toolCallId", id}, {"partialResult", partial}});
  };
  run->emit("tool", {{"phase", "start"}, {"name", name}, {"toolCallId", id}, {"args", call.args}});
  tool::ToolResult result;
  if (auto problem = text_at(block, "argumentsError"); !problem.empty()) {
    result = tool::ToolResult::failure("The call was not made: " + std::string(problem) + ".");
  } else {
    auto limits = run->limits;
    auto answer = co_await router.invoke(std::move(call), limits);
    result = answer.has_value() ? std::move(answer.value()) : as_result(answer.error(), *run);
  }
  run->emit("tool", result_event(name, id, result));
  batch->results[index] = std::move(result);
  if (--batch->left == 0) {
    batch->ended.set();
    batch->woken.set();
  }
}

}  // namespace

Awaitable<std::vector<tool::ToolResult>> run_tools(Runtime& runtime, TaskScope& tasks,
                                                   tool::ToolRouter& router, RunPtr run,
                                                   policy::Caller caller, json::array content) {
  auto batch = std::make_shared<Batch>(runtime);
  batch->run = run;
  batch->caller = std::move(caller);
  batch->content = std::move(content);
  batch->calls = tool_calls_of(batch->content);
  batch->left = batch->calls.size();
  batch->results.assign(batch->calls.size(), tool::ToolResult::failure(
                                                 "No result: the turn ended before the tool did."));
  for (std::size_t i = 0; i < batch->calls.size(); ++i) {
    tasks.spawn("tool " + std::string(text_at(*batch->calls[i], "name")),
                run_one(router, batch, i));
  }
  auto registration = run->limits.abort.on_abort([batch] { batch->woken.set(); });
  co_await batch->woken.wait(run->limits.deadline);
  registration.reset();
  // Aborted or late: the tools know and end their processes; one that hangs is not waited for.
  auto grace = Deadline::after(kGrace);
  if (batch->left > 0) co_await batch->ended.wait(grace);
  co_return batch->results;
}

}  // namespace openclaw::agent
