#include "sandbox/explain.h"

#include "sandbox/container_registry.h"
#include "sandbox/resolve.h"
#include "sandbox/sandbox_manager.h"
#include "sandbox/settings.h"
#include "sandbox/setup_check.h"

namespace openclaw::sandbox {

namespace {

json::array strings(const std::vector<std::string>& list) {
  json::array out;
  for (const auto& item : list) out.emplace_back(item);
  return out;
}

json::object settings_json(const config::Config& config, const Settings& settings) {
  json::object out;
  for (const auto& [key, setting] : settings.all()) {
    json::object line = {{"value", setting.value}, {"source", setting.source}};
    line["origin"] = setting.source == "default" ? "default" : config.origin(setting.source).text();
    out[key] = std::move(line);
  }
  return out;
}

json::array warnings_json(const config::Config& config, const Settings& settings,
                          const View& view) {
  json::array out;
  for (const auto& issue : check_settings(settings)) {
    out.emplace_back(issue.path + " (" + config.origin(issue.path).text() + "): " + issue.message);
  }
  if (view.scope == "shared") {
    out.emplace_back(
        "scope is shared: all agents and sessions use one container and one workspace, nothing "
        "isolates one session from another");
  }
  for (const auto& key : settings.ignored()) {
    out.emplace_back(key + " is ignored: the scope is shared, only agents.defaults.sandbox counts");
  }
  for (const auto& key : open_walls(settings)) out.emplace_back(key + " is set: a wall is down");
  const json::object* ulimits = settings.at("docker.ulimits").value.if_object();
  const json::value* nproc = ulimits ? ulimits->if_contains("nproc") : nullptr;
  if (nproc && !nproc->is_null() && *nproc != 0) {
    out.emplace_back(settings.at("docker.ulimits").source +
                     ".nproc in a container counts every process that the user has on this host, "
                     "not only those of the sandbox; docker.pidsLimit bounds the sandbox alone");
  }
  if (std::string problem = setup_problem(view.spec); !problem.empty()) out.emplace_back(problem);
  return out;
}

std::string user_rule(const Settings& settings, const View& view) {
  if (!settings.text("docker.user").empty()) return "from " + settings.at("docker.user").source;
  return "owner of the mounted workspace " + view.host_workspace.string();
}

// As it was when the container was last made ready; nothing before its first use.
void put_exec_path(json::object& out, const config::Paths& paths) {
  for (const auto& entry : ContainerRegistry::read(paths)) {
    if (out.at("container").as_string() != entry.container_name || entry.exec_path.empty())
      continue;
    out["execPath"] = entry.exec_path;
    if (!entry.exec_path_why.empty()) out["execPathWhy"] = entry.exec_path_why;
  }
}

void put_policy(json::object& out, const config::Config& config, const View& view,
                const policy::ToolPolicy& policy, std::string_view tool, policy::Caller caller) {
  auto lists = policy.sandbox_lists(view.agent_id);
  out["allow"] = strings(lists.allow);
  out["deny"] = strings(lists.deny);
  out["allowSource"] = lists.allow_source;
  out["denySource"] = lists.deny_source;
  out["allowOrigin"] = config.origin(lists.allow_source).text();
  out["denyOrigin"] = config.origin(lists.deny_source).text();
  if (lists.allow.empty()) {
    out["allowNote"] = "an empty allow list means every tool that is not denied";
  }
  if (tool.empty()) return;
  caller.agent_id = view.agent_id;
  caller.session_key = view.session_key;
  caller.sandboxed = view.sandboxed;
  std::string name = policy::normalise_tool_name(tool);
  policy::Verdict verdict = policy.decide(name, caller);
  out["tool"] = json::object{{"name", name},
                             {"allowed", verdict.allowed},
                             {"layer", policy::layer_name(verdict.layer)},
                             {"rule", verdict.rule},
                             {"key", verdict.key},
                             {"file", verdict.file},
                             {"fix", verdict.fix},
                             {"explanation", verdict.explain(name)}};
}

}  // namespace

json::object explain_json(const config::Config& config, const config::Paths& paths,
                          std::string_view agent_id, std::string_view session_key,
                          const policy::ToolPolicy* policy, std::string_view tool,
                          policy::Caller caller) {
  View view = resolve_view(config, paths, agent_id, session_key);
  Settings settings = Settings::merge(config.root(), view.agent_id);
  json::object out;
  out["agentId"] = view.agent_id;
  out["sessionKey"] = view.session_key;
  out["sandboxed"] = view.sandboxed;
  out["why"] = view.why;
  out["mode"] = view.mode;
  out["scope"] = view.scope;
  out["scopeKey"] = view.scope_key;
  out["workspaceAccess"] = view.workspace_access;
  out["backend"] = view.backend;
  out["agentWorkspace"] = view.agent_workspace.string();
  out["workspace"] = view.host_workspace.string();
  out["workdir"] = view.workdir;
  out["configHash"] = view.config_hash;
  if (view.sandboxed) {
    out["container"] = view.spec.at("name");
    put_exec_path(out, paths);
    out["user"] =
        json::object{{"value", view.spec.at("user")}, {"rule", user_rule(settings, view)}};
    out["spec"] = view.spec;
  }
  out["settings"] = settings_json(config, settings);
  out["ignored"] = strings(settings.ignored());
  out["warnings"] = warnings_json(config, settings, view);
  if (policy) put_policy(out, config, view, *policy, tool, std::move(caller));
  return out;
}

json::object container_row(const ContainerInfo& info) {
  return {{"containerName", info.name},
          {"runtimeId", info.runtime_id},
          {"backend", info.backend},
          {"sessionKey", info.session_key},
          {"image", info.image},
          {"configHash", info.config_hash},
          {"state", info.state},
          {"running", info.state == "running"},
          {"createdAtMs", info.created_at_ms},
          {"lastUsedAtMs", info.last_used_at_ms},
          {"imageMatch", info.image_matches},
          {"stale", info.stale},
          {"spare", info.spare}};
}

std::string explain_text(const json::object& explained) {
  auto text = [&](std::string_view key) {
    const json::value* value = explained.if_contains(key);
    return value && value->is_string() ? std::string(value->get_string()) : std::string();
  };
  std::string out = text("why") + "\n";
  auto line = [&](std::string_view label, const std::string& value) {
    if (!value.empty()) out += "  " + std::string(label) + ": " + value + "\n";
  };
  auto joined = [&](std::string_view key) {
    std::string list;
    const json::value* value = explained.if_contains(key);
    for (const auto& item : value && value->is_array() ? value->get_array() : json::array{}) {
      list += (list.empty() ? "" : " ") + std::string(item.get_string());
    }
    return list;
  };
  const json::value* settings = explained.if_contains("settings");
  // "openclaw.toml:3:8, agents.defaults.sandbox.mode", or "default".
  auto written_at = [](std::string_view key, std::string_view origin) {
    return key == "default" ? std::string(key) : std::string(origin) + ", " + std::string(key);
  };
  auto from = [&](std::string_view key) -> std::string {
    const json::value* item = settings ? settings->get_object().if_contains(key) : nullptr;
    if (!item) return {};
    return " (" + written_at(item->at("source").get_string(), item->at("origin").get_string()) +
           ")";
  };
  for (std::string_view key : {"agentId", "sessionKey"}) line(key, text(key));
  for (std::string_view key : {"mode", "scope", "workspaceAccess", "backend"}) {
    line(key, text(key) + from(key));
  }
  for (std::string_view key : {"workspace", "workdir", "container"}) line(key, text(key));
  line("commands run by",
       text("execPath") + (text("execPathWhy").empty() ? "" : " (" + text("execPathWhy") + ")"));
  if (const json::value* user = explained.if_contains("user")) {
    line("user", std::string(user->at("value").get_string()) + " (" +
                     std::string(user->at("rule").get_string()) + ")");
  }
  if (explained.contains("allow")) {
    std::string allow = joined("allow");
    line("sandbox tools allow", (allow.empty() ? "everything not denied" : allow) + " (" +
                                    written_at(text("allowSource"), text("allowOrigin")) + ")");
    line("sandbox tools deny",
         joined("deny") + " (" + written_at(text("denySource"), text("denyOrigin")) + ")");
  }
  for (const auto& [key, item] : settings ? settings->get_object() : json::object{}) {
    bool has_line = key == "mode" || key == "scope" || key == "workspaceAccess" || key == "backend";
    if (has_line || item.at("source").get_string() == "default") continue;
    line("set", std::string(key) + " = " + json::serialize(item.at("value")) + " by " +
                    std::string(item.at("source").get_string()) + " (" +
                    std::string(item.at("origin").get_string()) + ")");
  }
  if (const json::value* tool = explained.if_contains("tool")) {
    line("tool", std::string(tool->at("explanation").get_string()));
  }
  const json::value* warnings = explained.if_contains("warnings");
  for (const auto& item : warnings ? warnings->get_array() : json::array{}) {
    line("warning", std::string(item.get_string()));
  }
  return out;
}

}  // namespace openclaw::sandbox
