#include "sandbox/settings.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cmath>

namespace openclaw::sandbox {

namespace {

const json::object& defaults() {
  static const json::object table = {
      {"mode", "off"},
      {"scope", "agent"},
      {"workspaceAccess", "none"},
      {"workspaceRoot", nullptr},
      {"backend", "docker"},
      {"docker.image", "openclaw-sandbox:bookworm-slim"},
      {"docker.containerPrefix", "openclaw-sbx-"},
      {"docker.workdir", "/workspace"},
      {"docker.readOnlyRoot", true},
      {"docker.tmpfs", json::array{"/tmp", "/var/tmp", "/run"}},
      {"docker.network", "none"},
      {"docker.user", nullptr},
      {"docker.capDrop", json::array{"ALL"}},
      {"docker.execHelper", true},
      {"docker.env", json::object{{"LANG", "C.UTF-8"}}},
      {"docker.setupCommand", nullptr},
      {"docker.pidsLimit", 256},
      {"docker.memory", "1g"},
      {"docker.memorySwap", "2g"},
      {"docker.cpus", 1},
      {"docker.ulimits",
       // No nproc: the kernel counts it over all processes of that user on the host, so a desktop
       // would leave nothing for the sandbox. pidsLimit bounds the container alone.
       json::object{{"nofile", json::object{{"soft", 1024}, {"hard", 2048}}}}},
      {"docker.seccompProfile", nullptr},
      {"docker.apparmorProfile", nullptr},
      {"docker.runtime", nullptr},
      {"docker.dns", json::array{}},
      {"docker.extraHosts", json::array{}},
      {"docker.binds", json::array{}},
      {"docker.dangerouslyAllowReservedContainerTargets", false},
      {"docker.dangerouslyAllowExternalBindSources", false},
      {"docker.dangerouslyAllowContainerNamespaceJoin", false},
      {"browser.enabled", false},
      {"browser.image", "openclaw-sandbox-browser:bookworm-slim"},
      {"browser.containerPrefix", "openclaw-sbx-browser-"},
      {"browser.network", "openclaw-sandbox-browser"},
      {"browser.cdpPort", 9222},
      {"browser.cdpSourceRange", nullptr},
      {"browser.vncPort", 5900},
      {"browser.noVncPort", 6080},
      {"browser.headless", false},
      {"browser.enableNoVnc", true},
      {"browser.noVncEnabled", nullptr},
      {"browser.allowHostControl", false},
      {"browser.autoStart", true},
      {"browser.autoStartTimeoutMs", 12000},
      {"browser.binds", json::array{}},
      {"pool.enabled", false},
      {"pool.size", 1},
      {"prune.idleHours", 24},
      {"prune.maxAgeDays", 7},
  };
  return table;
}

const json::object* child(const json::object* parent, std::string_view key) {
  if (!parent) return nullptr;
  const json::value* found = parent->if_contains(key);
  return found ? found->if_object() : nullptr;
}

// "docker.memory" inside a sandbox section.
const json::value* lookup(const json::object* section, std::string_view key) {
  auto dot = key.find('.');
  if (dot != std::string_view::npos) {
    section = child(section, key.substr(0, dot));
    key = key.substr(dot + 1);
  }
  return section ? section->if_contains(key) : nullptr;
}

std::string lowered(std::string_view text) {
  std::string out;
  for (char c : text) {
    if (!std::isspace(static_cast<unsigned char>(c))) {
      out += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    }
  }
  return out;
}

// Keys of objects are merged (env, ulimits), lists of binds are joined, the rest is replaced.
void apply(Setting& setting, std::string_view key, const json::value& value, std::string source) {
  bool merges = key == "docker.ulimits" || (key == "docker.env" && setting.source != "default");
  if (merges && setting.value.is_object() && value.is_object()) {
    for (const auto& [name, item] : value.get_object()) {
      setting.value.get_object()[name] = item;
    }
  } else if (key.ends_with(".binds") && setting.value.is_array() && value.is_array()) {
    for (const auto& item : value.get_array()) setting.value.get_array().push_back(item);
  } else {
    setting.value = value;
  }
  setting.source = std::move(source);
}

void add_issue(std::vector<config::Issue>& issues, const Settings& settings, std::string_view key,
               std::string message) {
  const std::string& source = settings.at(key).source;
  std::string path = source == "default" ? "agents.defaults.sandbox." + std::string(key) : source;
  issues.push_back({std::move(path), std::move(message), {}});
}

void check_choice(std::vector<config::Issue>& issues, const Settings& settings,
                  std::string_view key, std::initializer_list<std::string_view> choices) {
  std::string value = settings.text(key);
  if (std::find(choices.begin(), choices.end(), value) != choices.end()) return;
  std::string list;
  for (auto choice : choices) list += (list.empty() ? "\"" : ", \"") + std::string(choice) + "\"";
  add_issue(issues, settings, key, "must be one of " + list + ", not \"" + value + "\"");
}

void check_network(std::vector<config::Issue>& issues, const Settings& settings) {
  std::string network = lowered(settings.text("docker.network"));
  if (network == "host") {
    add_issue(issues, settings, "docker.network",
              "network \"host\" gives the sandbox the host's network and is never allowed; use "
              "\"none\" or \"bridge\"");
  } else if (network.starts_with("container:") &&
             !settings.flag("docker.dangerouslyAllowContainerNamespaceJoin")) {
    add_issue(issues, settings, "docker.network",
              "network \"container:...\" joins another container's network; it needs "
              "agents.defaults.sandbox.docker.dangerouslyAllowContainerNamespaceJoin = true");
  }
}

void check_binds(std::vector<config::Issue>& issues, const Settings& settings) {
  for (std::string_view key : {"docker.binds", "browser.binds"}) {
    const json::array* binds = settings.at(key).value.if_array();
    if (!binds) continue;
    for (const auto& bind : *binds) {
      std::string text = bind.is_string() ? std::string(bind.get_string()) : std::string();
      if (text.empty() || text.front() != '/' || text.find(":/") == std::string::npos) {
        add_issue(issues, settings, key,
                  "bind \"" + text + "\" must be \"/host/path:/container/path[:ro]\"");
      }
    }
  }
}

void check_limits(std::vector<config::Issue>& issues, const Settings& settings) {
  for (std::string_view key : {"docker.memory", "docker.memorySwap"}) {
    auto size = parse_size(settings.at(key).value, key);
    if (size.has_error()) add_issue(issues, settings, key, size.error().message);
  }
  const json::array* caps = settings.at("docker.capDrop").value.if_array();
  if (!caps || caps->empty()) {
    add_issue(issues, settings, "docker.capDrop",
              "must name the capabilities to drop; the default is [\"ALL\"]");
  }
}

}  // namespace

AgentEntry find_agent(const json::object& root, std::string_view agent_id) {
  const json::object* agents = child(&root, "agents");
  const json::value* list = agents ? agents->if_contains("list") : nullptr;
  if (!list || !list->is_array()) return {};
  const auto& entries = list->get_array();
  for (std::size_t i = 0; i < entries.size(); ++i) {
    const json::object* entry = entries[i].if_object();
    const json::value* id = entry ? entry->if_contains("id") : nullptr;
    if (id && id->is_string() && lowered(id->get_string()) == lowered(agent_id)) return {entry, i};
  }
  return {};
}

std::string default_agent_id(const json::object& root) {
  const json::object* agents = child(&root, "agents");
  const json::value* list = agents ? agents->if_contains("list") : nullptr;
  std::string first;
  if (list && list->is_array()) {
    for (const auto& item : list->get_array()) {
      const json::object* entry = item.if_object();
      const json::value* id = entry ? entry->if_contains("id") : nullptr;
      if (!id || !id->is_string()) continue;
      const json::value* chosen = entry->if_contains("default");
      if (chosen && chosen->is_bool() && chosen->get_bool()) return lowered(id->get_string());
      if (first.empty()) first = lowered(id->get_string());
    }
  }
  return first.empty() ? "main" : first;
}

Settings Settings::merge(const json::object& root, std::string_view agent_id) {
  const json::object* global = child(child(child(&root, "agents"), "defaults"), "sandbox");
  AgentEntry agent = find_agent(root, agent_id);
  const json::object* own = child(agent.object, "sandbox");
  std::string own_prefix = "agents.list[" + std::to_string(agent.index) + "].sandbox.";
  Settings out;
  bool shared = false;
  // Scope comes before the docker, browser and prune keys in the table: it decides about them.
  for (const auto& [name, fallback] : defaults()) {
    std::string key(name);
    Setting setting{fallback, "default"};
    if (const json::value* value = lookup(global, key)) {
      apply(setting, key, *value, "agents.defaults.sandbox." + key);
    }
    if (const json::value* value = lookup(own, key)) {
      if (shared && key.find('.') != std::string::npos) {
        out.ignored_.push_back(own_prefix + key);
      } else {
        apply(setting, key, *value, own_prefix + key);
      }
    }
    if (key == "scope")
      shared = setting.value.is_string() && setting.value.get_string() == "shared";
    out.settings_.emplace_back(std::move(key), std::move(setting));
  }
  return out;
}

const Setting& Settings::at(std::string_view key) const {
  static const Setting none{nullptr, "default"};
  for (const auto& [name, setting] : settings_) {
    if (name == key) return setting;
  }
  return none;
}

std::string Settings::text(std::string_view key) const {
  const json::value& value = at(key).value;
  return value.is_string() ? std::string(value.get_string()) : std::string();
}

bool Settings::flag(std::string_view key) const {
  const json::value& value = at(key).value;
  return value.is_bool() && value.get_bool();
}

std::vector<std::string> open_walls(const Settings& settings) {
  std::vector<std::string> out;
  for (const auto& [key, setting] : settings.all()) {
    bool is_wall = key.find(".dangerously") != std::string::npos;
    if (is_wall && settings.flag(key)) out.push_back(setting.source);
  }
  return out;
}

Result<std::int64_t> parse_size(const json::value& written, std::string_view key) {
  if (written.is_null()) return 0;
  std::string text = written.is_string() ? lowered(written.get_string()) : json::serialize(written);
  double number = 0;
  auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), number);
  std::string_view unit(end, static_cast<std::size_t>(text.data() + text.size() - end));
  if (unit.ends_with("ib"))
    unit.remove_suffix(2);
  else if (unit.size() > 1 && unit.ends_with('b'))
    unit.remove_suffix(1);
  double factor = unit.empty() || unit == "b" ? 1
                  : unit == "k"               ? 1024.0
                  : unit == "m"               ? 1048576.0
                  : unit == "g"               ? 1073741824.0
                  : unit == "t"               ? 1099511627776.0
                                              : 0;
  double bytes = number * factor;
  if (failure != std::errc() || factor == 0 || !(bytes >= 0) || bytes > 9e15) {
    return make_error(Code::kInvalidArgument,
                      std::string(key) + " must be a size such as \"512m\" or \"1g\", not " +
                          json::serialize(written));
  }
  return static_cast<std::int64_t>(bytes);
}

