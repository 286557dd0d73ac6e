#include "config/rules.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <map>

#include "config/key_path.h"
#include "config/text_pattern.h"
#include "config/tree.h"

namespace openclaw::config {

namespace {

using Problems = std::vector<RuleProblem>;

std::string lower_trimmed(std::string_view text) {
  std::string out;
  for (char c : text) {
    if (std::isspace(static_cast<unsigned char>(c)) == 0) {
      out += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    }
  }
  return out;
}

void check_bind_mode(const json::object& gateway, Problems& out) {
  std::string bind = text_in(gateway, "bind");
  std::string plain = lower_trimmed(bind);
  std::string mode;
  if (plain == "0.0.0.0" || plain == "::" || plain == "[::]" || plain == "*") mode = "lan";
  if (plain == "127.0.0.1" || plain == "localhost" || plain == "::1" || plain == "[::1]") {
    mode = "loopback";
  }
  std::string said = "\"" + bind + "\" is an address, and this key takes a mode";
  if (!mode.empty()) {
    out.push_back({"gateway.bind", said + "; write gateway.bind = \"" + mode + "\""});
  } else if (is_ip_address(plain)) {
    out.push_back({"gateway.bind", said +
                                       "; write gateway.bind = \"custom\" and "
                                       "gateway.customBindHost = \"" +
                                       plain + "\""});
  }
  std::string host = text_in(gateway, "customBindHost");
  if (plain == "custom" && host.empty()) {
    out.push_back({"gateway.bind", "\"custom\" needs the address in gateway.customBindHost"});
  }
  if (!host.empty() && !is_ip_address(host)) {
    out.push_back({"gateway.customBindHost", "\"" + host + "\" is not an IP address"});
  }
}

void check_gateway_auth(const json::object& gateway, Problems& out) {
  const json::array* proxies = array_in(gateway, "trustedProxies");
  if (proxies) {
    for (std::size_t i = 0; i < proxies->size(); ++i) {
      const json::string* text = (*proxies)[i].if_string();
      if (text && !is_cidr(*text)) {
        out.push_back({join_index("gateway.trustedProxies", i),
                       "\"" + std::string(*text) +
                           "\" is neither an address nor a range like "
                           "10.0.0.0/8"});
      }
    }
  }
  const json::object* auth = object_in(gateway, "auth");
  if (!auth) return;
  std::string mode = text_in(*auth, "mode");
  if (mode == "trusted-proxy") {
    if (!proxies || proxies->empty()) {
      out.push_back({"gateway.auth.mode",
                     "\"trusted-proxy\" needs the addresses of the proxies in "
                     "gateway.trustedProxies"});
    }
    if (!auth->contains("trustedProxy")) {
      out.push_back(
          {"gateway.auth.mode", "\"trusted-proxy\" needs gateway.auth.trustedProxy.userHeader"});
    }
  }
  std::string bind = text_in(gateway, "bind");
  if (mode == "none" && !bind.empty() && bind != "loopback") {
    out.push_back({"gateway.auth.mode",
                   "\"none\" would let everybody on the network in, because "
                   "gateway.bind is \"" +
                       bind + "\"; use \"token\", or gateway.bind = \"loopback\""});
  }
}

void check_gateway(const json::object& root, Problems& out) {
  const json::object* gateway = object_in(root, "gateway");
  if (!gateway) return;
  check_bind_mode(*gateway, out);
  check_gateway_auth(*gateway, out);
  const json::object* remote = object_in(*gateway, "remote");
  std::string url = remote ? text_in(*remote, "url") : "";
  if (!url.empty() && url.rfind("ws://", 0) != 0 && url.rfind("wss://", 0) != 0) {
    out.push_back({"gateway.remote.url", "must start with ws:// or wss://"});
  }
  if (text_in(*gateway, "mode") == "remote" && url.empty()) {
    out.push_back({"gateway.mode",
                   "is \"remote\" without gateway.remote.url; the command line "
                   "will not know whom to ask",
                   true});
  }
}

// The id as session keys spell it.
std::string normal_id(std::string_view id) {
  std::string out;
  for (char c : id) {
    auto u = static_cast<unsigned char>(c);
    bool plain = std::isalnum(u) != 0 || c == '-' || c == '_';
    out += plain ? static_cast<char>(std::tolower(u)) : '-';
  }
  return out;
}

void check_agents(const json::object& root, Problems& out) {
  const json::object* agents = object_in(root, "agents");
  const json::array* list = agents ? array_in(*agents, "list") : nullptr;
  std::map<std::string, std::string> seen;
  std::string first_default;
  for (std::size_t i = 0; list && i < list->size(); ++i) {
    const json::object* agent = (*list)[i].if_object();
    if (!agent) continue;
    std::string path = join_index("agents.list", i);
    std::string id = text_in(*agent, "id");
    if (!id.empty()) {
      std::string normal = normal_id(id);
      auto [before, is_new] = seen.emplace(normal, path);
      if (!is_new) {
        out.push_back({path + ".id", "\"" + id + "\" is the id of " + before->second + " already"});
      } else if (normal != id) {
        out.push_back({path + ".id",
                       "\"" + id + "\" becomes \"" + normal + "\" in session keys and paths",
                       true});
      }
    }
    const json::value* chosen = agent->if_contains("default");
    if (chosen && chosen->is_bool() && chosen->get_bool()) {
      if (!first_default.empty()) {
        out.push_back(
            {path + ".default", "is true, but " + first_default + " is the default agent already"});
      }
      first_default = path;
    }
  }
  const json::array* bindings = array_in(root, "bindings");
  for (std::size_t i = 0; bindings && i < bindings->size(); ++i) {
    const json::object* binding = (*bindings)[i].if_object();
    std::string id = binding ? text_in(*binding, "agentId") : "";
    bool exists = seen.count(normal_id(id)) > 0 || (seen.empty() && normal_id(id) == "main");
    if (!id.empty() && !exists) {
      out.push_back({join_index("bindings", i) + ".agentId",
                     "no agent in agents.list has the id \"" + id + "\"", true});
    }
  }
}

void check_mention_patterns(const json::object& of, const std::string& path, Problems& out) {
  const json::object* chat = object_in(of, "groupChat");
  const json::array* patterns = chat ? array_in(*chat, "mentionPatterns") : nullptr;
  for (std::size_t i = 0; patterns && i < patterns->size(); ++i) {
    const json::string* text = (*patterns)[i].if_string();
    if (!text) continue;
    auto compiled = TextPattern::compile(*text);
    if (compiled.has_value()) continue;
    out.push_back({join_index(path + ".groupChat.mentionPatterns", i),
                   "is no regular expression of RE2 (no look-around, no back references): " +
                       compiled.error().message});
  }
}

void check_mentions(const json::object& root, Problems& out) {
  if (const json::object* messages = object_in(root, "messages")) {
    check_mention_patterns(*messages, "messages", out);
  }
  const json::object* agents = object_in(root, "agents");
  const json::array* list = agents ? array_in(*agents, "list") : nullptr;
  for (std::size_t i = 0; list && i < list->size(); ++i) {
    const json::object* agent = (*list)[i].if_object();
    if (agent) check_mention_patterns(*agent, join_index("agents.list", i), out);
  }
}

void check_include(const json::value& value, const std::string& path, int depth, Problems& out) {
  if (depth > 64) return;
  if (const json::object* object = value.if_object()) {
    for (const auto& [key, inner] : *object) {
      std::string child = join_key(path, key);
      if (key == "$include") {
        out.push_back({child, "files cannot be included; copy the content of the other file here",
                       false, true});
      }
      check_include(inner, child, depth + 1, out);
    }
  } else if (const json::array* array = value.if_array()) {
    for (std::size_t i = 0; i < array->size(); ++i) {
      check_include((*array)[i], join_index(path, i), depth + 1, out);
    }
  }
}

void check_model_name(const json::value* model, const std::string& path, Problems& out) {
  if (!model) return;
  if (const json::object* choice = model->if_object()) {
    check_model_name(choice->if_contains("primary"), path + ".primary", out);
    return;
  }
  const json::string* name = model->if_string();
  if (name && name->find('/') == std::string_view::npos) {
    out.push_back(
        {path, "\"" + std::string(*name) + "\" names no provider; write provider/model", true});
  }
}

}  // namespace

std::vector<RuleProblem> check_rules(const json::object& root, const RuleContext& context) {
  Problems out;
  check_include(root, "", 0, out);
  check_gateway(root, out);
  check_agents(root, out);
  check_mentions(root, out);
  detail::check_sandbox_rules(root, context, out);
  detail::check_tool_rules(root, out);
  const json::object* agents = object_in(root, "agents");
  const json::object* defaults = agents ? object_in(*agents, "defaults") : nullptr;
  if (defaults) check_model_name(defaults->if_contains("model"), "agents.defaults.model", out);
  const json::object* logging = object_in(root, "logging");
  if (logging && text_in(*logging, "redactSensitive") == "off") {
    out.push_back({"logging.redactSensitive", "\"off\" puts secrets into the logs", true});
  }
  return out;
}

bool is_ip_address(std::string_view text) {
  std::string copy(text);
  unsigned char buffer[16];
  return inet_pton(AF_INET, copy.c_str(), buffer) == 1 ||
         inet_pton(AF_INET6, copy.c_str(), buffer) == 1;
}

bool is_cidr(std::string_view text) {
  std::size_t slash = text.find('/');
  if (slash == std::string_view::npos) return is_ip_address(text);
  std::string_view address = text.substr(0, slash);
  std::string_view bits = text.substr(slash + 1);
  int length = -1;
  auto [end, error] = std::from_chars(bits.data(), bits.data() + bits.size(), length);
  if (error != std::errc() || end != bits.data() + bits.size() || length < 0) return false;
  bool is_v6 = address.find(':') != std::string_view::npos;
  return is_ip_address(address) && length <= (is_v6 ? 128 : 32);
}

}  // namespace openclaw::config
