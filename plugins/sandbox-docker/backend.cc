#include "backend.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <fstream>

#include "body_check.h"
#include "create_body.h"
#include "mount_map.h"
#include "spec_reader.h"

namespace openclaw::docker {

using sandbox_rules::BindRules;
using sandbox_rules::checked_source;
using sandbox_rules::default_blocked;

namespace {

constexpr std::uint32_t kCallTimeoutMs = 30'000;
constexpr std::uint64_t kSetupTimeoutMs = 10 * 60 * 1000;
constexpr std::size_t kMaxSetupOutput = 4000;
constexpr std::size_t kMaxProfileBytes = 1024 * 1024;

void finish(Completion& done, const Failure& why) {
  done.error(why.code, why.message);
}

std::int64_t now_ms() {
  using namespace std::chrono;
  return duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
}

Outcome<std::string> profile_text(const std::string& path) {
  std::string text;
  if (path.empty()) return text;
  std::ifstream in(path, std::ios::binary);
  text.resize(kMaxProfileBytes + 1);
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(in.gcount()));
  if (text.empty() || text.size() > kMaxProfileBytes) {
    return failure(
        OC_INVALID_ARGUMENT,
        "agents.defaults.sandbox.docker.seccompProfile: cannot read a profile from " + path);
  }
  return text;
}

Failure image_missing(const std::string& image) {
  return failure(OC_FAILED_PRECONDITION, "the sandbox image " + image +
                                             " is not there. Build it: scripts/sandbox-setup.sh, "
                                             "or name another one: openclaw config set "
                                             "agents.defaults.sandbox.docker.image NAME");
}

Failure refused(const Reply& reply, const std::string& what) {
  return failure(reply.status >= 500 ? OC_UNAVAILABLE : OC_FAILED_PRECONDITION,
                 "the Docker engine could not " + what + ": " + Engine::message_of(reply));
}

std::string state_of(const json::object& container) {
  const json::value* state = member(container, "State");
  if (state && state->is_object()) return text_of(state->get_object(), "Status");
  return state && state->is_string() ? std::string(state->get_string()) : std::string();
}

const json::object& labels_of(const json::object& container) {
  const json::object& config = object_of(container, "Config");
  return config.empty() ? object_of(container, "Labels") : object_of(config, "Labels");
}

std::string name_of(const json::object& container) {
  std::string name = text_of(container, "Name");
  const json::array& names = list_of(container, "Names");
  if (name.empty() && !names.empty() && names[0].is_string())
    name = std::string(names[0].get_string());
  return name.starts_with('/') ? name.substr(1) : name;
}

}  // namespace

json::object runtime_of(const json::object& container) {
  const json::object& labels = labels_of(container);
  std::string image = text_of(object_of(container, "Config"), "Image");
  std::string created = text_of(labels, kLabelCreated);
  std::int64_t created_ms = 0;
  std::from_chars(created.data(), created.data() + created.size(), created_ms);
  return {{"runtimeId", text_of(container, "Id")},
          {"name", name_of(container)},
          {"state", state_of(container)},
          {"image", image.empty() ? text_of(container, "Image") : image},
          {"sessionKey", text_of(labels, kLabelSession)},
          {"agentId", text_of(labels, kLabelAgent)},
          {"gatewayId", text_of(labels, kLabelGateway)},
          {"configHash", text_of(labels, kLabelHash)},
          {"createdAtMs", created_ms}};
}

DockerBackend::DockerBackend(const Init& init)
    : SandboxBackendPlugin(init), engine_(*this, [&] {
        boost::system::error_code failed;
        json::value config = json::parse(
            json::string_view(init.config_json.data(), init.config_json.size()), failed);
        std::string address =
            failed || !config.is_object() ? "" : text_of(config.get_object(), "engine");
        return address.starts_with("unix:/") ? address : std::string("unix:/var/run/docker.sock");
      }()) {}

void DockerBackend::stop(Completion done) {
  if (runs_.empty()) return done.ok();
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
  auto run = std::make_shared<ExecRun>(*this, engine_, std::move(*plan), std::move(sink));
  runs_.emplace(op, run);
  run_detached(run_exec(std::move(done), std::move(run)));
}

