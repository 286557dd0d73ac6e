#include "browser_body.h"

#include <algorithm>
#include <cctype>

#include "browser_seccomp.h"
#include "spec_reader.h"

namespace openclaw::docker {

namespace {

constexpr std::size_t kMaxPorts = 2;  // DevTools and the page to watch
constexpr const char* kLoopback = "127.0.0.1";

json::array one_loopback_port() {
  // No number: the engine picks one that is free.
  return json::array{json::object{{"HostIp", kLoopback}, {"HostPort", ""}}};
}

// "9222/tcp"; what is no port number becomes a name that the check refuses.
std::string port_name(const json::value& port) {
  return json::serialize(port) + "/tcp";
}

bool is_port_name(std::string_view name) {
  if (!name.ends_with("/tcp")) return false;
  std::string_view digits = name.substr(0, name.size() - 4);
  bool plain = !digits.empty() && digits.size() <= 5 && digits.front() != '0' &&
               std::all_of(digits.begin(), digits.end(),
                           [](unsigned char c) { return std::isdigit(c) != 0; });
  return plain && std::stoi(std::string(digits)) <= 65535;
}

std::string ports_problem(const json::object& body, const json::object& host) {
  const json::object& bindings = object_of(host, "PortBindings");
  const json::object& exposed = object_of(body, "ExposedPorts");
  if (bindings.size() > kMaxPorts) return "HostConfig.PortBindings: too many ports";
  if (bindings.size() != exposed.size()) return "ExposedPorts must be those of PortBindings";
  for (const auto& [name, where] : bindings) {
    if (!is_port_name(name)) {
      return "agents.defaults.sandbox.browser.cdpPort, noVncPort: \"" + std::string(name) +
             "\" is no TCP port";
    }
    if (where != json::value(one_loopback_port())) {
      return "HostConfig.PortBindings: " + std::string(name) + " may be published on " + kLoopback +
             " only, on a port that the engine picks";
    }
    const json::value* open = member(exposed, name);
    if (!open || !open->is_object() || !open->get_object().empty())
      return "ExposedPorts must be those of PortBindings";
  }
  return {};
}

bool is_root(std::string_view user) {
  std::string_view name = user.substr(0, user.find(':'));
  bool zero = std::all_of(name.begin(), name.end(), [](char c) { return c == '0'; });
  return name.empty() || zero || name == "root";
}

std::string browser_problem(const json::object& body) {
  const json::object& host = object_of(body, "HostConfig");
  if (text_of(object_of(body, "Labels"), kLabelBrowser) != "1")
    return std::string("the label ") + kLabelBrowser + " is missing";
  for (const char* key : {"Entrypoint", "Cmd", "OpenStdin"}) {
    if (member(body, key)) return std::string(key) + " of a browser is its image's";
  }
  std::string network = text_of(host, "NetworkMode");
  if (network == "none" || network == "default") {
    return "agents.defaults.sandbox.browser.network: nothing is published from \"" + network +
           "\"; name a network, it is made when it does not exist";
  }
  // Allowed with its break-glass key for tools; ports can not be published there.
  if (network.starts_with("container:"))
    return "agents.defaults.sandbox.browser.network: \"container:...\" is never allowed";
  if (is_root(text_of(body, "User"))) return "User: a browser does not run as root";
  if (!flag_of(host, "ReadonlyRootfs")) return "HostConfig.ReadonlyRootfs must be true";
  return ports_problem(body, host);
}

}  // namespace

bool is_browser(const json::object& spec) {
  return text_of(spec, "kind") == "browser";
}

json::object browser_body(const json::object& spec, CreateContext context) {
  context.seccomp_text = browser_seccomp_profile();
  context.init_program.clear();
  json::object body = create_body(spec, context);
  body.erase("Entrypoint");
  body.erase("Cmd");
  json::object& host = body["HostConfig"].as_object();
  json::object bindings, exposed;
  for (const auto& port : list_of(spec, "ports")) {
    bindings[port_name(port)] = one_loopback_port();
    exposed[port_name(port)] = json::object{};
  }
  host["PortBindings"] = std::move(bindings);
  body["ExposedPorts"] = std::move(exposed);
  // Why it did not start can only be read there.
  host["LogConfig"] =
      json::object{{"Type", "json-file"}, {"Config", {{"max-size", "1m"}, {"max-file", "1"}}}};
  body["Labels"].as_object()[kLabelBrowser] = "1";
  return body;
}

std::string browser_body_problem(const json::object& body, const std::string& workdir,
                                 std::size_t own_mounts, const Allowances& allow) {
  std::string problem = browser_problem(body);
  if (!problem.empty()) return problem;
  json::object rest = body;
  rest.erase("ExposedPorts");
  if (json::value* host = rest.if_contains("HostConfig"); host && host->is_object())
    host->get_object().erase("PortBindings");
  return in_terms_of_browser(body_problem(rest, workdir, own_mounts, allow));
}

std::string in_terms_of_browser(std::string refusal) {
  for (const char* key : {"binds", "image", "network"}) {
    const std::string tools = std::string("agents.defaults.sandbox.docker.") + key;
    if (auto at = refusal.find(tools); at != std::string::npos)
      refusal.replace(at, tools.size(), std::string("agents.defaults.sandbox.browser.") + key);
  }
  return refusal;
}

}  // namespace openclaw::docker
