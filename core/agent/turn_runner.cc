#include "agent/turn_runner.h"

#include <algorithm>

#include <spdlog/spdlog.h>

#include "agent/conversation.h"
#include "agent/fields.h"
#include "agent/incoming_files.h"
#include "agent/system_prompt.h"

namespace openclaw::agent {
namespace {

constexpr int kMaxCompactions = 4;

void add_usage(Usage& sum, const Usage& one) {
  sum.input += one.input;
  sum.output += one.output;
  sum.cache_read += one.cache_read;
  sum.cache_write += one.cache_write;
}

bool worth_another_model(const Error& error) {
  return error.code == Code::kUnavailable || error.code == Code::kResourceExhausted ||
         error.code == Code::kUnauthenticated || error.code == Code::kNotFound;
}

std::string wanted_model(const Run& run, const json::object& entry) {
  if (!run.request.model.empty()) return run.request.model;
  auto model = std::string(text_at(entry, "modelOverride"));
  auto provider = std::string(text_at(entry, "providerOverride"));
  if (model.empty() || provider.empty()) return model;
  return provider + "/" + model;
}

FilesPlace files_place(const Turn& turn) {
  return {turn.view, turn.model().images};
}

}  // namespace

std::string no_model_text() {
  return "No model is set up yet, so I cannot answer in words. Any one of these is enough:\n"
         "- run `openclaw onboard` on the gateway's machine and choose a provider\n"
         "- set ANTHROPIC_API_KEY, OPENAI_API_KEY or OPENROUTER_API_KEY for the gateway and "
         "restart it\n"
         "- start a local server (Ollama, llama.cpp, vLLM, LM Studio); it is found by itself on "
         "its usual "
         "port\n\n"
         "Commands work meanwhile: /help, /status, /tools, /tool NAME {json}.";
}

policy::Caller TurnRunner::caller(const Run& run, const sandbox::View& view) const {
  const auto& origin = run.request.origin;
  policy::Caller out;
  out.agent_id = run.key.agent_id;
  out.session_key = run.session();
  out.channel = origin.channel.empty() ? run.key.channel : origin.channel;
  out.account = origin.account;
  out.group_id = origin.group_id.empty() ? run.key.group_id : origin.group_id;
  out.sender_id = origin.sender_id;
  out.sender_username = origin.sender_username;
  out.sender_name = origin.sender_name;
  out.is_owner = origin.is_owner;
  out.sandboxed = view.sandboxed;
  out.subagent_depth = run.key.subagent_depth;
  return out;
}

Awaitable<TurnResult> TurnRunner::run(RunPtr run) {
  auto turn = std::make_shared<Turn>();
  turn->run = run;
  run->emit("lifecycle", {{"phase", "start"}, {"startedAt", session::now_ms()}});
  auto ready = co_await prepare(turn);
  if (ready.has_error()) co_return co_await finish(turn, ready.error());
  if (!ready.value()) {
    show(*turn, turn->text.add(no_model_text()));
    co_return co_await finish(turn, Result<void>());
  }
  auto opened = co_await open_model(turn);
  if (opened.has_error()) co_return co_await finish(turn, opened.error());
  auto from = co_await open_or_resume(turn);
  if (from.has_error()) co_return co_await finish(turn, from.error());
  if (from->stage == Recovery::Stage::kUnknown) {
    run->emit("lifecycle", {{"phase", "end"}, {"endedAt", session::now_ms()}, {"aborted", true}});
    co_return run->result("cut");
  }
  if (from->stage == Recovery::Stage::kSteered) {
    run->emit("lifecycle", {{"phase", "end"}, {"endedAt", session::now_ms()}});
    co_return run->result("steered");
  }
  if (from->stage == Recovery::Stage::kAnswered) co_return co_await finish(turn, Result<void>());
  auto prompted = co_await build_prompt(turn);
  if (prompted.has_error()) co_return co_await finish(turn, prompted.error());
  json::array calls;
  if (from->stage == Recovery::Stage::kUseTools) calls = std::move(from->calls);
  auto outcome = co_await loop(turn, std::move(calls));
  co_return co_await finish(turn, outcome);
}

Awaitable<Result<bool>> TurnRunner::prepare(TurnPtr turn) {
  auto& run = *turn->run;
  auto config = s_.config.current();
  turn->settings = agent_settings(*config, s_.config.paths(), run.key.agent_id);
  auto entry = co_await s_.sessions.ensure(run.session());
  if (entry.has_error()) co_return entry.error();
  turn->entry = std::move(entry.value());
  turn->view = s_.sandboxes.resolve(run.key.agent_id, run.session());
  turn->caller = caller(run, turn->view);
  auto chosen = co_await choose_model(turn);
  if (chosen.has_error()) co_return chosen.error();
  co_return !turn->candidates.empty();
}

Awaitable<Result<void>> TurnRunner::choose_model(TurnPtr turn) {
  auto wanted = wanted_model(*turn->run, turn->entry);
  auto preferred = turn->settings.models;
  auto limits = turn->run->limits;
  auto found = co_await s_.models.candidates(wanted, preferred, limits);
  if (found.has_error()) co_return found.error();
  turn->candidates = std::move(found.value());
  co_return Result<void>();
}

// The plugin instance of the current candidate, and everything that depends on which model it is.
Awaitable<Result<void>> TurnRunner::open_model(TurnPtr turn) {
  const auto& model = turn->model();
  auto limits = turn->run->limits;
  auto instance = co_await s_.models.instance(model.provider, limits);
  if (instance.has_error()) co_return instance.error();
  turn->instance = instance.value();
  turn->use = s_.models.use(model.provider);
  turn->caller.provider = model.provider;
  turn->caller.model = model.id;
  turn->request.model = model.id;
  turn->request.max_tokens = model.max_tokens;
  turn->request.tools_json = tools_json(s_.tools.allowed(turn->caller));
  auto& level = turn->request.thinking;
  level = turn->run->request.thinking;
  if (level.empty()) level = text_at(turn->entry, "thinkingLevel");
  if (level.empty()) level = turn->settings.thinking;
  if (level == "adaptive") level = "medium";
  if (level == "max") level = "xhigh";
  if (!model.reasoning) level = "off";
  co_return Result<void>();
}

// The user's line goes to the disk while the model works; finish() waits for it.
Awaitable<Result<void>> TurnRunner::write_opening(TurnPtr turn) {
  auto& run = *turn->run;
  const auto& model = turn->model();
  if (text_at(turn->entry, "model") != model.id ||
      text_at(turn->entry, "modelProvider") != model.provider) {
    json::object change{{"provider", model.provider}, {"modelId", model.id}};
    auto changed =
        co_await s_.sessions.append_queued(run.session(), "model_change", std::move(change));
    if (changed.has_error()) co_return changed.error();
  }
  auto taken = co_await take_in_files(s_.runtime, turn->run, files_place(*turn), run.limits);
  if (taken.has_error()) co_return taken.error();
  auto message = user_message(run.request, session::now_ms());
  if (message.has_error()) co_return message.error();
  auto queued =
      co_await s_.sessions.append_queued(run.session(), "message", std::move(message.value()));
  if (queued.has_error()) co_return queued.error();
  co_return Result<void>();
}

Awaitable<Result<void>> TurnRunner::build_prompt(TurnPtr turn) {
  auto& run = *turn->run;
  bool subagent = run.key.subagent_depth > 0;
  auto names = bootstrap_names(run.key.is_main, subagent);
  std::function<Result<std::vector<BootstrapFile>>()> read =
      [names, dir = turn->settings.workspace, each = turn->settings.bootstrap_max_chars,
       all = turn->settings.bootstrap_total_max_chars]() -> Result<std::vector<BootstrapFile>> {
    return read_bootstrap(dir, names, each, all);
  };
  auto limits = run.limits;
  auto files =
      co_await run_blocking<std::vector<BootstrapFile>>(s_.runtime, limits, std::move(read));
  if (files.has_error()) co_return files.error();
  PromptParts parts;
  parts.settings = &turn->settings;
  parts.view = &turn->view;
  parts.tools = s_.tools.allowed(turn->caller);
  parts.files = std::move(files.value());
  parts.model = turn->model().ref();
  parts.thinking = turn->request.thinking;
  parts.channel = turn->caller.channel;
  parts.extra = run.request.extra_system_prompt;
  parts.is_subagent = subagent;
  turn->request.system = system_prompt(parts);
  co_return Result<void>();
}

// `calls`: of an answer that is in the transcript already and whose tools have not run.
Awaitable<Result<void>> TurnRunner::loop(TurnPtr turn, json::array calls) {
  if (!calls.empty()) {
    auto used = co_await tool_round(turn, std::move(calls));
    if (used.has_error()) co_return used;
  }
  for (int iteration = 0;; ++iteration) {
    if (iteration >= turn->settings.max_iterations) {
      turn->stop_reason = "max_iterations";
      co_return make_error(Code::kResourceExhausted,
                           "the turn was stopped after " + std::to_string(iteration) +
                               " model calls (agents.defaults.maxIterations)");
    }
    auto steered = co_await take_steering(turn);
    if (steered.has_error()) co_return steered.error();
    auto reply = co_await ask(turn);
    if (reply.has_error()) co_return reply.error();
    auto content = reply.value().content;
    auto reason = reply.value().stop_reason;
    auto kept = co_await keep_answer(turn, std::move(reply.value()));
    if (kept.has_error()) co_return kept.error();
    if (tool_calls_of(content).empty()) {
      turn->stop_reason = reason == "toolUse" ? "stop" : reason;
      co_return Result<void>();
    }
    auto used = co_await tool_round(turn, std::move(content));
    if (used.has_error()) co_return used;
  }
}

Awaitable<Result<void>> TurnRunner::take_steering(TurnPtr turn) {
  auto& run = *turn->run;
  auto others = s_.queue.take_steering(run.session());
  if (run.request.more) {
    auto more = co_await run.request.more();
    for (auto& request : more) {
      others.push_back(std::make_shared<Run>());
      others.back()->request = std::move(request);
    }
  }
  for (auto& other : others) {
    auto limits = run.limits;
    auto taken = co_await take_in_files(s_.runtime, other, files_place(*turn), limits);
    if (taken.has_error()) note_refused(other->request, taken.error());
    auto message = user_message(other->request, session::now_ms());
    if (message.has_error()) continue;
    message.value()[kSteeredInto] = run.id();
    auto queued = co_await s_.sessions.append_queued(turn->run->session(), "message",
                                                     std::move(message.value()));
    if (queued.has_error()) co_return queued.error();
  }
  co_return Result<void>();
}

// The conversation, compacted first when it would not leave room for an answer.
Awaitable<Result<Context>> TurnRunner::fitting_context(TurnPtr turn) {
  auto window = static_cast<std::size_t>(
      turn->settings.context_tokens > 0
          ? std::min(turn->settings.context_tokens, turn->model().context_window)
          : turn->model().context_window);
  auto context = co_await s_.sessions.shared_context(turn->run->session());
  if (context.has_error()) co_return context.error();
  auto fixed = (turn->request.system.size() + turn->request.tools_json.size()) / 4;
  auto used = context_tokens(context.value());
  used = std::max(used, fixed);
  if (!needs_compaction(used, window) || turn->compactions >= kMaxCompactions) co_return context;
  auto compacted = co_await compact(turn, false);
  if (compacted.has_error()) {
    if (compacted.error().code == Code::kCancelled) co_return compacted.error();
    spdlog::warn("session {}: {}", turn->run->session(), compacted.error().message);
    co_return context;  // the model may still take it
  }
  co_return co_await s_.sessions.shared_context(turn->run->session());
}

Awaitable<Result<void>> TurnRunner::compact(TurnPtr turn, bool squeeze) {
  auto run = turn->run;
  auto context = co_await s_.sessions.shared_context(run->session());
  if (context.has_error()) co_return context.error();
  auto window = static_cast<std::size_t>(turn->model().context_window);
  auto kept = first_kept(context.value(), window, squeeze);
  if (kept == 0 || (kept == 1 && context.value().front().id.empty())) {
    co_return make_error(Code::kFailedPrecondition,
                         "the conversation is too short to be compacted");
  }
  ++turn->compactions;
  auto before = static_cast<std::int64_t>(context_tokens(context.value()));
  run->emit("compaction", {{"phase", "start"}, {"tokensBefore", before}});
  json::object question{
      {"role", "user"},
      {"content",
       json::array{json::object{{"type", "text"},
                                {"text", summary_request(context.value(), kept, window)}}}}};
  Context only{{"", std::make_shared<const session::Message>(std::move(question))}};
  ChatParts parts;
  parts.model = turn->model().id;
  parts.system = summary_instructions();
  parts.max_tokens = 4096;
  ModelCall call{turn->instance, chat_request(parts, only), run->limits, {}, {}};
  auto outcome = co_await call_model(s_.runtime, std::move(call));
  std::string summary;
  if (outcome.reply.has_value()) {
    add_usage(turn->usage, outcome.reply.value().usage);
    summary = trimmed(text_of(outcome.reply.value().content));
  }
  if (summary.empty()) {
    run->emit("compaction", {{"phase", "end"}, {"completed", false}});
    if (outcome.reply.has_error()) co_return outcome.reply.error();
    co_return make_error(Code::kProtocol, "the model wrote no summary");
  }
  json::object line{{"summary", summary},
                    {"firstKeptEntryId", context.value()[kept].id},
                    {"tokensBefore", before},
                    {"fromHook", false}};
  auto queued = co_await s_.sessions.append_queued(run->session(), "compaction", std::move(line));
  if (queued.has_error()) co_return queued.error();
  auto count = int_at(turn->entry, "compactionCount") + turn->compactions;
  json::object changes{{"compactionCount", count}};
  co_await s_.sessions.update(run->session(), std::move(changes));
  run->emit("compaction", {{"phase", "end"}, {"completed", true}});
  co_return Result<void>();
}

Awaitable<Result<void>> TurnRunner::compact_now(TurnPtr turn) {
  auto opened = co_await open_model(turn);
  if (opened.has_error()) co_return opened.error();
  co_return co_await compact(turn, true);
}

// One answer: retried inside call_model, shortened when it did not fit, by the next model when this
// one fails.
Awaitable<Result<ModelReply>> TurnRunner::ask(TurnPtr turn) {
  while (true) {
    auto context = co_await fitting_context(turn);
    if (context.has_error()) co_return context.error();
    turn->thinking.clear();
    ModelCall call;
    call.instance = turn->instance;
    call.request = chat_request(turn->request, context.value());
    call.limits = turn->run->limits;
    call.on_delta = [this, turn](DeltaKind kind, std::string_view delta) {
      on_delta(*turn, kind, delta);
    };
    if (turn->candidate + 1 < turn->candidates.size()) call.retry.attempts = 2;
    auto outcome = co_await call_model(s_.runtime, std::move(call));
    if (outcome.reply.has_value()) co_return std::move(outcome.reply.value());
    auto error = outcome.reply.error();
    if (outcome.delivered) co_return error;
    if (is_context_overflow(error) && !turn->squeezed) {
      turn->squeezed = true;
      auto compacted = co_await compact(turn, true);
      if (compacted.has_value()) continue;
      co_return error;
    }
    if (!worth_another_model(error) || turn->candidate + 1 >= turn->candidates.size())
      co_return error;
    spdlog::warn("model {} failed, going on with {}: {}", turn->model().ref(),
                 turn->candidates[turn->candidate + 1].ref(), error.message);
    ++turn->candidate;
    auto opened = co_await open_model(turn);
    if (opened.has_error()) co_return opened.error();
  }
}

void TurnRunner::show(Turn& turn, const std::string& delta) {
  if (delta.empty()) return;
  turn.run->emit("assistant", {{"text", turn.text.shown()}, {"delta", delta}});
}

void TurnRunner::on_delta(Turn& turn, DeltaKind kind, std::string_view delta) {
  if (turn.run->limits.abort.aborted()) return;
  if (kind == DeltaKind::kText) {
    show(turn, turn.text.add(delta));
  } else {
    turn.thinking += delta;
    turn.run->emit("thinking", {{"text", turn.thinking}, {"delta", delta}});
  }
}

Awaitable<Result<void>> TurnRunner::keep_answer(TurnPtr turn, ModelReply reply) {
  // A plugin that streams nothing: the completion is all there is.
  auto text = text_of(reply.content);
  if (!text.empty() && turn->text.current().empty()) show(*turn, turn->text.add(text));
  add_usage(turn->usage, reply.usage);
  turn->last_usage = reply.usage;
  auto message =
      assistant_message(std::move(reply.content), turn->model(), reply.usage, reply.stop_reason);
  auto queued =
      co_await s_.sessions.append_queued(turn->run->session(), "message", std::move(message));
  if (queued.has_error()) co_return queued.error();
  co_return Result<void>();
}

// What the model had said when the turn ended early stays in the transcript.
Awaitable<> TurnRunner::keep_partial(TurnPtr turn, std::string stop_reason, std::string error) {
  // What the caller will ask for again must not stand there half.
  const auto& request = turn->run->request;
  const bool comes_again = request.before_tools && request.limits.abort.aborted();
  if (turn->candidates.empty() || comes_again) co_return;
  json::array content;
  if (!turn->thinking.empty() && turn->text.current().empty()) {
    content.push_back(json::object{{"type", "thinking"}, {"thinking", turn->thinking}});
  }
  std::string text(turn->text.current());
  if (!trimmed(text).empty()) content.push_back(json::object{{"type", "text"}, {"text", text}});
  if (content.empty()) co_return;
  auto message = assistant_message(std::move(content), turn->model(), {}, stop_reason);
  if (!error.empty()) message["errorMessage"] = error;
  co_await s_.sessions.append_queued(turn->run->session(), "message", std::move(message));
}

Awaitable<TurnResult> TurnRunner::finish(TurnPtr turn, Result<void> outcome) {
  auto& run = *turn->run;
  bool stopped = run.limits.abort.aborted();
  if (stopped && outcome.has_value())
    outcome = make_error(Code::kCancelled, run.limits.abort.reason());
  bool answered = outcome.has_value();
  if (!answered) {
    auto error = outcome.error();
    if (stopped) error.code = Code::kCancelled;
    if (run.limits.deadline.expired() && !stopped) error.code = Code::kDeadlineExceeded;
    outcome = error;
    bool early = error.code == Code::kCancelled || error.code == Code::kDeadlineExceeded;
    // After a tool round the text is in the transcript already.
    if (turn->stop_reason == "stop") {
      std::string reason = early ? "aborted" : "error";
      std::string why = early ? std::string() : error.message;
      co_await keep_partial(turn, std::move(reason), std::move(why));
    }
  }
  auto durable = co_await s_.sessions.sync(run.session());
  if (durable.has_error() && outcome.has_value()) outcome = durable;
  auto result = outcome.has_value() ? run.result("ok") : run.failure(outcome.error());
  if (outcome.has_value() || turn->stop_reason != "stop") result.stop_reason = turn->stop_reason;
  show(*turn, turn->text.rest());
  result.text = turn->text.reply();
  result.usage = turn->usage;
  result.session_id = text_at(turn->entry, "sessionId");
  if (!turn->candidates.empty()) {
    result.provider = turn->model().provider;
    result.model = turn->model().id;
    const auto& last = turn->last_usage;
    auto total = last.input + last.output + last.cache_read + last.cache_write;
    json::object changes{{"systemSent", true},
                         {"abortedLastRun", result.status == "aborted"},
                         {"modelProvider", result.provider},
                         {"model", result.model},
                         {"contextTokens", turn->model().context_window}};
    if (total > 0) {
      changes["inputTokens"] = turn->usage.input;
      changes["outputTokens"] = turn->usage.output;
      changes["cacheRead"] = turn->usage.cache_read;
      changes["cacheWrite"] = turn->usage.cache_write;
      changes["totalTokens"] = total;
      changes["totalTokensFresh"] = true;
    }
    co_await s_.sessions.update(run.session(), std::move(changes));
  }
  json::object end{{"endedAt", session::now_ms()}};
  if (result.status == "ok" || result.status == "aborted") {
    end["phase"] = "end";
    if (result.status == "aborted") end["aborted"] = true;
  } else {
    end["phase"] = "error";
    end["error"] = result.error;
  }
  run.emit("lifecycle", std::move(end));
  co_return result;
}

}  // namespace openclaw::agent
