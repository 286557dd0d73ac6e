#include "backend.h"

#include "browser_body.h"
#include "exec_run.h"
#include "init_run.h"
#include "probe.h"
#include "spec_reader.h"

namespace openclaw::docker {

namespace {

constexpr std::uint32_t kCallTimeoutMs = 30'000;
constexpr std::uint64_t kSetupTimeoutMs = 10 * 60 * 1000;

void finish(Completion& done, const Failure& why) {
  done.error(why.code, why.message);
}

// Whether the container can be used or started as it is.
bool can_go_on(const json::object& container, const json::object& spec, bool stale) {
  std::string state = state_of(container);
  if (state == "running") return true;
  if (is_browser(spec)) return false;  // it keeps nothing but its profile, which is mounted
  if (state == "paused") return true;
  // One that has stopped is idle, so other settings replace it. The workspace of a former spare has
  // another name than the one it was mounted by.
  return !stale && !is_spare(container);
}

}  // namespace

DockerBackend::DockerBackend(const Init& init)
    : SandboxBackendPlugin(init),
      engine_(*this,
              [&] {
                boost::system::error_code failed;
                json::value config = json::parse(
                    json::string_view(init.config_json.data(), init.config_json.size()), failed);
                std::string address =
                    failed || !config.is_object() ? "" : text_of(config.get_object(), "engine");
                return address.starts_with("unix:/") ? address
                                                     : std::string("unix:/var/run/docker.sock");
              }()),
      containers_(*this, engine_) {}

void DockerBackend::stop(Completion done) {
  if (runs_.empty()) {
    containers_.close_links();
    return done.ok();
  }
  stopping_.push_back(std::move(done));
  // A copy: a run that never started ends inside signal().
  auto runs = runs_;
  for (auto& [op, run] : runs) run->signal(9);
}

void DockerBackend::cancel(oc_op op) {
  exec_signal(op, 9);
}

void DockerBackend::resume(oc_op op) {
  if (auto found = runs_.find(op); found != runs_.end()) {
    auto run = found->second;
    run->resume();
  }
}

void DockerBackend::exec_signal(oc_op exec_op, int signo) {
  if (auto found = runs_.find(exec_op); found != runs_.end()) {
    auto run = found->second;
    run->signal(signo);
  }
}

void DockerBackend::exec_input(Completion done, oc_op exec_op, std::string_view data, bool eof) {
  auto found = runs_.find(exec_op);
  if (found == runs_.end()) return done.error(OC_NOT_FOUND, "the command has ended");
  auto run = found->second;
  run->write(std::move(done), data, eof);
}

void DockerBackend::exec(Completion done, std::string_view runtime_id, std::string_view exec_json) {
  Outcome<ExecPlan> plan = read_plan(runtime_id, exec_json);
  if (plan.has_error()) return finish(done, plan.error());
  oc_op op = done.op();
  // Nobody listens any more: the rest is thrown away, the command is not held up by it.
  ExecSink sink = [this, op](std::uint32_t kind, std::string_view piece) {
    return progress(op, kind, piece) != OC_WOULD_BLOCK;
  };
  std::shared_ptr<Run> run;
  if (auto link = containers_.link(plan->container); link && InitRun::can_run(*plan)) {
    run = std::make_shared<InitRun>(*this, engine_, std::move(link), std::move(*plan),
                                    std::move(sink));
  } else {
    run = std::make_shared<ExecRun>(*this, engine_, std::move(*plan), std::move(sink));
  }
  runs_.emplace(op, run);
  run_detached(run_exec(std::move(done), std::move(run)));
}

Flow<Nothing> DockerBackend::run_exec(Completion done, std::shared_ptr<Run> run) {
  oc_op op = done.op();
  Outcome<int> code = co_await run->run();
  runs_.erase(op);
  if (code.has_value()) {
    std::string answer = "{\"exitCode\":" + std::to_string(*code) + "}";
    done.ok(answer);
  } else if (run->killed()) {
    done.error(OC_CANCELLED, code.error().message);
  } else {
    finish(done, code.error());
  }
  if (runs_.empty() && !stopping_.empty()) {
    containers_.close_links();
    for (auto& waiting : std::exchange(stopping_, {})) waiting.ok();
  }
  co_return Nothing{};
}

void DockerBackend::ensure(Completion done, std::string_view spec_json) {
  run_detached(run_ensure(std::move(done), std::string(spec_json)));
}

Flow<Nothing> DockerBackend::run_ensure(Completion done, std::string spec_json) {
  boost::system::error_code failed;
  json::value spec = json::parse(spec_json, failed);
  if (failed || !spec.is_object() || text_of(spec.get_object(), "name").empty()) {
    done.error(OC_INVALID_ARGUMENT, "ensure: the spec is no JSON object with a name");
    co_return Nothing{};
  }
  std::uint64_t timeout_ms = done.remaining_ms(kSetupTimeoutMs);
  Outcome<json::object> runtime = co_await ensured(spec.get_object(), timeout_ms);
  if (runtime.has_error()) {
    finish(done, runtime.error());
  } else {
    std::string answer = json::serialize(*runtime);
    done.ok(answer);
  }
  co_return Nothing{};
}

Flow<Outcome<json::object>> DockerBackend::ensured(json::object spec, std::uint64_t timeout_ms) {
  std::string name = text_of(spec, "name");
  Outcome<Containers::Found> found = co_await containers_.find(name);
  if (found.has_error()) co_return found.error();
  bool stale = false;
  if (found->exists()) {
    const json::object& container = found->container;
    if (!is_ours(container)) {
      co_return failure(OC_ALREADY_EXISTS,
                        "a container " + name +
                            " exists that is no sandbox of ours. Rename or remove it: docker rm " +
                            name);
    }
    std::string id = text_of(container, "Id");
    stale = !has_settings_of(container, spec);
    bool usable = can_go_on(container, spec, stale) && (!stale || !flag_of(spec, "replaceStale"));
    if (usable && state_of(container) != "running") {
      Outcome<bool> started = co_await containers_.start_again(container, spec);
      if (started.has_error()) co_return started.error();
      usable = *started;
    }
    if (usable) {
      json::object runtime = co_await containers_.with_exec_path(container, spec);
      runtime["workdir"] = text_of(spec, "workdir");
      runtime["created"] = false;
      runtime["stale"] = stale;
      if (!stale) runtime["configHash"] = text_of(spec, "configHash");
      co_return runtime;
    }
    Outcome<Nothing> removed = co_await containers_.remove(id);
    if (removed.has_error()) co_return removed.error();
  }
  std::string spare = text_of(spec, "adopt");
  if (!found->exists() && !spare.empty())
    co_return co_await containers_.adopt(spare, std::move(spec));
  co_return co_await containers_.create(std::move(spec), timeout_ms);
}

void DockerBackend::describe(Completion done, std::string_view runtime_id) {
  run_detached(run_describe(std::move(done), std::string(runtime_id)));
}

Flow<Nothing> DockerBackend::run_describe(Completion done, std::string id) {
  Outcome<Containers::Found> found = co_await containers_.find(id);
  if (found.has_error()) {
    finish(done, found.error());
  } else if (!found->exists() || !is_ours(found->container)) {
    done.error(OC_NOT_FOUND, "there is no sandbox container " + id);
  } else {
    std::string answer = json::serialize(runtime_of(found->container));
    done.ok(answer);
  }
  co_return Nothing{};
}

void DockerBackend::remove(Completion done, std::string_view runtime_id) {
  run_detached(run_remove(std::move(done), std::string(runtime_id)));
}

Flow<Nothing> DockerBackend::run_remove(Completion done, std::string id) {
  Outcome<Nothing> removed = co_await containers_.remove(id);
  if (removed.has_error()) {
    finish(done, removed.error());
  } else {
    containers_.try_init_again();
    done.ok();
  }
  co_return Nothing{};
}

void DockerBackend::list(Completion done) {
  run_detached(run_list(std::move(done)));
}

Flow<Nothing> DockerBackend::run_list(Completion done) {
  std::string filters = R"({"label":["openclaw.sandbox=1"]})";
  std::string path = "/containers/json?all=1&filters=" + url_encoded(filters);
  Outcome<Reply> reply = co_await engine_.call("GET", path, "", kCallTimeoutMs);
  if (reply.has_error()) {
    finish(done, reply.error());
    co_return Nothing{};
  }
  if (reply->status != 200 || !reply->body.is_array()) {
    finish(done, engine_refused(*reply, "list the sandboxes"));
    co_return Nothing{};
  }
  json::array runtimes;
  for (const auto& item : reply->body.get_array()) {
    if (item.is_object()) runtimes.push_back(runtime_of(item.get_object()));
  }
  std::string answer = json::serialize(json::object{{"runtimes", std::move(runtimes)}});
  done.ok(answer);
  co_return Nothing{};
}

void DockerBackend::probe(Completion done, std::string_view spec_json) {
  boost::system::error_code failed;
  json::value spec = json::parse(json::string_view(spec_json.data(), spec_json.size()), failed);
  if (failed || !spec.is_object())
    return done.error(OC_INVALID_ARGUMENT, "probe: the spec is no JSON object");
  run_detached(run_probe(std::move(done), std::move(spec.get_object())));
}

Flow<Nothing> DockerBackend::run_probe(Completion done, json::object spec) {
  json::array findings = co_await docker::probe(engine_, std::move(spec));
  std::string answer = json::serialize(json::object{{"findings", std::move(findings)}});
  done.ok(answer);
  co_return Nothing{};
}

}  // namespace openclaw::docker
