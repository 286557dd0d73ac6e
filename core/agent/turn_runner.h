// TurnRunner: one turn of an agent: context, system prompt, model call, tool calls in parallel, and
// so on until the model has nothing more to do. Loop thread only; owned by the AgentService.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "agent/agent_settings.h"
#include "agent/compaction.h"
#include "agent/loop_guard.h"
#include "agent/model_call.h"
#include "agent/model_registry.h"
#include "agent/reply_text.h"
#include "agent/run.h"
#include "agent/session_queue.h"
#include "agent/turn_recovery.h"
#include "async/task_scope.h"

namespace openclaw::agent {

struct TurnServices {
  Runtime& runtime;
  config::ConfigStore& config;
  session::SessionStore& sessions;
  tool::ToolRouter& tools;
  sandbox::SandboxManager& sandboxes;
  ModelRegistry& models;
  SessionQueue& queue;
  TaskScope& tasks;
};

struct Turn {
  RunPtr run;
  AgentSettings settings;
  json::object entry;  // of the session index, as the turn began
  sandbox::View view;
  policy::Caller caller;
  std::vector<ModelInfo> candidates;
  std::size_t candidate = 0;
  plugin::PluginInstance* instance = nullptr;
  ModelRegistry::Use use;
  ChatParts request;
  ReplyText text;
  std::string thinking;  // of the answer that is being written
  LoopGuard loops;
  Usage usage;  // sum over the turn
  Usage last_usage;
  int compactions = 0;
  bool squeezed = false;         // compacted because the model refused the length
  bool tools_announced = false;  // before_tools was waited for
  std::string stop_reason = "stop";

  const ModelInfo& model() const { return candidates[candidate]; }
};
using TurnPtr = std::shared_ptr<Turn>;

class TurnRunner {
 public:
  explicit TurnRunner(TurnServices services) : s_(services) {}

  Awaitable<TurnResult> run(RunPtr run);
  // The caller as policy sees it, for tools of this run and for /tool.
  policy::Caller caller(const Run& run, const sandbox::View& view) const;
  // Makes the summary and writes it to the transcript. kFailedPrecondition when nothing can be left
  // out.
  Awaitable<Result<void>> compact(TurnPtr turn, bool squeeze);
  // For /compact: a turn that only does this.
  Awaitable<Result<void>> compact_now(TurnPtr turn);
  // What a turn needs before its first model call. False in the pair: there is no model.
  Awaitable<Result<bool>> prepare(TurnPtr turn);

 private:
  Awaitable<Result<void>> choose_model(TurnPtr turn);
  Awaitable<Result<void>> open_model(TurnPtr turn);
  Awaitable<Result<Recovery>> open_or_resume(TurnPtr turn);
  Awaitable<Result<void>> write_opening(TurnPtr turn);
  Awaitable<Result<void>> build_prompt(TurnPtr turn);
  Awaitable<Result<void>> loop(TurnPtr turn, json::array calls);
  Awaitable<Result<void>> take_steering(TurnPtr turn);
  Awaitable<Result<Context>> fitting_context(TurnPtr turn);
  Awaitable<Result<ModelReply>> ask(TurnPtr turn);
  Awaitable<Result<void>> keep_answer(TurnPtr turn, ModelReply reply);
  Awaitable<Result<void>> announce_tools(TurnPtr turn);
  Awaitable<Result<void>> tool_round(TurnPtr turn, json::array content);
  Awaitable<Result<bool>> use_tools(TurnPtr turn, json::array content);
  Awaitable<TurnResult> finish(TurnPtr turn, Result<void> outcome);
  Awaitable<> keep_partial(TurnPtr turn, std::string stop_reason, std::string error);
  void on_delta(Turn& turn, DeltaKind kind, std::string_view delta);
  void show(Turn& turn, const std::string& delta);

  TurnServices s_;
};

// What plain text is answered with when there is no model at all.
std::string no_model_text();

}  // namespace openclaw::agent
