#include "sandbox/resolve.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <limits>

#include <openssl/evp.h>

#include "sandbox/sandbox_manager.h"
#include "sandbox/settings.h"

namespace openclaw::sandbox {

namespace fs = std::filesystem;

namespace {

std::string sha256_hex(std::string_view bytes) {
  std::array<unsigned char, 32> digest{};
  EVP_Digest(bytes.data(), bytes.size(), digest.data(), nullptr, EVP_sha256(), nullptr);
  static constexpr char kHex[] = "0123456789abcdef";
  std::string out;
  for (unsigned char byte : digest) {
    out += kHex[byte >> 4];
    out += kHex[byte & 15];
  }
  return out;
}

json::value sorted(const json::value& value) {
  if (value.is_array()) {
    json::array out;
    for (const auto& item : value.get_array()) out.push_back(sorted(item));
    return out;
  }
  if (!value.is_object()) return value;
  std::vector<std::string> keys;
  for (const auto& [key, item] : value.get_object()) keys.emplace_back(key);
  std::sort(keys.begin(), keys.end());
  json::object out;
  for (const auto& key : keys) out[key] = sorted(value.get_object().at(key));
  return out;
}

fs::path expanded(std::string_view written, const config::Paths& paths) {
  if (written == "~") return paths.home;
  if (written.starts_with("~/")) return paths.home / written.substr(2);
  return fs::path(written).lexically_normal();
}

std::string agent_of(std::string_view session_key, const json::object& root) {
  if (session_key.starts_with("agent:")) {
    auto rest = session_key.substr(6);
    if (auto end = rest.find(':'); end != std::string_view::npos && end > 0) {
      return std::string(rest.substr(0, end));
    }
  }
  return default_agent_id(root);
}

// 0 for what is no number of things.
std::int64_t whole(const json::value* value) {
  constexpr double kMost = 1e15;
  if (!value || !value->is_number()) return 0;
  double number = value->to_number<double>();
  return number > 0 && number <= kMost ? static_cast<std::int64_t>(number) : 0;
}

json::array ulimits_of(const json::value& setting) {
  json::array out;
  const json::object* table = setting.if_object();
  if (!table) return out;
  for (const auto& [name, limit] : *table) {
    const json::object* pair = limit.if_object();
    std::int64_t soft = whole(pair ? pair->if_contains("soft") : &limit);
    std::int64_t hard = pair ? whole(pair->if_contains("hard")) : soft;
    if (soft == 0 && hard == 0) continue;  // 0 and null lift the limit
    out.push_back({{"name", name}, {"soft", soft ? soft : hard}, {"hard", hard ? hard : soft}});
  }
  return out;
}

void put_mounts(json::object& spec, const Settings& settings, const View& view) {
  json::array mounts;
  mounts.push_back({{"kind", "workspace"},
                    {"source", view.host_workspace.string()},
                    {"target", view.workdir},
                    {"readOnly", false}});
  if (view.workspace_access == "ro") {
    mounts.push_back({{"kind", "agent"},
                      {"source", view.agent_workspace.string()},
                      {"target", "/agent"},
                      {"readOnly", true}});
  }
  for (auto& bind : bind_mounts(settings, "docker.binds")) mounts.push_back(std::move(bind));
  spec["mounts"] = std::move(mounts);
}

// What changes the container itself. Who asks (session, agent) is added after the hash is taken.
json::object make_spec(const Settings& settings, const config::Paths& paths, const View& view,
                       const fs::path& workspace_root) {
  json::object spec;
  spec["specVersion"] = 1;
  spec["image"] = settings.at("docker.image").value;
  spec["workdir"] = view.workdir;
  std::string user = settings.text("docker.user");
  spec["userFromOwner"] = user.empty();
  spec["user"] = user.empty() ? owner_of(view.host_workspace) : user;
  spec["env"] = settings.at("docker.env").value;
  spec["network"] = settings.at("docker.network").value;
  spec["readOnlyRoot"] = settings.flag("docker.readOnlyRoot");
  spec["tmpfs"] = settings.at("docker.tmpfs").value;
  spec["execHelper"] = settings.flag("docker.execHelper");
  spec["capDrop"] = settings.at("docker.capDrop").value;
  put_limits(spec, settings);
  for (std::string_view key : {"seccompProfile", "apparmorProfile", "runtime", "setupCommand"}) {
    std::string text = settings.text("docker." + std::string(key));
    if (!text.empty()) spec[key] = text;
  }
  spec["setupUser"] = user.empty() ? "0:0" : user;
  spec["dns"] = settings.at("docker.dns").value;
  spec["extraHosts"] = settings.at("docker.extraHosts").value;
  put_mounts(spec, settings, view);
  spec["allow"] = allowances(settings);
  spec["bindRoots"] = json::array{view.agent_workspace.string(), workspace_root.string()};
  spec["protectedPaths"] = json::array{paths.state_dir.string()};
  return spec;
}

// The same for all sessions of an agent: which folder is the workspace is not a part of it, unless
// all share that too.
std::string spare_hash(json::object spec, const View& view) {
  if (view.workspace_access != "rw") spec["mounts"].as_array().at(0).as_object()["source"] = "";
  return canonical_hash(spec);
}

std::string explain_why(const View& view, bool is_main) {
  std::string subject = "session " + view.session_key;
  if (view.mode == "off") return subject + " runs its tools on the host: mode is off";
  if (!view.sandboxed) {
    return subject +
           " runs its tools on the host: mode is non-main and this is the main session of agent " +
           view.agent_id;
  }
  std::string reason = view.mode == "all" ? "mode is all"
                       : is_main          ? "mode is " + view.mode
                                          : "mode is non-main and this is not the main session";
  return subject + " runs its tools in a sandbox (" + view.backend + ", one per " + view.scope +
         ", workspace access " + view.workspace_access + "): " + reason;
}

}  // namespace

std::string derived_name(std::string_view scope_key) {
  std::string slug;
  for (char c : scope_key) {
    auto byte = static_cast<unsigned char>(c);
    char kept = std::isalnum(byte) ? static_cast<char>(std::tolower(byte)) : '-';
    if (kept == '-' && (slug.empty() || slug.back() == '-')) continue;
    slug += kept;
    if (slug.size() == 32) break;
  }
  while (!slug.empty() && slug.back() == '-') slug.pop_back();
  return (slug.empty() ? "scope" : slug) + "-" + sha256_hex(scope_key).substr(0, 8);
}

std::string session_in_scope(std::string_view scope_key, std::string_view agent_id) {
  std::string agent_scope = "agent:" + std::string(agent_id);
  bool one_session = !scope_key.empty() && scope_key != agent_scope && scope_key != "shared";
  return one_session ? std::string(scope_key) : agent_scope + ":probe";
}

bool scope_is_meant(std::string_view scope_key, std::string_view session_key,
                    std::string_view scope_of_session, std::string_view agent_id) {
  if (session_key.empty() && agent_id.empty()) return true;
  std::string agent_scope = "agent:" + std::string(agent_id);
  if (!agent_id.empty() && (scope_key == agent_scope || scope_key.starts_with(agent_scope + ":")))
    return true;
  return !session_key.empty() && (scope_key == session_key || scope_key == scope_of_session);
}

void put_limits(json::object& spec, const Settings& settings) {
  if (auto pids = whole(&settings.at("docker.pidsLimit").value); pids > 0) spec["pidsLimit"] = pids;
  const json::value& cpus = settings.at("docker.cpus").value;
  if (cpus.is_number() && cpus.to_number<double>() > 0) spec["cpus"] = cpus.to_number<double>();
  auto memory = parse_size(settings.at("docker.memory").value, "docker.memory");
  auto swap = parse_size(settings.at("docker.memorySwap").value, "docker.memorySwap");
  std::int64_t memory_bytes = memory.has_value() ? *memory : 0;
  std::int64_t swap_bytes = swap.has_value() ? *swap : 0;
  // The default for memorySwap was chosen for the default memory: it follows a memory somebody set.
  if (settings.at("docker.memorySwap").source == "default" &&
      settings.at("docker.memory").source != "default") {
    swap_bytes = std::min(memory_bytes, std::numeric_limits<std::int64_t>::max() / 2) * 2;
  }
  if (memory_bytes > 0) spec["memoryBytes"] = memory_bytes;
  if (memory_bytes > 0 && swap_bytes > 0) spec["memorySwapBytes"] = swap_bytes;
  spec["ulimits"] = ulimits_of(settings.at("docker.ulimits").value);
}

json::array bind_mounts(const Settings& settings, std::string_view key) {
  json::array mounts;
  const json::array* binds = settings.at(key).value.if_array();
  for (const auto& bind : binds ? *binds : json::array{}) {
    std::string text = bind.is_string() ? std::string(bind.get_string()) : std::string();
    auto colon = text.find(":/");
    if (colon == std::string::npos) continue;  // check_settings() has reported it
    std::string target = text.substr(colon + 1);
    bool read_only = false;
    if (auto mode = target.find(':'); mode != std::string::npos) {
      read_only = target.substr(mode + 1) == "ro";
      target.resize(mode);
    }
    mounts.push_back({{"kind", "bind"},
                      {"source", text.substr(0, colon)},
                      {"target", target},
                      {"readOnly", read_only}});
  }
  return mounts;
}

json::object allowances(const Settings& settings) {
  return {
      {"containerNamespaceJoin", settings.flag("docker.dangerouslyAllowContainerNamespaceJoin")},
      {"reservedTargets", settings.flag("docker.dangerouslyAllowReservedContainerTargets")},
      {"externalBindSources", settings.flag("docker.dangerouslyAllowExternalBindSources")}};
}

std::string gateway_id(const config::Paths& paths) {
  return sha256_hex(fs::absolute(paths.state_dir).lexically_normal().string()).substr(0, 12);
}

fs::path agent_workspace(const config::Config& config, const config::Paths& paths,
                         std::string_view agent_id) {
  const json::object& root = config.root();
  AgentEntry agent = find_agent(root, agent_id);
  if (agent.object) {
    const json::value* own = agent.object->if_contains("workspace");
    if (own && own->is_string()) return expanded(own->get_string(), paths);
  }
  if (agent_id != default_agent_id(root)) {
    return paths.state_dir / ("workspace-" + std::string(agent_id));
  }
  const json::value* shared = config.find("agents.defaults.workspace");
  if (shared && shared->is_string()) return expanded(shared->get_string(), paths);
  return paths.state_dir / "workspace";
}

bool is_main_session(const json::object& root, std::string_view agent_id,
                     std::string_view session_key) {
  std::string main_key = "main";
  if (const json::value* session = root.if_contains("session"); session && session->is_object()) {
    const json::value* written = session->get_object().if_contains("mainKey");
    if (written && written->is_string() && !written->get_string().empty()) {
      main_key = std::string(written->get_string());
    }
  }
  return session_key == "global" || session_key == "main" || session_key == main_key ||
         session_key == "agent:" + std::string(agent_id) + ":" + main_key ||
         session_key == "agent:" + std::string(agent_id) + ":main";
}

std::string canonical_hash(const json::value& value) {
  return sha256_hex(json::serialize(sorted(value)));
}

std::string owner_of(const fs::path& folder) {
  struct stat info {};
  if (::stat(folder.c_str(), &info) == 0) {
    return std::to_string(info.st_uid) + ":" + std::to_string(info.st_gid);
  }
  return std::to_string(::geteuid()) + ":" + std::to_string(::getegid());
}

namespace {

View resolved(const config::Config& config, const config::Paths& paths, std::string agent_id,
              std::string_view session_key, std::shared_ptr<const Settings> merged) {
  const json::object& root = config.root();
  const Settings& settings = *merged;
  View view;
  view.settings = std::move(merged);
  view.agent_id = std::move(agent_id);
  view.session_key =
      session_key.empty() ? "agent:" + view.agent_id + ":main" : std::string(session_key);
  view.mode = settings.text("mode");
  view.scope = settings.text("scope");
  view.workspace_access = settings.text("workspaceAccess");
  view.backend = settings.text("backend");
  view.agent_workspace = agent_workspace(config, paths, view.agent_id);
  bool is_main = is_main_session(root, view.agent_id, view.session_key);
  view.sandboxed = view.mode == "all" || (view.mode == "non-main" && !is_main);
  if (!view.sandboxed) {
    view.host_workspace = view.agent_workspace;
    view.workdir = view.agent_workspace.string();
    view.why = explain_why(view, is_main);
    return view;
  }
  view.scope_key = view.scope == "session"  ? view.session_key
                   : view.scope == "shared" ? "shared"
                                            : "agent:" + view.agent_id;
  // One workspace for all, or each agent would replace the container that another one uses.
  if (view.scope == "shared")
    view.agent_workspace = agent_workspace(config, paths, default_agent_id(root));
  view.workdir = settings.text("docker.workdir");
  view.read_only_files = view.workspace_access == "ro";
  std::string written_root = settings.text("workspaceRoot");
  fs::path workspace_root =
      written_root.empty() ? paths.state_dir / "sandboxes" : expanded(written_root, paths);
  view.host_workspace = view.workspace_access == "rw"
                            ? view.agent_workspace
                            : workspace_root / derived_name(view.scope_key);
  view.spec = make_spec(settings, paths, view, workspace_root);
  view.config_hash = canonical_hash(view.spec);
  if (view.scope == "session") {
    view.spare_hash = spare_hash(view.spec, view);
    view.spares = settings.flag("pool.enabled")
                      ? static_cast<int>(whole(&settings.at("pool.size").value))
                      : 0;
  }
  std::string gateway = gateway_id(paths);
  view.spec["gatewayId"] = gateway;
  view.spec["scopeKey"] = view.scope_key;
  view.spec["sessionKey"] = view.session_key;
  view.spec["agentId"] = view.agent_id;
  // The gateway is part of the name: two state directories may share one engine.
  view.spec["name"] = settings.text("docker.containerPrefix") + derived_name(view.scope_key) + "-" +
                      gateway.substr(0, 6);
  view.spec["configHash"] = view.config_hash;
  if (!view.spare_hash.empty()) view.spec["spareHash"] = view.spare_hash;
  view.why = explain_why(view, is_main);
  return view;
}

}  // namespace

View resolve_view(const config::Config& config, const config::Paths& paths,
                  std::string_view agent_id, std::string_view session_key) {
  const json::object& root = config.root();
  std::string agent = agent_id.empty() ? agent_of(session_key, root) : std::string(agent_id);
  auto settings = std::make_shared<const Settings>(Settings::merge(root, agent));
  return resolved(config, paths, std::move(agent), session_key, std::move(settings));
}

const ViewCache::Known* ViewCache::current(const std::string& key) const {
  const auto found = known_.find(key);
  if (found == known_.end()) return nullptr;
  const Known& known = found->second;
  const bool same = !known.view.sandboxed || owner_of(known.view.host_workspace) == known.owner;
  return same ? &known : nullptr;
}

View ViewCache::of(const config::Snapshot& config, const config::Paths& paths,
                   std::string_view agent_id, std::string_view session_key) {
  constexpr std::size_t kMost = 256;  // session keys are made of what people on channels choose
  if (config_ != config || known_.size() >= kMost) {
    known_.clear();
    settings_.clear();
    config_ = config;
  }
  std::string agent =
      agent_id.empty() ? agent_of(session_key, config->root()) : std::string(agent_id);
  const std::string key = agent + "\n" + std::string(session_key);
  if (const Known* known = current(key)) return known->view;
  auto& settings = settings_[agent];
  if (!settings)
    settings = std::make_shared<const Settings>(Settings::merge(config->root(), agent));
  Known& known = known_[key];
  known.view = resolved(*config, paths, std::move(agent), session_key, settings);
  known.owner = known.view.sandboxed ? owner_of(known.view.host_workspace) : std::string();
  return known.view;
}

}  // namespace openclaw::sandbox