Flow<Nothing> DockerBackend::run_exec(Completion done, std::shared_ptr<ExecRun> run) {
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
  if (runs_.empty()) {
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
  Outcome<Found> found = co_await find(name);
  if (found.has_error()) co_return found.error();
  bool stale = false;
  if (found->exists()) {
    const json::object& container = found->container;
    if (text_of(labels_of(container), kLabelSandbox) != "1") {
      co_return failure(OC_ALREADY_EXISTS,
                        "a container " + name +
                            " exists that is no sandbox of ours. Rename or remove it: docker rm " +
                            name);
    }
    std::string id = text_of(container, "Id");
    stale = text_of(labels_of(container), kLabelHash) != text_of(spec, "configHash");
    if (!stale || !flag_of(spec, "replaceStale")) {
      if (state_of(container) != "running") {
        Outcome<Nothing> started = co_await start_container(id);
        if (started.has_error()) co_return started.error();
      }
      json::object runtime = runtime_of(container);
      runtime["workdir"] = text_of(spec, "workdir");
      runtime["created"] = false;
      runtime["stale"] = stale;
      co_return runtime;
    }
    Outcome<Nothing> removed = co_await delete_container(id);
    if (removed.has_error()) co_return removed.error();
  }
  co_return co_await create_new(std::move(spec), timeout_ms);
}

// Under a name of its own until the setup command has run, so that a container by the final name is
// always a finished one, whatever was killed in between.
Flow<Outcome<json::object>> DockerBackend::create_new(json::object spec, std::uint64_t timeout_ms) {
  std::string name = text_of(spec, "name");
  std::string draft = name + ".new";
  Outcome<Nothing> cleared = co_await delete_container(draft);
  if (cleared.has_error()) co_return cleared.error();
  Outcome<json::object> body = checked_body(spec);
  if (body.has_error()) co_return body.error();
  json::array* mounts = &(*body)["HostConfig"].as_object()["Mounts"].as_array();
  Outcome<Nothing> mapped = co_await map_sources(mounts);
  if (mapped.has_error()) co_return mapped.error();
  std::string path = "/containers/create?name=" + url_encoded(draft);
  std::string text = json::serialize(*body);
  Outcome<Reply> reply = co_await engine_.call("POST", path, text, kCallTimeoutMs);
  if (reply.has_error()) co_return reply.error();
  if (reply->status == 404) {
    std::string message = Engine::message_of(*reply);
    if (message.find("mage") != std::string::npos) co_return image_missing(text_of(spec, "image"));
  }
  if (reply->status != 201 || !reply->body.is_object())
    co_return refused(*reply, "create the sandbox");
  std::string id = text_of(reply->body.get_object(), "Id");
  Outcome<Nothing> ready = co_await start_container(id);
  if (ready.has_value()) ready = co_await run_setup(id, spec, timeout_ms);
  if (ready.has_value()) {
    std::string rename = "/containers/" + url_encoded(id) + "/rename?name=" + url_encoded(name);
    Outcome<Reply> renamed = co_await engine_.call("POST", rename, "", kCallTimeoutMs);
    if (renamed.has_error())
      ready = renamed.error();
    else if (renamed->status != 204)
      ready = refused(*renamed, "name the sandbox");
  }
  if (ready.has_error()) {
    Failure why = ready.error();
    co_await delete_container(id);
    co_return why;
  }
  Outcome<Found> found = co_await find(name);
  if (found.has_error()) co_return found.error();
  json::object runtime = runtime_of(found->container);
  runtime["workdir"] = text_of(spec, "workdir");
  runtime["created"] = true;
  runtime["stale"] = false;
  co_return runtime;
}

Outcome<json::object> DockerBackend::checked_body(const json::object& spec) const {
  CreateContext context;
  context.created_at_ms = now_ms();
  Outcome<std::string> profile = profile_text(text_of(spec, "seccompProfile"));
  if (profile.has_error()) return profile.error();
  context.seccomp_text = std::move(*profile);
  json::object body = create_body(spec, context);
  const json::object& allow = object_of(spec, "allow");
  Allowances allowances;
  allowances.container_namespace_join = flag_of(allow, "containerNamespaceJoin");
  allowances.reserved_targets = flag_of(allow, "reservedTargets");
  BindRules rules;
  rules.blocked = default_blocked();
  rules.blocked.emplace_back(engine_.socket_path());
  rules.allow_external = flag_of(allow, "externalBindSources");
  for (const auto& item : list_of(spec, "protectedPaths")) {
    if (item.is_string()) rules.protected_dirs.emplace_back(std::string(item.get_string()));
  }
  for (const auto& item : list_of(spec, "bindRoots")) {
    if (item.is_string()) rules.bind_roots.emplace_back(std::string(item.get_string()));
  }
  std::size_t own = 0;
  auto& mounts = body["HostConfig"].as_object()["Mounts"].as_array();
  const json::array& wanted = list_of(spec, "mounts");
  for (std::size_t i = 0; i < mounts.size() && i < wanted.size(); ++i) {
    const json::object* mount = wanted[i].if_object();
    if (!mount) return failure(OC_INVALID_ARGUMENT, "ensure: a mount is no object");
    std::string kind = text_of(*mount, "kind");
    if (kind == "workspace" || kind == "agent") own = i + 1;
    Outcome<std::filesystem::path> source = checked_source(text_of(*mount, "source"), kind, rules);
    if (source.has_error()) return source.error();
    mounts[i].as_object()["Source"] = source->string();
  }
  std::string problem = body_problem(body, text_of(spec, "workdir"), own, allowances);
  if (!problem.empty())
    return failure(OC_PERMISSION_DENIED, "the sandbox was not created: " + problem);
  return body;
}

// A gateway in a container sees other paths than the engine does: the engine gets its own.
Flow<Outcome<Nothing>> DockerBackend::map_sources(json::array* mounts) {
  if (::access("/.dockerenv", F_OK) != 0) co_return Nothing{};
  std::array<char, 256> host{};
  ::gethostname(host.data(), host.size() - 1);
  std::string path = "/containers/" + url_encoded(host.data()) + "/json";
  Outcome<Reply> self = co_await engine_.call("GET", path, "", kCallTimeoutMs);
  if (self.has_error()) co_return self.error();
  // Not a container of this engine (another one's, or a changed host name): paths are taken as they
  // are.
  if (self->status != 200 || !self->body.is_object()) co_return Nothing{};
  co_return mapped_sources(list_of(self->body.get_object(), "Mounts"), *mounts);
}

Flow<Outcome<Nothing>> DockerBackend::run_setup(std::string container, json::object spec,
                                                std::uint64_t timeout_ms) {
  std::string command = text_of(spec, "setupCommand");
  if (command.empty()) co_return Nothing{};
  ExecPlan plan;
  plan.container = container;
  plan.argv = {"sh", "-lc", command};
  plan.user = text_of(spec, "setupUser");
  auto output = std::make_shared<std::string>();
  ExecSink sink = [output](std::uint32_t, std::string_view piece) {
    output->append(piece);
    if (output->size() > kMaxSetupOutput * 2) output->erase(0, output->size() - kMaxSetupOutput);
    return true;
  };
  auto run = std::make_shared<ExecRun>(*this, engine_, std::move(plan), std::move(sink));
  std::function<void()> late = [run] { run->signal(9); };
  std::uint64_t timer = this->timer().after(timeout_ms, std::move(late));
  Outcome<int> code = co_await run->run();
  this->timer().disarm(timer);
  if (code.has_error()) co_return code.error();
  if (*code == 0) co_return Nothing{};
  if (output->size() > kMaxSetupOutput) output->erase(0, output->size() - kMaxSetupOutput);
  co_return failure(OC_FAILED_PRECONDITION,
                    "agents.defaults.sandbox.docker.setupCommand " +
                        (run->killed() ? std::string("was killed: the time limit passed")
                                       : "failed with exit code " + std::to_string(*code)) +
                        "; the sandbox was removed again. Its output ends with:\n" + *output);
}

Flow<Outcome<DockerBackend::Found>> DockerBackend::find(std::string name) {
  std::string path = "/containers/" + url_encoded(name) + "/json";
  Outcome<Reply> reply = co_await engine_.call("GET", path, "", kCallTimeoutMs);
  if (reply.has_error()) co_return reply.error();
  Found found;
  if (reply->status == 404) co_return found;
  if (reply->status != 200 || !reply->body.is_object())
    co_return refused(*reply, "describe the container " + name);
  found.container = reply->body.get_object();
  co_return found;
}

Flow<Outcome<Nothing>> DockerBackend::start_container(std::string id) {
  std::string path = "/containers/" + url_encoded(id);
  std::string start = path + "/start";
  Outcome<Reply> reply = co_await engine_.call("POST", start, "", kCallTimeoutMs);
  if (reply.has_error()) co_return reply.error();
  if (reply->status == 204 || reply->status == 304) co_return Nothing{};
  // A paused container is "running" to start, and wants this instead.
  std::string unpause = path + "/unpause";
  Outcome<Reply> again = co_await engine_.call("POST", unpause, "", kCallTimeoutMs);
  if (again.has_value() && again->status == 204) co_return Nothing{};
  co_return refused(*reply, "start the sandbox");
}

Flow<Outcome<Nothing>> DockerBackend::delete_container(std::string id) {
  Outcome<Found> found = co_await find(id);
  if (found.has_error()) co_return found.error();
  if (!found->exists()) co_return Nothing{};
  if (text_of(labels_of(found->container), kLabelSandbox) != "1") {
    co_return failure(OC_PERMISSION_DENIED,
                      "the container " + id + " is no sandbox of ours and was left alone");
  }
  std::string path = "/containers/" + url_encoded(id) + "?force=1&v=1";
  Outcome<Reply> reply = co_await engine_.call("DELETE", path, "", kCallTimeoutMs);
  if (reply.has_error()) co_return reply.error();
  // 409: somebody else is removing it this very moment.
  bool gone = reply->status == 204 || reply->status == 404 || reply->status == 409;
  if (!gone) co_return refused(*reply, "remove the container " + id);
  co_return Nothing{};
}

void DockerBackend::describe(Completion done, std::string_view runtime_id) {
  run_detached(run_describe(std::move(done), std::string(runtime_id)));
}

Flow<Nothing> DockerBackend::run_describe(Completion done, std::string id) {
  Outcome<Found> found = co_await find(id);
  if (found.has_error()) {
    finish(done, found.error());
  } else if (!found->exists() || text_of(labels_of(found->container), kLabelSandbox) != "1") {
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
  Outcome<Nothing> removed = co_await delete_container(id);
  if (removed.has_error()) {
    finish(done, removed.error());
  } else {
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
    finish(done, refused(*reply, "list the sandboxes"));
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

}  // namespace openclaw::docker
