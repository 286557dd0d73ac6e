#include "containers.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "browser_body.h"
#include "browser_network.h"
#include "checked_body.h"
#include "exec_run.h"
#include "host_paths.h"
#include "image_source.h"
#include "init_program.h"
#include "spec_reader.h"

namespace openclaw::docker {

namespace {

constexpr std::uint32_t kEngineTimeoutMs = 30'000;
constexpr std::size_t kMaxSetupOutput = 4000;
constexpr const char* kBrowserStopSeconds = "5";

Failure image_missing(const json::object& spec) {
  std::string image = text_of(spec, "image");
  return failure(OC_FAILED_PRECONDITION,
                 "the sandbox image " + image + " is not there. Type: " + how_to_get(image) +
                     ", or name another one: openclaw config set agents.defaults.sandbox." +
                     (is_browser(spec) ? "browser" : "docker") + ".image NAME");
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

// Which port of the host leads to which of a running container's.
json::array published_ports(const json::object& container) {
  json::array out;
  for (const auto& [name, where] : object_of(object_of(container, "NetworkSettings"), "Ports")) {
    const json::array* bindings = where.if_array();
    const json::object* first =
        bindings && !bindings->empty() ? bindings->front().if_object() : nullptr;
    std::string text = first ? text_of(*first, "HostPort") : std::string();
    int inside = 0, host = 0;
    std::string_view port = name;
    std::from_chars(port.data(), port.data() + port.size(), inside);
    std::from_chars(text.data(), text.data() + text.size(), host);
    if (inside > 0 && host > 0) out.push_back({{"container", inside}, {"host", host}});
  }
  return out;
}

bool has_mount(const json::object& container, const std::string& source,
               const std::string& target) {
  auto is_it = [&](const json::value& item) {
    const json::object* mount = item.if_object();
    if (!mount || text_of(*mount, "Source") != source) return false;
    return text_of(*mount, "Target") == target || text_of(*mount, "Destination") == target;
  };
  // As they were asked for; Podman has only what became of them.
  const json::array& asked = list_of(object_of(container, "HostConfig"), "Mounts");
  const json::array& made = list_of(container, "Mounts");
  return std::any_of(asked.begin(), asked.end(), is_it) ||
         std::any_of(made.begin(), made.end(), is_it);
}

// What decides whether our init can run, once for all containers that agree in it.
std::string init_kind(const json::object& spec) {
  return text_of(spec, "image") + "\n" + text_of(spec, "seccompProfile") + "\n" +
         text_of(spec, "apparmorProfile") + "\n" + text_of(spec, "runtime");
}

}  // namespace

std::string state_of(const json::object& container) {
  const json::value* state = member(container, "State");
  if (state && state->is_object()) return text_of(state->get_object(), "Status");
  return state && state->is_string() ? std::string(state->get_string()) : std::string();
}

bool is_ours(const json::object& container) {
  return text_of(labels_of(container), kLabelSandbox) == "1";
}

bool is_spare(const json::object& container) {
  return text_of(labels_of(container), kLabelSpare) == "1";
}

bool is_browser_container(const json::object& container) {
  return text_of(labels_of(container), kLabelBrowser) == "1";
}

bool has_settings_of(const json::object& container, const json::object& spec) {
  bool handed_over = is_spare(container) && !flag_of(spec, "spare");
  return text_of(labels_of(container), kLabelHash) ==
         text_of(spec, handed_over ? "spareHash" : "configHash");
}

Failure engine_refused(const Reply& reply, const std::string& what) {
  return failure(reply.status >= 500 ? OC_UNAVAILABLE : OC_FAILED_PRECONDITION,
                 "the Docker engine could not " + what + ": " + Engine::message_of(reply));
}

Failure creation_refused(const Reply& reply, const json::object& spec) {
  Failure refused = engine_refused(reply, "create the sandbox");
  if (reply.status == 404 && refused.message.find("mage") != std::string::npos)
    return image_missing(spec);
  std::string runtime = text_of(spec, "runtime");
  if (!runtime.empty() && refused.message.find(runtime) != std::string::npos) {
    refused.message +=
        ". Register it with the engine (\"runtimes\" in its daemon.json), or: openclaw config "
        "unset "
        "agents.defaults.sandbox.docker.runtime";
  }
  return refused;
}

json::object runtime_of(const json::object& container) {
  const json::object& labels = labels_of(container);
  std::string image = text_of(object_of(container, "Config"), "Image");
  std::string created = text_of(labels, kLabelCreated);
  std::int64_t created_ms = 0;
  std::from_chars(created.data(), created.data() + created.size(), created_ms);
  json::object out = {{"runtimeId", text_of(container, "Id")},
                      {"name", name_of(container)},
                      {"state", state_of(container)},
                      {"image", image.empty() ? text_of(container, "Image") : image},
                      {"sessionKey", text_of(labels, kLabelSession)},
                      {"agentId", text_of(labels, kLabelAgent)},
                      {"gatewayId", text_of(labels, kLabelGateway)},
                      {"configHash", text_of(labels, kLabelHash)},
                      {"spare", is_spare(container)},
                      {"createdAtMs", created_ms}};
  if (is_browser_container(container)) {
    out["kind"] = "browser";
    out["ports"] = published_ports(container);
  }
  return out;
}

std::shared_ptr<InitLink> Containers::link(const std::string& id) const {
  auto found = links_.find(id);
  return found == links_.end() ? nullptr : found->second;
}

void Containers::close_links() {
  for (auto& [id, link] : std::exchange(links_, {})) link->close();
}

std::string Containers::why_no_init(const json::object& spec) const {
  if (!flag_of(spec, "execHelper", true))
    return "agents.defaults.sandbox.docker.execHelper is false";
  auto found = no_init_.find(init_kind(spec));
  return found == no_init_.end() ? std::string() : found->second;
}

void Containers::forget(const std::string& id) {
  auto found = links_.find(id);
  if (found == links_.end()) return;
  found->second->close();
  links_.erase(found);
}

Flow<json::object> Containers::with_exec_path(json::object container, json::object spec) {
  json::object runtime = runtime_of(container);
  if (is_browser(spec)) co_return runtime;  // no commands get in
  std::string id = text_of(container, "Id");
  std::string label = text_of(object_of(object_of(container, "Config"), "Labels"), kLabelInit);
  std::string why = why_no_init(spec);
  if (why.empty()) why = "it was made without openclaw-sandbox-init";
  if (label == std::to_string(sandbox_init::kVersion)) {
    std::shared_ptr<InitLink>& link = links_[id];
    if (!link) link = std::make_shared<InitLink>(plugin_, engine_, id);
    std::shared_ptr<InitLink> tried = link;
    Outcome<Nothing> ready = co_await tried->ready();
    if (ready.has_value()) {
      runtime["execPath"] = "init";
      co_return runtime;
    }
    why = ready.error().message;
    forget(id);
  } else if (!label.empty()) {
    why = "it was made by another version of openclaw";
  }
  runtime["execPath"] = "engine";
  runtime["execPathWhy"] = why;
  co_return runtime;
}

// Under a name of its own until the setup command has run, so that a container by the final name is
// always a finished one, whatever was killed in between.
Flow<Outcome<json::object>> Containers::create(json::object spec, std::uint64_t timeout_ms) {
  std::string name = text_of(spec, "name");
  std::string draft = name + ".new";
  bool with_init = !is_browser(spec) && why_no_init(spec).empty();
  Outcome<std::string> id = co_await create_draft(spec, draft, with_init);
  if (id.has_error() && with_init && id.error().code != OC_UNAVAILABLE) {
    Failure first = id.error();
    id = co_await create_draft(spec, draft, false);
    if (id.has_value()) {
      no_init_[init_kind(spec)] = first.message;
      plugin_.log().warn("sandbox-docker: commands take the engine's exec, which is slower: " +
                         first.message);
    }
  }
  if (id.has_error()) co_return id.error();
  Outcome<Nothing> ready = co_await run_setup(*id, spec, timeout_ms);
  if (ready.has_value()) ready = co_await rename(*id, name);
  if (ready.has_error()) {
    Failure why = ready.error();
    co_await remove(*id);
    co_return why;
  }
  Outcome<Found> found = co_await find(name);
  if (found.has_error()) co_return found.error();
  json::object runtime = co_await with_exec_path(std::move(found->container), spec);
  runtime["workdir"] = text_of(spec, "workdir");
  runtime["created"] = true;
  runtime["stale"] = false;
  co_return runtime;
}

Flow<Outcome<json::object>> Containers::adopt(std::string id, json::object spec) {
  Outcome<Found> found = co_await find(id);
  if (found.has_error()) co_return found.error();
  const json::object& container = found->container;
  bool fits = found->exists() && is_ours(container) && is_spare(container) &&
              has_settings_of(container, spec) && state_of(container) == "running" &&
              text_of(labels_of(container), kLabelGateway) == text_of(spec, "gatewayId");
  if (!fits)
    co_return failure(OC_NOT_FOUND, "the spare " + id + " is gone or not the one asked for");
  std::string name = text_of(spec, "name");
  Outcome<Nothing> renamed = co_await rename(id, name);
  if (renamed.has_error()) co_return renamed.error();
  json::object runtime = co_await with_exec_path(container, spec);
  runtime["name"] = name;
  runtime["configHash"] = text_of(spec, "configHash");
  runtime["workdir"] = text_of(spec, "workdir");
  runtime["created"] = true;
  runtime["stale"] = false;
  co_return runtime;
}

// A container that runs, with our init answering in it if it is to have one; or nothing.
Flow<Outcome<std::string>> Containers::create_draft(json::object spec, std::string name,
                                                    bool with_init) {
  Outcome<Nothing> cleared = co_await remove(name);
  if (cleared.has_error()) co_return cleared.error();
  std::string init;
  if (with_init) {
    Outcome<std::filesystem::path> program = init_program();
    if (program.has_error()) co_return program.error();
    init = program->string();
  }
  Outcome<json::object> body = checked_body(spec, init, engine_.socket_path());
  if (body.has_error()) co_return body.error();
  if (is_browser(spec)) {
    Outcome<Nothing> network = co_await ensure_browser_network(engine_, text_of(spec, "network"));
    if (network.has_error()) co_return network.error();
  }
  json::array* mounts = &(*body)["HostConfig"].as_object()["Mounts"].as_array();
  Outcome<Nothing> mapped = co_await to_host_paths(engine_, mounts);
  if (mapped.has_error()) co_return mapped.error();
  std::string path = "/containers/create?name=" + url_encoded(name);
  std::string text = json::serialize(*body);
  Outcome<Reply> reply = co_await engine_.call("POST", path, text, kEngineTimeoutMs);
  if (reply.has_error()) co_return reply.error();
  if (reply->status != 201 || !reply->body.is_object()) co_return creation_refused(*reply, spec);
  std::string id = text_of(reply->body.get_object(), "Id");
  Outcome<Nothing> ready = co_await start(id);
  if (ready.has_value() && with_init) {
    std::erase_if(links_, [](const auto& known) {
      return known.second->is_closed();
    });  // of containers that are gone
    auto link = std::make_shared<InitLink>(plugin_, engine_, id);
    links_[id] = link;
    ready = co_await link->ready();
    if (ready.has_error()) ready = failure(OC_FAILED_PRECONDITION, ready.error().message);
  }
  if (ready.has_error()) {
    Failure why = ready.error();
    co_await remove(id);
    co_return why;
  }
  co_return id;
}

Flow<Outcome<Nothing>> Containers::rename(std::string id, std::string name) {
  std::string path = "/containers/" + url_encoded(id) + "/rename?name=" + url_encoded(name);
  Outcome<Reply> renamed = co_await engine_.call("POST", path, "", kEngineTimeoutMs);
  if (renamed.has_error()) co_return renamed.error();
  if (renamed->status != 204) co_return engine_refused(*renamed, "name the sandbox");
  co_return Nothing{};
}

Flow<Outcome<Nothing>> Containers::run_setup(std::string container, json::object spec,
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
  auto run = std::make_shared<ExecRun>(plugin_, engine_, std::move(plan), std::move(sink));
  std::function<void()> late = [run] { run->signal(9); };
  std::uint64_t timer = plugin_.timer().after(timeout_ms, std::move(late));
  Outcome<int> code = co_await run->run();
  plugin_.timer().disarm(timer);
  if (code.has_error()) co_return code.error();
  if (*code == 0) co_return Nothing{};
  if (output->size() > kMaxSetupOutput) output->erase(0, output->size() - kMaxSetupOutput);
  co_return failure(OC_FAILED_PRECONDITION,
                    "agents.defaults.sandbox.docker.setupCommand " +
                        (run->killed() ? std::string("was killed: the time limit passed")
                                       : "failed with exit code " + std::to_string(*code)) +
                        "; the sandbox was removed again. Its output ends with:\n" + *output);
}

Flow<Outcome<Containers::Found>> Containers::find(std::string name) {
  std::string path = "/containers/" + url_encoded(name) + "/json";
  Outcome<Reply> reply = co_await engine_.call("GET", path, "", kEngineTimeoutMs);
  if (reply.has_error()) co_return reply.error();
  Found found;
  if (reply->status == 404) co_return found;
  if (reply->status != 200 || !reply->body.is_object())
    co_return engine_refused(*reply, "describe the container " + name);
  found.container = reply->body.get_object();
  co_return found;
}

Flow<Outcome<Nothing>> Containers::start(std::string id) {
  std::string path = "/containers/" + url_encoded(id);
  std::string start = path + "/start";
  Outcome<Reply> reply = co_await engine_.call("POST", start, "", kEngineTimeoutMs);
  if (reply.has_error()) co_return reply.error();
  if (reply->status == 204 || reply->status == 304) co_return Nothing{};
  // A paused container is "running" to start, and wants this instead.
  std::string unpause = path + "/unpause";
  Outcome<Reply> again = co_await engine_.call("POST", unpause, "", kEngineTimeoutMs);
  if (again.has_value() && again->status == 204) co_return Nothing{};
  co_return engine_refused(*reply, "start the sandbox");
}

// The engine follows the sources of the mounts anew at every start, as root, and what runs in a
// sandbox may have put a link in the place of a folder in its workspace since they were checked.
Flow<Outcome<bool>> Containers::mounts_as_checked(json::object container, json::object spec) {
  Outcome<json::object> body = checked_body(spec, "", engine_.socket_path());
  if (body.has_error()) co_return false;
  json::array* mounts = &(*body)["HostConfig"].as_object()["Mounts"].as_array();
  Outcome<Nothing> mapped = co_await to_host_paths(engine_, mounts);
  if (mapped.has_error()) co_return mapped.error();
  co_return std::all_of(mounts->begin(), mounts->end(), [&](const json::value& mount) {
    return has_mount(container, text_of(mount.get_object(), "Source"),
                     text_of(mount.get_object(), "Target"));
  });
}

Flow<Outcome<bool>> Containers::start_again(json::object container, json::object spec) {
  bool paused = state_of(container) == "paused";  // its mounts are in place
  Outcome<bool> same = true;
  if (!paused) same = co_await mounts_as_checked(container, std::move(spec));
  if (same.has_error() || !*same) co_return same;
  Outcome<Nothing> started = co_await start(text_of(container, "Id"));
  if (started.has_value()) co_return true;
  if (started.error().code == OC_DEADLINE_EXCEEDED) co_return started.error();
  plugin_.log().warn("sandbox-docker: container " + name_of(container) +
                     " is made anew: " + started.error().message);
  co_return false;
}

Flow<Outcome<Nothing>> Containers::remove(std::string id) {
  Outcome<Found> found = co_await find(id);
  if (found.has_error()) co_return found.error();
  if (!found->exists()) co_return Nothing{};
  if (!is_ours(found->container)) {
    co_return failure(OC_PERMISSION_DENIED,
                      "the container " + id + " is no sandbox of ours and was left alone");
  }
  forget(text_of(found->container, "Id"));
  if (is_browser_container(found->container) && state_of(found->container) == "running") {
    // It writes its profile when it is asked to end; that it does not is no reason to keep it.
    std::string stop = "/containers/" + url_encoded(id) + "/stop?t=" + kBrowserStopSeconds;
    co_await engine_.call("POST", stop, "", kEngineTimeoutMs);
  }
  std::string path = "/containers/" + url_encoded(id) + "?force=1&v=1";
  Outcome<Reply> reply = co_await engine_.call("DELETE", path, "", kEngineTimeoutMs);
  if (reply.has_error()) co_return reply.error();
  // 409: somebody else is removing it this very moment.
  bool gone = reply->status == 204 || reply->status == 404 || reply->status == 409;
  if (!gone) co_return engine_refused(*reply, "remove the container " + id);
  co_return Nothing{};
}

}  // namespace openclaw::docker
