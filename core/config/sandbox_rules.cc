// Rules of the sandbox and tool sections: what would open the container, and what cannot work.
#include <algorithm>
#include <array>
#include <filesystem>
#include <regex>

#include "config/key_path.h"
#include "config/rules.h"
#include "config/tree.h"

namespace openclaw::config {

namespace {

using Problems = std::vector<RuleProblem>;

std::string without_space(std::string_view text) {
  std::string out;
  for (char c : text) {
    auto u = static_cast<unsigned char>(c);
    if (std::isspace(u) == 0 && u >= 0x20) out += static_cast<char>(std::tolower(u));
  }
  return out;
}

bool is_inside(std::string_view path, std::string_view folder) {
  if (folder == "/") return true;
  return path == folder || (path.size() > folder.size() &&
                            path.substr(0, folder.size()) == folder && path[folder.size()] == '/');
}

std::string normal_path(std::string_view path) {
  std::string out = std::filesystem::path(std::string(path)).lexically_normal().string();
  while (out.size() > 1 && out.back() == '/') out.pop_back();
  while (out.size() > 1 && out[0] == '/' && out[1] == '/') out.erase(0, 1);
  return out;
}

struct Forbidden {
  std::string_view path;
  std::string_view why;
};
constexpr std::array<Forbidden, 10> kForbidden = {{
    {"/etc", "it holds the host's accounts and settings"},
    {"/proc", "it shows and controls the host's processes"},
    {"/sys", "it controls the host's kernel"},
    {"/dev", "it holds the host's devices"},
    {"/root", "it is the home of root"},
    {"/boot", "it holds the host's kernel"},
    {"/run", "it holds the sockets of the host's services, Docker's among them"},
    {"/var/run", "it holds the sockets of the host's services, Docker's among them"},
    {"/var/lib/docker", "it holds every container of the host"},
    {"/var/lib/containerd", "it holds every container of the host"},
}};
constexpr std::array<std::string_view, 7> kPrivateHomes = {
    ".ssh", ".gnupg", ".aws", ".docker", ".kube", ".netrc", ".config/gcloud"};
// Inside the state directory only these are meant for agents.
constexpr std::array<std::string_view, 3> kSharedState = {"workspace", "sandboxes", "media"};

std::optional<std::string> refused_private(const std::string& path, const RuleContext& context) {
  if (!context.state_dir.empty()) {
    std::string state = normal_path(context.state_dir);
    if (is_inside(state, path)) return "it contains " + state + ", the gateway's keys and sessions";
    if (is_inside(path, state)) {
      std::string_view rest = std::string_view(path).substr(state.size() + 1);
      std::string first(rest.substr(0, rest.find('/')));
      bool shared = std::any_of(kSharedState.begin(), kSharedState.end(), [&](std::string_view s) {
        return first == s || first.rfind(std::string(s) + "-", 0) == 0;
      });
      if (!shared) return "it lies in " + state + ", the gateway's keys and sessions";
    }
  }
  if (context.home.empty()) return std::nullopt;
  for (std::string_view name : kPrivateHomes) {
    std::string folder = normal_path(context.home + "/" + std::string(name));
    if (is_inside(path, folder) || is_inside(folder, path)) {
      return "it exposes " + folder + ", which holds credentials";
    }
  }
  return std::nullopt;
}

class SandboxRules {
 public:
  SandboxRules(const RuleContext& context, Problems& out) : context_(context), out_(out) {}

  // `inherited` is the section that this one overrides, null for the defaults.
  void check(const json::object& sandbox, const json::object* inherited, const std::string& path) {
    json::object merged;
    const json::object* base = inherited ? object_in(*inherited, "docker") : nullptr;
    if (base) merged = *base;
    const json::object* docker = object_in(sandbox, "docker");
    if (docker) {
      for (const auto& [key, value] : *docker) merged[key] = value;
      check_docker(*docker, merged, path + ".docker");
    }
    if (const json::object* browser = object_in(sandbox, "browser")) {
      check_browser(*browser, merged, path + ".browser");
    }
    if (sandbox.contains("perSession")) {
      out_.push_back({path + ".perSession",
                      "is the old spelling of " + path +
                          ".scope; write scope = "
                          "\"session\" (true) or \"shared\" (false)",
                      true, true});
    }
  }