std::vector<config::Issue> check_settings(const Settings& settings) {
  std::vector<config::Issue> issues;
  check_choice(issues, settings, "mode", {"off", "non-main", "all"});
  check_choice(issues, settings, "scope", {"session", "agent", "shared"});
  check_choice(issues, settings, "workspaceAccess", {"none", "ro", "rw"});
  check_network(issues, settings);
  for (std::string_view key : {"docker.seccompProfile", "docker.apparmorProfile"}) {
    if (lowered(settings.text(key)) == "unconfined") {
      add_issue(issues, settings, key,
                "\"unconfined\" removes a wall of the sandbox and is never allowed; leave the key "
                "out for the engine's default");
    }
  }
  if (!settings.text("docker.workdir").starts_with('/')) {
    add_issue(issues, settings, "docker.workdir", "must be an absolute path");
  }
  check_binds(issues, settings);
  check_limits(issues, settings);
  return issues;
}

std::vector<std::string> agents_with_settings(const json::object& root) {
  std::vector<std::string> agents = {default_agent_id(root)};
  const json::object* section = child(&root, "agents");
  const json::value* list = section ? section->if_contains("list") : nullptr;
  if (!list || !list->is_array()) return agents;
  for (const auto& item : list->get_array()) {
    const json::object* entry = item.if_object();
    const json::value* id = entry ? entry->if_contains("id") : nullptr;
    if (id && id->is_string()) agents.emplace_back(id->get_string());
  }
  return agents;
}

