#include "create_body.h"

#include <cmath>

#include "init/protocol.h"
#include "spec_reader.h"

namespace openclaw::docker {

namespace {

// The engine's own defaults for tmpfs, and a bound: what lies in it counts as memory of the
// sandbox.
constexpr const char* kTmpfsOptions = "rw,noexec,nosuid,nodev,size=512m,mode=1777";

json::object labels_of(const json::object& spec, const CreateContext& context) {
  json::object out = {{kLabelSandbox, "1"},
                      {kLabelSession, text_of(spec, "scopeKey")},
                      {kLabelAgent, text_of(spec, "agentId")},
                      {kLabelCreated, std::to_string(context.created_at_ms)},
                      {kLabelHash, text_of(spec, "configHash")},
                      {kLabelGateway, text_of(spec, "gatewayId")}};
  if (flag_of(spec, "spare")) out[kLabelSpare] = "1";
  if (!context.init_program.empty()) out[kLabelInit] = std::to_string(sandbox_init::kVersion);
  return out;
}

json::array environment_of(const json::object& spec) {
  json::array out;
  for (const auto& [name, value] : object_of(spec, "env")) {
    // The image's own PATH must stay usable: a PATH of the configuration goes in front of it per
    // command.
    if (name == "PATH" || !value.is_string()) continue;
    out.emplace_back(std::string(name) + "=" + std::string(value.get_string()));
  }
  return out;
}

json::object tmpfs_of(const json::object& spec) {
  json::object out;
  for (const auto& item : list_of(spec, "tmpfs")) {
    if (!item.is_string()) continue;
    std::string entry(item.get_string());
    auto colon = entry.find(':');
    std::string options = colon == std::string::npos ? kTmpfsOptions : entry.substr(colon + 1);
    out[entry.substr(0, colon)] = options;
  }
  return out;
}

json::object bind_mount(const std::string& source, const std::string& target, bool read_only) {
  return {{"Type", "bind"},
          {"Source", source},
          {"Target", target},
          {"ReadOnly", read_only},
          {"BindOptions", {{"Propagation", "rprivate"}}}};
}

// Those of the spec in its order, then our init.
json::array mounts_of(const json::object& spec, const CreateContext& context) {
  json::array out;
  for (const auto& item : list_of(spec, "mounts")) {
    const json::object* mount = item.if_object();
    if (!mount) continue;
    out.push_back(bind_mount(text_of(*mount, "source"), text_of(*mount, "target"),
                             flag_of(*mount, "readOnly", true)));
  }
  if (!context.init_program.empty())
    out.push_back(bind_mount(context.init_program, kInitTarget, true));
  return out;
}

json::array security_of(const json::object& spec, const CreateContext& context) {
  json::array out = {"no-new-privileges"};
  if (!context.seccomp_text.empty()) out.emplace_back("seccomp=" + context.seccomp_text);
  std::string apparmor = text_of(spec, "apparmorProfile");
  if (!apparmor.empty()) out.emplace_back("apparmor=" + apparmor);
  return out;
}

void put_limits(json::object& host, const json::object& spec) {
  auto whole = [&](const char* from, const char* to, double factor) {
    double number = number_of(spec, from);
    if (number > 0 && number < 9e15 / factor)
      host[to] = static_cast<std::int64_t>(std::llround(number * factor));
  };
  whole("pidsLimit", "PidsLimit", 1);
  whole("memoryBytes", "Memory", 1);
  whole("memorySwapBytes", "MemorySwap", 1);
  whole("cpus", "NanoCpus", 1e9);
  json::array limits;
  for (const auto& item : list_of(spec, "ulimits")) {
    const json::object* limit = item.if_object();
    if (!limit) continue;
    limits.push_back({{"Name", text_of(*limit, "name")},
                      {"Soft", static_cast<std::int64_t>(number_of(*limit, "soft"))},
                      {"Hard", static_cast<std::int64_t>(number_of(*limit, "hard"))}});
  }
  host["Ulimits"] = std::move(limits);
}

}  // namespace

json::object create_body(const json::object& spec, const CreateContext& context) {
  json::object host;
  host["NetworkMode"] = text_of(spec, "network").empty() ? "none" : text_of(spec, "network");
  host["ReadonlyRootfs"] = flag_of(spec, "readOnlyRoot", true);
  host["CapDrop"] =
      list_of(spec, "capDrop").empty() ? json::array{"ALL"} : list_of(spec, "capDrop");
  host["SecurityOpt"] = security_of(spec, context);
  bool own_init = !context.init_program.empty();
  host["Init"] = !own_init;
  host["Tmpfs"] = tmpfs_of(spec);
  host["Mounts"] = mounts_of(spec, context);
  put_limits(host, spec);
  if (std::string runtime = text_of(spec, "runtime"); !runtime.empty()) host["Runtime"] = runtime;
  host["IpcMode"] = "private";
  host["RestartPolicy"] = json::object{{"Name", "no"}};
  // Nothing reads the log of a process that only waits; commands answer over their own streams.
  host["LogConfig"] = json::object{{"Type", "none"}};
  if (!list_of(spec, "dns").empty()) host["Dns"] = list_of(spec, "dns");
  if (!list_of(spec, "extraHosts").empty()) host["ExtraHosts"] = list_of(spec, "extraHosts");

  json::object body;
  body["Image"] = text_of(spec, "image");
  body["Entrypoint"] = json::array{own_init ? kInitTarget : "sleep"};
  body["Cmd"] = own_init ? json::array{} : json::array{"infinity"};
  if (own_init) body["OpenStdin"] = true;
  body["WorkingDir"] = text_of(spec, "workdir");
  if (std::string user = text_of(spec, "user"); !user.empty()) body["User"] = user;
  body["Env"] = environment_of(spec);
  body["Labels"] = labels_of(spec, context);
  body["HostConfig"] = std::move(host);
  return body;
}

}  // namespace openclaw::docker