 private:
  void check_docker(const json::object& docker, const json::object& merged,
                    const std::string& path) {
    constexpr std::string_view kJoin = "dangerouslyAllowContainerNamespaceJoin";
    bool join = flag_in(merged, kJoin);
    // The flag may be set where the network is not: both ends are looked at.
    if (docker.contains("network") || docker.contains(kJoin)) {
      if (auto why = refused_network(text_in(merged, "network"), join)) {
        out_.push_back({path + ".network", *why});
      }
    }
    if (join) {
      out_.push_back({path + "." + std::string(kJoin),
                      "break-glass: containers may join the network of others", true, true});
    }
    for (const char* key : {"seccompProfile", "apparmorProfile"}) {
      if (without_space(text_in(docker, key)) == "unconfined") {
        out_.push_back({path + "." + key,
                        "\"unconfined\" is refused, it would switch the profile "
                        "off; name a profile or remove the key"});
      }
    }
    check_binds(docker, flag_in(merged, "dangerouslyAllowReservedContainerTargets"), path);
    if (docker.contains("setupCommand") || docker.contains("network") ||
        docker.contains("readOnlyRoot") || docker.contains("user")) {
      if (auto why = setup_conflict(merged)) {
        out_.push_back(
            {docker.contains("setupCommand") ? path + ".setupCommand" : path, *why, true});
      }
    }
  }

  void check_browser(const json::object& browser, const json::object& docker,
                     const std::string& path) {
    bool join = flag_in(docker, "dangerouslyAllowContainerNamespaceJoin");
    if (auto why = refused_network(text_in(browser, "network"), join)) {
      out_.push_back({path + ".network", *why});
    }
    std::string range = text_in(browser, "cdpSourceRange");
    if (browser.contains("cdpSourceRange") && !is_cidr(range)) {
      out_.push_back({path + ".cdpSourceRange",
                      "\"" + range + "\" is not a range of addresses like 172.21.0.1/32"});
    }
    check_binds(browser, false, path);
  }

  void check_binds(const json::object& section, bool reserved_targets, const std::string& path) {
    const json::array* binds = array_in(section, "binds");
    for (std::size_t i = 0; binds && i < binds->size(); ++i) {
      const json::string* entry = (*binds)[i].if_string();
      if (!entry) continue;
      std::string at = join_index(path + ".binds", i);
      auto spec = split_bind(*entry);
      if (!spec) {
        out_.push_back({at, "\"" + std::string(*entry) +
                                "\" is not source:target or "
                                "source:target:ro with absolute paths"});
        continue;
      }
      if (auto why = refused_bind_source(spec->source, context_)) {
        out_.push_back({at, "the source \"" + spec->source + "\" is refused: " + *why});
      }
      std::string target = normal_path(spec->target);
      if (target == "/" || (!reserved_targets && (target == "/workspace" || target == "/agent"))) {
        out_.push_back({at, "the target \"" + spec->target + "\" belongs to the sandbox itself"});
      }
    }
  }