bool any_sandboxed(const json::object& root) {
  std::vector<std::string> agents = agents_with_settings(root);
  return std::any_of(agents.begin(), agents.end(), [&](const std::string& agent) {
    return Settings::merge(root, agent).text("mode") != "off";
  });
}

std::vector<std::string> backends_in_use(const json::object& root) {
  std::vector<std::string> out;
  for (const auto& agent : agents_with_settings(root)) {
    Settings settings = Settings::merge(root, agent);
    std::string backend = settings.text("backend");
    if (settings.text("mode") == "off" || std::find(out.begin(), out.end(), backend) != out.end())
      continue;
    out.push_back(std::move(backend));
  }
  if (out.empty()) out.push_back(Settings::merge(root, "").text("backend"));
  return out;
}

std::vector<config::Issue> check_config(const config::Config& config) {
  std::vector<config::Issue> issues;
  for (const auto& agent : agents_with_settings(config.root())) {
    for (auto& issue : check_settings(Settings::merge(config.root(), agent))) {
      bool known = std::any_of(issues.begin(), issues.end(), [&](const config::Issue& other) {
        return other.path == issue.path && other.message == issue.message;
      });
      if (known) continue;
      issue.origin = config.origin(issue.path);
      issues.push_back(std::move(issue));
    }
  }
  return issues;
}

}  // namespace openclaw::sandbox
