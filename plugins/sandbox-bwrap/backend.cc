#include "backend.h"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>

#include "bwrap_arguments.h"
#include "probe.h"
#include "seccomp_filter.h"
#include "spec_fields.h"

namespace openclaw::bwrap {

using sandbox_rules::flag_of;
using sandbox_rules::text_of;

namespace {

constexpr std::uint64_t kSetupTimeoutMs = 10 * 60 * 1000;
constexpr std::size_t kMaxSetupOutput = 4000;

std::int64_t now_ms() {
  using namespace std::chrono;
  return duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
}

// What to type when namespaces cannot be had; empty when it is none of the known reasons.
std::string namespace_advice() {
  std::string fix = namespace_fix();
  return fix.empty() ? fix : " Type: " + fix;
}

void keep_end(std::string& output, std::size_t limit) {
  if (output.size() > limit) output.erase(0, output.size() - limit);
}

}  // namespace

struct BwrapBackend::Draft {
  Completion done;
  SandboxPtr sandbox;
  std::uint64_t timeout_ms = kSetupTimeoutMs;
  std::string output;
  bool late = false;
};

BwrapBackend::BwrapBackend(const Init& init)
    : SandboxBackendPlugin(init), loop_([this](const char* what) { log().error(what); }) {
  boost::system::error_code failed;
  json::value config =
      json::parse(json::string_view(init.config_json.data(), init.config_json.size()), failed);
  if (!failed && config.is_object()) program_ = text_of(config.get_object(), "program");
  if (program_.empty()) program_ = "/usr/bin/bwrap";
}

BwrapBackend::~BwrapBackend() {
  loop_.stop();
}

// ---- from the host's thread to the loop's

void BwrapBackend::hand_over(Completion done, std::function<void(Completion)> job) {
  loop_.post([held = std::move(done), job = std::move(job)]() mutable { job(std::move(held)); });
}

void BwrapBackend::start(Completion done) {
  auto filter = seccomp_program();
  if (filter.has_error()) return done.error(filter.error().code, filter.error().message);
  seccomp_ = std::move(*filter);
  auto started = loop_.start();
  if (started.has_error()) return done.error(started.error().code, started.error().message);
  done.ok();
}

void BwrapBackend::stop(Completion done) {
  hand_over(std::move(done), [this](Completion held) {
    stopped_ = true;
    stopping_.push_back(std::move(held));
    for (auto& [name, sandbox] : std::exchange(sandboxes_, {})) retire(std::move(sandbox), {});
    // A copy: a run that cannot go on ends inside signal().
    auto running = running_;
    for (auto& [number, entry] : running) entry.run->signal(9);
    settle_removals();
  });
}

void BwrapBackend::resume(oc_op op) {
  loop_.post([this, op] {
    if (auto* run = run_of(op)) run->resume();
  });
}

void BwrapBackend::exec_signal(oc_op exec_op, int signo) {
  loop_.post([this, exec_op, signo] {
    if (auto* run = run_of(exec_op)) run->signal(signo);
  });
}

void BwrapBackend::exec_input(Completion done, oc_op exec_op, std::string_view data, bool eof) {
  hand_over(std::move(done), [this, exec_op, bytes = std::string(data), eof](Completion held) {
    auto* run = run_of(exec_op);
    if (!run) return held.error(OC_NOT_FOUND, "the command has ended");
    run->write(std::move(held), bytes, eof);
  });
}

void BwrapBackend::ensure(Completion done, std::string_view spec_json) {
  hand_over(std::move(done), [this, spec = std::string(spec_json)](Completion held) {
    ensure_now(std::move(held), spec);
  });
}

void BwrapBackend::exec(Completion done, std::string_view runtime_id, std::string_view exec_json) {
  hand_over(std::move(done), [this, id = std::string(runtime_id), request = std::string(exec_json)](
                                 Completion held) { exec_now(std::move(held), id, request); });
}

void BwrapBackend::describe(Completion done, std::string_view runtime_id) {
  hand_over(std::move(done), [this, id = std::string(runtime_id)](Completion held) {
    auto found = sandboxes_.find(id);
    if (found == sandboxes_.end()) return held.error(OC_NOT_FOUND, "there is no sandbox " + id);
    std::string answer = json::serialize(described(*found->second));
    held.ok(answer);
  });
}

void BwrapBackend::remove(Completion done, std::string_view runtime_id) {
  hand_over(std::move(done), [this, id = std::string(runtime_id)](Completion held) {
    auto found = sandboxes_.find(id);
    if (found == sandboxes_.end()) return held.ok();
    SandboxPtr sandbox = found->second;
    sandboxes_.erase(found);
    std::vector<Completion> waiting;
    waiting.push_back(std::move(held));
    retire(std::move(sandbox), std::move(waiting));
  });
}

void BwrapBackend::list(Completion done) {
  hand_over(std::move(done), [this](Completion held) {
    json::array runtimes;
    for (const auto& [name, sandbox] : sandboxes_) runtimes.push_back(described(*sandbox));
    std::string answer = json::serialize(json::object{{"runtimes", std::move(runtimes)}});
    held.ok(answer);
  });
}

void BwrapBackend::probe(Completion done, std::string_view spec_json) {
  boost::system::error_code failed;
  json::value spec = json::parse(json::string_view(spec_json.data(), spec_json.size()), failed);
  if (failed || !spec.is_object())
    return done.error(OC_INVALID_ARGUMENT, "probe: the spec is no JSON object");
  std::string answer =
      json::serialize(json::object{{"findings", bwrap::probe(program_, spec.get_object())}});
  done.ok(answer);
}

// ---- sandboxes

json::object BwrapBackend::described(const Sandbox& sandbox) const {
  return {{"runtimeId", sandbox.plan.name},
          {"name", sandbox.plan.name},
          {"state", "running"},
          {"image", sandbox.plan.image},
          {"sessionKey", sandbox.plan.scope_key},
          {"agentId", sandbox.plan.agent_id},
          {"gatewayId", sandbox.plan.gateway_id},
          {"configHash", sandbox.plan.config_hash},
          {"createdAtMs", sandbox.created_at_ms},
          {"limits", sandbox.cgroup ? "cgroup" : "rlimit"},
          {"execPath", "bwrap"},
          {"execPathWhy", sandbox.cgroup ? "limits by control group"
                                         : "limits by process, this host gives no control groups"}};
}

void BwrapBackend::ensure_now(Completion done, const std::string& spec_json) {
  if (stopped_) return done.error(OC_CANCELLED, "the gateway is stopping");
  boost::system::error_code failed;
  json::value parsed = json::parse(spec_json, failed);
  if (failed || !parsed.is_object() || text_of(parsed.get_object(), "name").empty())
    return done.error(OC_INVALID_ARGUMENT, "ensure: the spec is no JSON object with a name");
  const json::object& spec = parsed.get_object();
  auto found = sandboxes_.find(text_of(spec, "name"));
  if (found != sandboxes_.end()) {
    SandboxPtr sandbox = found->second;
    bool stale = sandbox->plan.config_hash != text_of(spec, "configHash");
    if (!stale || !flag_of(spec, "replaceStale")) {
      json::object runtime = described(*sandbox);
      runtime["workdir"] = sandbox->plan.workdir;
      runtime["created"] = false;
      runtime["stale"] = stale;
      std::string answer = json::serialize(runtime);
      return done.ok(answer);
    }
    sandboxes_.erase(found);
    retire(std::move(sandbox), {});
  }
  if (::access(program_.c_str(), X_OK) != 0) {
    return done.error(OC_FAILED_PRECONDITION,
                      "the program " + program_ +
                          " is not there, which the sandbox backend bwrap needs. Type: apt-get "
                          "install bubblewrap");
  }
  auto plan = read_runtime_plan(spec, ::geteuid(), ::getegid());
  if (plan.has_error()) return done.error(plan.error().code, plan.error().message);
  auto sandbox = furnished(std::move(*plan));
  if (sandbox.has_error()) {
    return done.error(sandbox.error().code, sandbox.error().message + "." + namespace_advice());
  }
  std::uint64_t timeout_ms = done.remaining_ms(kSetupTimeoutMs);
  make(std::make_shared<Draft>(Draft{std::move(done), *sandbox, timeout_ms, {}, false}));
}

Outcome<BwrapBackend::SandboxPtr> BwrapBackend::furnished(RuntimePlan plan) {
  auto room = make_room(plan);
  if (room.has_error()) return room.error();
  auto cgroup = Cgroup::make(plan.name, plan.limits);
  // The name ends with what tells gateways apart. Nothing else of this one is there yet.
  if (cgroup && !std::exchange(swept_, true))
    cgroup->remove_leftovers(plan.name.substr(std::min(plan.name.rfind('-'), plan.name.size())));
  auto arguments = runtime_arguments(plan);
  return std::make_shared<Sandbox>(Sandbox{std::move(plan), std::move(*room), std::move(cgroup),
                                           std::move(arguments), now_ms()});
}

// The first command does nothing: what this host does not allow shows here, and not as the failure
// of somebody's command.
void BwrapBackend::make(std::shared_ptr<Draft> draft) {
  ExecRequest probe;
  probe.argv = {"/usr/bin/true"};
  auto ended = [this, draft](Outcome<int> code) {
    if (code.has_error()) {
      draft->done.error(OC_FAILED_PRECONDITION, code.error().message + "." + namespace_advice());
    } else if (*code != 0) {
      draft->done.error(OC_FAILED_PRECONDITION,
                        "a command that does nothing fails in the new sandbox with exit code " +
                            std::to_string(*code) + ": " + draft->output);
    } else {
      setup(draft);
    }
  };
  auto sink = [draft](std::uint32_t, std::string_view piece) {
    draft->output.append(piece);
    keep_end(draft->output, kMaxSetupOutput);
    return true;
  };
  run_in(draft->sandbox, probe, std::move(sink), std::move(ended));
}

void BwrapBackend::setup(std::shared_ptr<Draft> draft) {
  const std::string& command = draft->sandbox->plan.setup_command;
  if (command.empty()) return finish(*draft);
  ExecRequest request;
  request.argv = {"sh", "-lc", command};
  auto timer = std::make_shared<std::uint64_t>(0);
  auto ended = [this, draft, timer](Outcome<int> code) {
    loop_.disarm(*timer);
    if (code.has_error()) return draft->done.error(code.error().code, code.error().message);
    if (*code == 0) return finish(*draft);
    draft->done.error(OC_FAILED_PRECONDITION,
                      "agents.defaults.sandbox.docker.setupCommand " +
                          (draft->late ? std::string("was killed: the time limit passed")
                                       : "failed with exit code " + std::to_string(*code)) +
                          "; the sandbox was removed again. Its output ends with:\n" +
                          draft->output);
  };
  auto sink = [draft](std::uint32_t, std::string_view piece) {
    draft->output.append(piece);
    keep_end(draft->output, kMaxSetupOutput);
    return true;
  };
  std::uint64_t number = run_in(draft->sandbox, request, std::move(sink), std::move(ended));
  if (!running_.count(number)) return;  // it could not even start
  *timer = loop_.after(draft->timeout_ms, [this, draft, number] {
    auto found = running_.find(number);
    if (found == running_.end()) return;
    draft->late = true;
    auto run = found->second.run;
    run->signal(9);
  });
}

void BwrapBackend::finish(Draft& draft) {
  if (stopped_) return draft.done.error(OC_CANCELLED, "the gateway is stopping");
  tell_limits(*draft.sandbox);
  json::object runtime = described(*draft.sandbox);
  runtime["workdir"] = draft.sandbox->plan.workdir;
  runtime["created"] = true;
  runtime["stale"] = false;
  sandboxes_[draft.sandbox->plan.name] = draft.sandbox;
  std::string answer = json::serialize(runtime);
  draft.done.ok(answer);
}

void BwrapBackend::tell_limits(const Sandbox& sandbox) {
  std::string kind = sandbox.cgroup ? "cgroup" : "rlimit";
  if (!told_.insert(kind).second) return;
  if (sandbox.cgroup) {
    log().info(
        "sandbox-bwrap: memory, processes and processor time of a sandbox are limited by a "
        "control group");
  } else {
    log().warn(
        "sandbox-bwrap: this host gives the gateway no control groups of its own, so limits "
        "hold for each process (memory) and each command (processes), not for a sandbox as "
        "a whole, and processor time is not limited");
  }
}

// Its commands are killed; what it holds goes with the last of them.
void BwrapBackend::retire(SandboxPtr sandbox, std::vector<Completion> waiting) {
  std::vector<std::shared_ptr<CommandRun>> runs;  // those that have not started end inside signal()
  for (auto& [number, entry] : running_) {
    if (entry.sandbox == sandbox) runs.push_back(entry.run);
  }
  // The removals hold it from here on, and nobody else: who waits is answered when it is gone.
  removals_.push_back({std::move(sandbox), std::move(waiting)});
  for (auto& run : runs) run->signal(9);
  settle_removals();
}

void BwrapBackend::settle_removals() {
  for (auto at = removals_.begin(); at != removals_.end();) {
    bool used = std::any_of(running_.begin(), running_.end(),
                            [&](const auto& entry) { return entry.second.sandbox == at->sandbox; });
    if (used) {
      ++at;
      continue;
    }
    at->sandbox = nullptr;  // before the answer: its control group is gone then
    for (auto& done : at->waiting) done.ok();
    at = removals_.erase(at);
  }
  if (!running_.empty() || !removals_.empty()) return;
  for (auto& done : std::exchange(stopping_, {})) done.ok();
}

// ---- commands

CommandRun* BwrapBackend::run_of(oc_op op) {
  auto number = by_op_.find(op);
  auto found = number == by_op_.end() ? running_.end() : running_.find(number->second);
  return found == running_.end() ? nullptr : found->second.run.get();
}

void BwrapBackend::exec_now(Completion done, const std::string& id, const std::string& exec_json) {
  auto found = sandboxes_.find(id);
  if (found == sandboxes_.end())
    return done.error(OC_NOT_FOUND, "the sandbox " + id + " is not there any more");
  auto request = read_exec_request(exec_json);
  if (request.has_error()) return done.error(request.error().code, request.error().message);
  oc_op op = done.op();
  // Nobody listens any more: the rest is thrown away, the command is not held up by it.
  CommandRun::Sink sink = [this, op](std::uint32_t kind, std::string_view piece) {
    return progress(op, kind, piece) != OC_WOULD_BLOCK;
  };
  auto held = std::make_shared<Completion>(std::move(done));
  auto ended = [this, op, held, id](Outcome<int> code) {
    by_op_.erase(op);
    // Something of it was taken away from outside: the next `ensure` makes it anew.
    if (code.has_error() && code.error().code == OC_NOT_FOUND) sandboxes_.erase(id);
    if (code.has_error()) return held->error(code.error().code, code.error().message);
    std::string answer = "{\"exitCode\":" + std::to_string(*code) + "}";
    held->ok(answer);
  };
  by_op_[op] = last_run_ + 1;
  run_in(found->second, *request, std::move(sink), std::move(ended));
}

std::uint64_t BwrapBackend::run_in(const SandboxPtr& sandbox, const ExecRequest& request,
                                   CommandRun::Sink sink, CommandRun::Ended ended) {
  LaunchPlan plan;
  plan.program = program_;
  plan.arguments = sandbox->arguments;
  for (auto& word : command_arguments(sandbox->plan, request))
    plan.arguments.push_back(std::move(word));
  plan.command = request.argv;
  plan.seccomp = seccomp_;
  plan.room = &sandbox->room;
  if (sandbox->cgroup) plan.cgroup_doors = sandbox->cgroup->doors();
  plan.identity = sandbox->plan.identity;
  plan.tty = request.tty;
  plan.input = request.input;
  std::optional<RlimitPlan> processes;
  for (const auto& limit : sandbox->plan.rlimits) {
    if (limit.resource == RLIMIT_NPROC)
      processes = limit;
    else
      plan.rlimits.push_back(limit);
  }
  const Limits& limits = sandbox->plan.limits;
  if (!sandbox->cgroup && limits.memory_bytes > 0) {
    auto bytes = static_cast<rlim_t>(limits.memory_bytes);
    // Not the address space: language runtimes reserve far more of that than they use.
    plan.rlimits.push_back({RLIMIT_DATA, {bytes, bytes}});
  }
  if (!sandbox->cgroup && limits.pids > 0) {
    auto count = static_cast<rlim_t>(limits.pids);
    if (!processes || processes->value.rlim_max > count)
      processes = RlimitPlan{RLIMIT_NPROC, {count, count}};
  }
  std::uint64_t number = ++last_run_;
  auto run = std::make_shared<CommandRun>(loop_, std::move(sink));
  running_.emplace(number, Running{run, sandbox});
  run->start(plan, processes, [this, number, ended = std::move(ended)](Outcome<int> code) {
    auto kept = running_.extract(number);  // alive until this returns
    ended(std::move(code));
    kept = {};
    settle_removals();
  });
  return number;
}

}  // namespace openclaw::bwrap