  const RuleContext& context_;
  Problems& out_;
};

void check_policy(const json::object& policy, const std::string& path, Problems& out) {
  const json::array* allow = array_in(policy, "allow");
  const json::array* also = array_in(policy, "alsoAllow");
  if (allow && also && !allow->empty() && !also->empty()) {
    out.push_back({path + ".alsoAllow",
                   "cannot stand beside " + path +
                       ".allow; move its entries into allow, or remove allow "
                       "and use profile with alsoAllow",
                   false, true});
  }
  if (allow && allow->empty()) {
    out.push_back({path + ".allow",
                   "an empty list allows every tool, not none; remove the key to "
                   "say the same clearly, or write " +
                       path + ".deny = [\"*\"] to allow none",
                   true});
  }
}

void check_policies_in(const json::object& holder, std::string_view key, const std::string& path,
                       Problems& out) {
  const json::object* map = object_in(holder, key);
  if (!map) return;
  for (const auto& [name, policy] : *map) {
    std::string child = join_key(join_key(path, key), name);
    if (const json::object* object = policy.if_object()) check_policy(*object, child, out);
  }
}

void check_tools(const json::object& tools, const std::string& path, Problems& out) {
  check_policy(tools, path, out);
  check_policies_in(tools, "byProvider", path, out);
  check_policies_in(tools, "toolsBySender", path, out);
  for (const char* key : {"sandbox", "subagents"}) {
    const json::object* section = object_in(tools, key);
    const json::object* policy = section ? object_in(*section, "tools") : nullptr;
    if (policy) check_policy(*policy, path + "." + key + ".tools", out);
  }
}

void check_group_tools(const json::object& channel, const std::string& path, Problems& out) {
  const json::object* groups = object_in(channel, "groups");
  if (!groups) return;
  for (const auto& [name, value] : *groups) {
    const json::object* group = value.if_object();
    if (!group) continue;
    std::string child = join_key(path + ".groups", name);
    if (const json::object* tools = object_in(*group, "tools")) {
      check_policy(*tools, child + ".tools", out);
    }
    check_policies_in(*group, "toolsBySender", child, out);
  }
}

}  // namespace

std::optional<std::string> refused_network(std::string_view network, bool allow_namespace_join) {
  std::string plain = without_space(network);
  if (plain == "host") {
    return "\"host\" is refused, it would put the sandbox on the host's own network; use \"none\", "
           "\"bridge\" or a network of your own";
  }
  if (plain.rfind("container:", 0) == 0 && !allow_namespace_join) {
    return "\"container:...\" is refused, it would put the sandbox on another container's network; "
           "use \"none\" or \"bridge\", or, to accept the risk, set "
           "dangerouslyAllowContainerNamespaceJoin = true beside it";
  }
  return std::nullopt;
}

std::optional<BindSpec> split_bind(std::string_view entry) {
  std::size_t first = entry.find(':');
  if (first == std::string_view::npos || entry.find_first_of("\n\r\t") != std::string_view::npos) {
    return std::nullopt;
  }
  std::size_t second = entry.find(':', first + 1);
  BindSpec spec;
  spec.source = entry.substr(0, first);
  spec.target =
      entry.substr(first + 1, second == std::string_view::npos ? second : second - first - 1);
  if (second != std::string_view::npos) spec.options = entry.substr(second + 1);
  if (spec.source.empty() || spec.source[0] != '/') return std::nullopt;
  if (spec.target.empty() || spec.target[0] != '/') return std::nullopt;
  static constexpr std::array<std::string_view, 5> kOptions = {"", "ro", "rw", "ro,z", "rw,z"};
  bool known = std::find(kOptions.begin(), kOptions.end(), spec.options) != kOptions.end();
  if (!known) return std::nullopt;
  return spec;
}

std::optional<std::string> refused_bind_source(std::string_view source,
                                               const RuleContext& context) {
  if (source.empty() || source[0] != '/') return "it is not an absolute path";
  std::string path = normal_path(source);
  if (path == "/") return "it is the whole host";
  for (const Forbidden& forbidden : kForbidden) {
    if (is_inside(path, forbidden.path)) return std::string(forbidden.why);
    if (is_inside(forbidden.path, path)) {
      return "it contains " + std::string(forbidden.path) + ", and " + std::string(forbidden.why);
    }
  }
  std::string name = std::filesystem::path(path).filename().string();
  for (std::string_view socket : {"docker.sock", "containerd.sock", "podman.sock", "crio.sock"}) {
    if (name == socket) return "it is the socket of a container engine";
  }
  return refused_private(path, context);
}

std::optional<std::string> setup_conflict(const json::object& docker) {
  const json::value* setup = docker.if_contains("setupCommand");
  std::string command;
  if (setup && setup->is_string()) command = std::string(setup->get_string());
  if (setup && setup->is_array()) {
    for (const json::value& line : setup->get_array()) {
      if (line.is_string()) command += std::string(line.get_string()) + "\n";
    }
  }
  static const std::regex kInstalls(
      "(^|[^A-Za-z0-9_-])(apt|apt-get|aptitude|apk|dnf|yum|zypper|"
      "pacman)([^A-Za-z0-9_-]|$)");
  if (command.size() > 1024) command.resize(1024);
  if (!std::regex_search(command, kInstalls)) return std::nullopt;
  std::vector<std::string> keys;
  std::string network = docker.contains("network") ? text_in(docker, "network") : "none";
  if (without_space(network) == "none") {
    keys.emplace_back("network is \"none\" (packages are downloaded: set network = \"bridge\")");
  }
  if (flag_in(docker, "readOnlyRoot", true)) {
    keys.emplace_back(
        "readOnlyRoot is true (packages are written there: set readOnlyRoot = false)");
  }
  std::string user = text_in(docker, "user");
  if (user != "0" && user != "0:0" && user != "root" && user != "root:root") {
    keys.push_back("user is " + (user.empty() ? "the workspace's owner" : "\"" + user + "\"") +
                   " (installing needs root: set user = \"0:0\")");
  }
  if (keys.empty()) return std::nullopt;
  std::string message = "installs packages, which cannot work here: ";
  for (std::size_t i = 0; i < keys.size(); ++i) message += (i > 0 ? "; " : "") + keys[i];
  return message + ". Better: build them into an image and name it in image";
}

namespace detail {

void check_sandbox_rules(const json::object& root, const RuleContext& context, Problems& out) {
  const json::object* agents = object_in(root, "agents");
  if (!agents) return;
  SandboxRules rules(context, out);
  const json::object* defaults = object_in(*agents, "defaults");
  const json::object* inherited = defaults ? object_in(*defaults, "sandbox") : nullptr;
  if (inherited) rules.check(*inherited, nullptr, "agents.defaults.sandbox");
  const json::array* list = array_in(*agents, "list");
  for (std::size_t i = 0; list && i < list->size(); ++i) {
    const json::object* agent = (*list)[i].if_object();
    const json::object* sandbox = agent ? object_in(*agent, "sandbox") : nullptr;
    if (sandbox) rules.check(*sandbox, inherited, join_index("agents.list", i) + ".sandbox");
  }
}

void check_tool_rules(const json::object& root, Problems& out) {
  if (const json::object* tools = object_in(root, "tools")) check_tools(*tools, "tools", out);
  const json::object* agents = object_in(root, "agents");
  const json::array* list = agents ? array_in(*agents, "list") : nullptr;
  for (std::size_t i = 0; list && i < list->size(); ++i) {
    const json::object* agent = (*list)[i].if_object();
    const json::object* tools = agent ? object_in(*agent, "tools") : nullptr;
    if (tools) check_tools(*tools, join_index("agents.list", i) + ".tools", out);
  }
  const json::object* channels = object_in(root, "channels");
  if (!channels) return;
  for (const auto& [id, value] : *channels) {
    const json::object* channel = value.if_object();
    if (!channel) continue;
    std::string path = join_key("channels", id);
    check_group_tools(*channel, path, out);
    const json::object* accounts = object_in(*channel, "accounts");
    if (!accounts) continue;
    for (const auto& [name, account] : *accounts) {
      if (const json::object* object = account.if_object()) {
        check_group_tools(*object, join_key(path + ".accounts", name), out);
      }
    }
  }
}

}  // namespace detail

}  // namespace openclaw::config
