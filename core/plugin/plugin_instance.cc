#include "plugin/plugin_instance.h"

#include <spdlog/spdlog.h>

namespace openclaw::plugin {
namespace {

constexpr std::chrono::seconds kDestroyTime{5};

// Tells the plugin when the wait for its operation ends for whatever reason, an exception of Asio's
// cancellation included.
struct GiveUp {
  std::shared_ptr<InstanceCore> core;
  oc_op op = 0;
  bool now() { return op != 0 && core->give_up(std::exchange(op, 0)); }
  explicit GiveUp(std::shared_ptr<InstanceCore> c) : core(std::move(c)) {}
  GiveUp(const GiveUp&) = delete;
  GiveUp& operator=(const GiveUp&) = delete;
  ~GiveUp() { now(); }
};

Error no_slot(const InstanceCore& core, const std::string& slot) {
  return make_error(Code::kUnimplemented,
                    "plugin " + core.instance_id() + " does not offer " + slot);
}

Error waited_in_vain(const InstanceCore& core, const std::string& slot, Error error) {
  if (error.code == Code::kDeadlineExceeded) {
    error.message =
        "plugin " + core.instance_id() + " did not finish " + slot + " within its time limit";
  }
  return error;
}

}  // namespace

Awaitable<Result<json::value>> operate(std::shared_ptr<InstanceCore> core, std::string slot,
                                       InstanceCore::Invoke invoke, Limits limits,
                                       ProgressSink progress,
                                       std::function<void(std::uint64_t)> on_accepted) {
  GiveUp guard(core);
  std::function<void(Completer<json::value>)> begin = [&](Completer<json::value> done) {
    auto op = core->begin(slot, std::move(invoke), limits.deadline, done, std::move(progress),
                          std::move(on_accepted));
    if (op) {
      guard.op = *op;
    } else {
      done.now(op.error());
    }
  };
  auto result = co_await suspend<json::value>(core->runtime(), limits, begin);
  const bool unfinished = guard.now();
  if (!result && unfinished) co_return waited_in_vain(*core, slot, result.error());
  co_return result;
}

InstanceFace::InstanceFace(std::shared_ptr<const Manifest> manifest,
                           std::shared_ptr<InstanceCore> core)
    : manifest_(std::move(manifest)), core_(std::move(core)) {}

InstanceFace::~InstanceFace() {
  core_->set_events({});
  // Without destroy the plugin may call the host at any time: its context must outlive us.
  if (!shut_down_ && !core_->lost()) core_->leave_behind();
}

void InstanceFace::replace_core(std::shared_ptr<InstanceCore> core) {
  core_ = std::move(core);
  start_called_ = shut_down_ = false;
}

Result<void> InstanceFace::ready(const std::string& slot) const {
  const State now = core_->state();
  if (now == State::kRunning || now == State::kStarting) return {};
  return make_error(
      core_->lost() ? Code::kUnavailable : Code::kFailedPrecondition,
      "plugin " + id() + " cannot do " + slot + ": it is " + std::string(state_name(now)));
}

Awaitable<Result<json::value>> InstanceFace::call(
    std::string slot, std::vector<std::string> texts, Limits limits, ProgressSink progress,
    std::function<void(std::uint64_t op)> on_accepted) {
  if (auto checked = ready(slot); !checked) co_return checked.error();
  const auto found = find_text_slot(core_->tables(), slot);
  if (!found) co_return make_error(Code::kInternal, "there is no plugin slot \"" + slot + "\"");
  if (!found->function) co_return no_slot(*core_, slot);
  std::size_t bytes = 0;
  for (const auto& text : texts) bytes += text.size();
  if (texts.size() != found->texts || bytes > kMaxRequestBytes) {
    co_return make_error(Code::kInvalidArgument, slot + " takes " + std::to_string(found->texts) +
                                                     " texts of 32 MiB at most, it got " +
                                                     std::to_string(texts.size()) + " of " +
                                                     std::to_string(bytes) + " bytes");
  }
  InstanceCore::Invoke invoke = [slot_found = *found, texts = std::move(texts)](oc_instance* i,
                                                                                const oc_call* c) {
    return call_text_slot(slot_found, i, c, texts);
  };
  co_return co_await operate(core_, std::move(slot), std::move(invoke), std::move(limits),
                             std::move(progress), std::move(on_accepted));
}

Awaitable<Result<json::value>> InstanceFace::exec_input(std::uint64_t exec_op, std::string data,
                                                        bool eof, Limits limits) {
  std::string slot = "sandbox.exec_input";
  if (auto checked = ready(slot); !checked) co_return checked.error();
  const auto& table = core_->tables().sandbox;
  if (!table || !table->exec_input) co_return no_slot(*core_, slot);
  InstanceCore::Invoke invoke = [function = table->exec_input, exec_op, data = std::move(data),
                                 eof](oc_instance* i, const oc_call* c) {
    return function(i, c, exec_op, lend_bytes(data), eof ? 1U : 0U);
  };
  co_return co_await operate(core_, std::move(slot), std::move(invoke), std::move(limits), {}, {});
}

void InstanceFace::exec_signal(std::uint64_t exec_op, int signo) {
  const auto& table = core_->tables().sandbox;
  if (!table || !table->exec_signal || !ready("sandbox.exec_signal")) return;
  core_->notify("sandbox.exec_signal", [core = core_.get(), function = table->exec_signal, exec_op,
                                        signo](oc_instance* i) {
    if (core->operations().is_open(exec_op)) function(i, exec_op, signo);
  });
}

Awaitable<Result<json::value>> InstanceFace::write_file(std::string runtime_id, std::string path,
                                                        std::uint64_t blob, Limits limits) {
  std::string slot = "sandbox.write_file";
  if (auto checked = ready(slot); !checked) co_return checked.error();
  const auto& table = core_->tables().sandbox;
  if (!table || !table->write_file) co_return no_slot(*core_, slot);
  InstanceCore::Invoke invoke = [function = table->write_file, runtime_id = std::move(runtime_id),
                                 path = std::move(path), blob](oc_instance* i, const oc_call* c) {
    return function(i, c, lend(runtime_id), lend(path), blob);
  };
  co_return co_await operate(core_, std::move(slot), std::move(invoke), std::move(limits), {}, {});
}

Awaitable<Result<json::value>> InstanceFace::webhook(std::string request_json, std::string body,
                                                     Limits limits) {
  std::string slot = "channel.webhook";
  if (auto checked = ready(slot); !checked) co_return checked.error();
  const auto& table = core_->tables().channel;
  if (!table || !table->webhook) co_return no_slot(*core_, slot);
  InstanceCore::Invoke invoke = [function = table->webhook, request_json = std::move(request_json),
                                 body = std::move(body)](oc_instance* i, const oc_call* c) {
    return function(i, c, lend(request_json), lend_bytes(body));
  };
  co_return co_await operate(core_, std::move(slot), std::move(invoke), std::move(limits), {}, {});
}

Awaitable<Result<void>> InstanceFace::start(Limits limits) {
  auto core = core_;
  if (core->state() != State::kLoaded) {
    co_return make_error(Code::kFailedPrecondition, "plugin " + id() + " cannot start: it is " +
                                                        std::string(state_name(core->state())));
  }
  core->set_state(State::kStarting);
  start_called_ = true;
  InstanceCore::Invoke invoke = [&entry = core->spec().library.entry](
                                    oc_instance* i, const oc_call* c) { return entry.start(i, c); };
  auto result = co_await operate(core, "start", std::move(invoke), std::move(limits), {}, {});
  if (core->state() == State::kStarting) core->set_state(result ? State::kRunning : State::kLoaded);
  if (!result) co_return result.error();
  co_return Result<void>();
}

Awaitable<Result<void>> InstanceFace::reconfigure(json::object config, Limits limits) {
  auto core = core_;
  json::object before = core->config();
  core->set_config(std::move(config));
  InstanceCore::Invoke invoke = [core = core.get(), text = core->config_json()](oc_instance* i,
                                                                                const oc_call* c) {
    return core->spec().library.entry.reconfigure(i, c, lend(text));
  };
  auto result = co_await operate(core, "reconfigure", std::move(invoke), std::move(limits), {}, {});
  if (result) co_return Result<void>();
  core->set_config(std::move(before));
  co_return result.error();
}

Awaitable<Result<void>> InstanceFace::shut_down(HostServices& services, Limits limits) {
  auto core = core_;
  shut_down_ = true;
  Result<void> outcome;
  if (start_called_ && !core->lost()) {
    core->set_state(State::kStopping);
    InstanceCore::Invoke invoke = [&entry = core->spec().library.entry](oc_instance* i,
                                                                        const oc_call* c) {
      return entry.stop(i, c);
    };
    auto stopped = co_await operate(core, "stop", std::move(invoke), limits, {}, {});
    if (!stopped) outcome = stopped.error();
  }
  core->operations().fail_all(
      make_error(Code::kCancelled, "plugin " + core->instance_id() + " was stopped"));
  core->set_events({});
  core->cancel_acks();
  co_await services.release(*core, limits.deadline);
  if (!core->lost()) {
    // Destroy gets its time even when stop has used up the limits.
    std::function<void(Completer<void>)> close = [core](Completer<void> done) {
      core->close_instance(std::move(done));
    };
    const Limits destroy_limits = Limits::within(kDestroyTime);
    auto closed = co_await suspend<void>(core->runtime(), destroy_limits, close);
    if (!closed) {
      spdlog::error("plugin {} does not return from its last call and is left behind",
                    core->instance_id());
      core->set_state(State::kWedged);
      core->leave_behind();
      outcome = make_error(Code::kUnavailable,
                           "plugin " + core->instance_id() + " does not return from its last call");
    }
  }
  core->set_state(State::kStopped);
  co_return outcome;
}

}  // namespace openclaw::plugin
