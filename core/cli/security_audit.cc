#include "cli/security_audit.h"

#include <algorithm>
#include <cstdlib>

#include "channel/access.h"
#include "channel/account_plan.h"
#include "cli/disk_checks.h"
#include "gateway/agents_catalogue.h"
#include "gateway/auth_settings.h"
#include "sandbox/settings.h"

namespace openclaw::cli {
namespace {

constexpr std::size_t kLongSecret = 24;  // characters; a generated one has 43 and more

void add(std::vector<Finding>& out, std::string id, Severity severity, std::string title,
         std::string detail, std::string remediation) {
  out.push_back({std::move(id), severity, std::move(title), std::move(detail),
                 std::move(remediation), {}});
}

// "channels.telegram.dmPolicy (openclaw.toml:4:12)"
std::string at(const config::Config& config, const std::string& key) {
  return key + " (" + config.origin(key).text() + ")";
}

bool reaches_beyond(const config::Config& config) {
  return config.get_string("gateway.bind", "loopback") != "loopback";
}

bool lists(const std::vector<std::string>& entries, std::string_view wanted) {
  return std::find(entries.begin(), entries.end(), wanted) != entries.end();
}

void audit_secrets(const config::Config& config, const gateway::AuthSettings& auth,
                   std::vector<Finding>& out) {
  using Mode = gateway::AuthSettings::Mode;
  if (auth.mode == Mode::kNone && !reaches_beyond(config)) {
    add(out, "gateway.auth_none", Severity::kWarn, "The gateway asks for no secret",
        at(config, "gateway.auth.mode") + " is \"none\": every program and user of this machine may "
        "use the agent",
        "openclaw config set gateway.auth.mode token");
  }
  if (auth.mode != Mode::kToken && auth.mode != Mode::kPassword) return;
  const auto& secret = auth.mode == Mode::kToken ? auth.token : auth.password;
  std::string key = auth.mode == Mode::kToken ? "gateway.auth.token" : "gateway.auth.password";
  if (!secret.empty() && secret.size() < kLongSecret) {
    add(out, "gateway.token_too_short", Severity::kWarn, "The gateway's secret is short",
        at(config, key) + " has " + std::to_string(secret.size()) + " characters",
        "openclaw config set " + key + " \"$(openssl rand -hex 32)\"");
  }
  if (reaches_beyond(config) && !auth.limits_configured) {
    add(out, "gateway.auth_no_rate_limit", Severity::kWarn, "Guesses from the network are not limited",
        at(config, "gateway.bind") + " reaches beyond this machine and gateway.auth.rateLimit is not set",
        "openclaw config set gateway.auth.rateLimit.maxAttempts 10");
  }
}

void audit_control_ui(const config::Config& config, const gateway::AuthSettings& auth,
                      std::vector<Finding>& out) {
  struct Switch {
    bool on;
    const char *id, *key, *means;
  };
  const Switch switches[] = {
      {auth.allow_insecure_auth, "gateway.control_ui.insecure_auth",
       "gateway.controlUi.allowInsecureAuth", "browsers log in by token alone, without a device key"},
      {auth.disable_device_auth, "gateway.control_ui.device_auth_disabled",
       "gateway.controlUi.dangerouslyDisableDeviceAuth", "device identity is not checked"},
      {auth.host_header_origin_fallback, "gateway.control_ui.host_header_origin",
       "gateway.controlUi.dangerouslyAllowHostHeaderOriginFallback",
       "any page whose Host header matches may connect: DNS rebinding works"}};
  for (const auto& one : switches) {
    if (!one.on) continue;
    add(out, one.id, Severity::kCritical, std::string(one.key) + " is on",
        at(config, one.key) + ": " + one.means, "openclaw config unset " + std::string(one.key));
  }
  if (lists(auth.allowed_origins, "*")) {
    add(out, "gateway.control_ui.any_origin", Severity::kCritical, "Every web page may connect",
        at(config, "gateway.controlUi.allowedOrigins") + " holds \"*\"",
        "openclaw config unset gateway.controlUi.allowedOrigins");
  }
}

// One account's rules about people.
struct Account {
  std::string key, dm_policy, group_policy;
  std::vector<std::string> allow_from;
  bool nested = false;  // direct messages are set in "dm"
  std::string dm_policy_key() const { return nested ? "dm.policy" : "dmPolicy"; }
  std::string allow_from_key() const { return nested ? "dm.allowFrom" : "allowFrom"; }
};

Account account_of(const config::Config& config, const std::string& channel,
                   const std::string& account, const std::string& key) {
  const json::object merged = channel::account_config(config, channel, account);
  auto rules = config::from_json(merged);
  return {key, channel::direct_policy(merged, "pairing"),
          rules->get_string("groupPolicy", config.get_string("channels.defaults.groupPolicy",
                                                             "allowlist")),
          channel::direct_allow_from(merged, channel),
          !merged.contains("dmPolicy") && !merged.contains("allowFrom") && merged.contains("dm")};
}

std::vector<Account> accounts_of(const config::Config& config) {
  std::vector<Account> out;
  const auto* channels = config.find("channels");
  if (!channels || !channels->is_object()) return out;
  for (const auto& [name, section] : channels->get_object()) {
    if (!section.is_object() || name == "defaults" || name == "modelByChannel") continue;
    std::string channel(name), key = "channels." + channel;
    if (!config.get_bool(key + ".enabled", true)) continue;
    const auto* accounts = section.get_object().if_contains("accounts");
    if (!accounts || !accounts->is_object() || accounts->get_object().empty()) {
      out.push_back(account_of(config, channel, "default", key));
      continue;
    }
    for (const auto& [id, own] : accounts->get_object()) {
      std::string account(id);
      out.push_back(account_of(config, channel, account, key + ".accounts." + account));
    }
  }
  return out;
}

// The key that was written: the account's own, else the channel's.
std::string written_key(const config::Config& config, const std::string& account_key,
                        const std::string& name) {
  auto own = account_key + "." + name;
  if (config.find(own)) return own;
  auto cut = account_key.find(".accounts.");
  return cut == std::string::npos ? own : account_key.substr(0, cut) + "." + name;
}

bool some_agent_unconfined(const config::Config& config) {
  for (const auto& agent : gateway::agent_ids(config)) {
    if (sandbox::Settings::merge(config.root(), agent).text("mode") == "off") return true;
  }
  return false;
}

}  // namespace

std::string_view severity_name(Severity severity) {
  switch (severity) {
    case Severity::kCritical: return "critical";
    case Severity::kWarn: return "warn";
    case Severity::kInfo: return "info";
  }
  return "info";
}

void audit_gateway(const AuditInput& input, std::vector<Finding>& out) {
  const auto& config = input.config;
  auto auth = gateway::read_auth_settings(config);
  if (auto refusal = gateway::refuse_to_start(auth, reaches_beyond(config)); !refusal.empty()) {
    bool missing = auth.token.empty() && auth.password.empty();
    // On loopback a missing secret is made at the first start.
    if (!missing || reaches_beyond(config)) {
      add(out, "gateway.bind_no_auth", Severity::kCritical, "The gateway's authentication is unusable",
          refusal, "openclaw config set gateway.auth.token \"$(openssl rand -hex 32)\"");
    }
  }
  audit_secrets(config, auth, out);
  audit_control_ui(config, auth, out);
  for (const auto& proxy : auth.trusted_proxies) {
    if (!proxy.ends_with("/0")) continue;
    add(out, "gateway.trusted_proxies_any", Severity::kCritical, "Everybody is a trusted proxy",
        at(config, "gateway.trustedProxies") + " holds " + proxy + ": anybody may claim any address",
        "openclaw config unset gateway.trustedProxies");
  }
  if (auto allowed = config.get_strings("gateway.tools.allow"); !allowed.empty()) {
    std::string names;
    for (const auto& name : allowed) names += (names.empty() ? "" : ", ") + name;
    add(out, "gateway.tools_invoke_dangerous", Severity::kWarn, "POST /tools/invoke is wider than usual",
        at(config, "gateway.tools.allow") + " lifts the fixed deny list for: " + names,
        "openclaw config unset gateway.tools.allow");
  }
  const char* insecure = std::getenv("OPENCLAW_ALLOW_INSECURE_PRIVATE_WS");  // NOLINT(concurrency-mt-unsafe)
  if (insecure && std::string_view(insecure) == "1") {
    add(out, "client.insecure_ws", Severity::kWarn, "Tokens may travel in clear text",
        "OPENCLAW_ALLOW_INSECURE_PRIVATE_WS=1 lets the command line use ws:// beyond this machine",
        "unset OPENCLAW_ALLOW_INSECURE_PRIVATE_WS");
  }
  if (config.get_bool("hooks.enabled", false)) {
    auto token = config.get_string("hooks.token");
    if (!token.empty() && token == auth.token) {
      add(out, "hooks.token_reused", Severity::kCritical, "Webhooks use the gateway's own token",
          at(config, "hooks.token") + " equals gateway.auth.token",
          "openclaw config set hooks.token \"$(openssl rand -hex 32)\"");
    } else if (token.size() < kLongSecret) {
      add(out, "hooks.token_too_short", Severity::kWarn, "The webhook token is short or missing",
          at(config, "hooks.token") + " has " + std::to_string(token.size()) + " characters",
          "openclaw config set hooks.token \"$(openssl rand -hex 32)\"");
    }
  }
}

void audit_channels(const AuditInput& input, std::vector<Finding>& out) {
  const auto& config = input.config;
  bool unconfined = some_agent_unconfined(config), open_to_many = false;
  for (const auto& account : accounts_of(config)) {
    bool anybody = lists(account.allow_from, "*");
    auto policy_key = written_key(config, account.key, account.dm_policy_key());
    bool open = account.dm_policy == "open" || (account.dm_policy == "allowlist" && anybody);
    open_to_many = open_to_many || open || account.allow_from.size() > 1;
    if (account.dm_policy == "open") {
      add(out, "channels.dm_open", Severity::kCritical, "Strangers may talk to the agent",
          at(config, policy_key) + " is \"open\"", "openclaw config set " + policy_key + " pairing");
    } else if (anybody && account.dm_policy != "disabled") {
      auto key = written_key(config, account.key, account.allow_from_key());
      add(out, "channels.allow_from_anybody", Severity::kCritical, "Everybody is on the allow list",
          at(config, key) + " holds \"*\"", "openclaw config unset " + key);
    }
    if (open && unconfined) {
      add(out, "sandbox.off_with_open_dm", Severity::kCritical,
          "Strangers reach tools that run on this host",
          account.key + " is open to everybody and agents.defaults.sandbox.mode is off (" +
              config.origin("agents.defaults.sandbox.mode").text() + ")",
          "openclaw config set agents.defaults.sandbox.mode all");
    }
    if (account.group_policy == "open") {
      auto key = written_key(config, account.key, "groupPolicy");
      add(out, "channels.group_open", unconfined ? Severity::kCritical : Severity::kWarn,
          "Every group may use the agent", at(config, key) + " is \"open\"",
          "openclaw config set " + key + " allowlist");
      auto paths = input.paths;
      out.back().repair = [paths, key] { return config::set_value(paths, key, "allowlist", {}); };
    }
  }
  if (open_to_many && config.get_string("session.dmScope", "main") == "main") {
    add(out, "session.dm_scope_shared", Severity::kWarn,
        "Different people share one conversation",
        "session.dmScope is \"main\" (" + config.origin("session.dmScope").text() +
            ") and more than one person may write: each sees what the others told the agent",
        "openclaw config set session.dmScope per-channel-peer");
  }
}

void audit_sandbox(const AuditInput& input, std::vector<Finding>& out) {
  const auto& config = input.config;
  for (const auto& issue : sandbox::check_config(config)) {
    add(out, "sandbox.settings", Severity::kCritical, "A sandbox setting is refused",
        issue.path + " (" + issue.origin.text() + "): " + issue.message,
        "openclaw config unset " + issue.path);
  }
  if (some_agent_unconfined(config)) {
    add(out, "sandbox.off", Severity::kInfo, "Tools run on this host",
        "the sandbox is off for at least one agent (agents.defaults.sandbox.mode, " +
            config.origin("agents.defaults.sandbox.mode").text() + ")",
        "openclaw config set agents.defaults.sandbox.mode non-main");
  }
  std::vector<std::string> told;  // an inherited setting is one finding, not one per agent
  for (const auto& agent : gateway::agent_ids(config)) {
    auto settings = sandbox::Settings::merge(config.root(), agent);
    auto tell = [&](std::string_view key, bool wrong, Severity severity, const char* id,
                    const char* title, const char* means) {
      const auto& source = settings.at(key).source;
      if (!wrong || lists(told, source)) return;
      told.push_back(source);
      add(out, id, severity, title, at(config, source) + ": " + means,
          "openclaw config unset " + source);
    };
    auto flag = [&](std::string_view key) { return settings.flag(key); };
    tell("docker.dangerouslyAllowContainerNamespaceJoin",
         flag("docker.dangerouslyAllowContainerNamespaceJoin"), Severity::kCritical,
         "sandbox.break_glass", "A wall of the sandbox is down",
         "sandboxes may join another container's network");
    tell("docker.dangerouslyAllowExternalBindSources",
         flag("docker.dangerouslyAllowExternalBindSources"), Severity::kCritical,
         "sandbox.break_glass", "A wall of the sandbox is down",
         "folders outside the workspaces may be mounted");
    tell("docker.dangerouslyAllowReservedContainerTargets",
         flag("docker.dangerouslyAllowReservedContainerTargets"), Severity::kCritical,
         "sandbox.break_glass", "A wall of the sandbox is down",
         "mounts may cover the workspace itself");
    tell("browser.allowHostControl", flag("browser.allowHostControl"), Severity::kCritical,
         "sandbox.host_browser", "Sandboxed sessions may drive the host's browser",
         "that leads out of the sandbox");
    tell("docker.readOnlyRoot", !flag("docker.readOnlyRoot"), Severity::kWarn,
         "sandbox.writable_root", "The sandbox's root is writable", "what runs there can change it");
    tell("docker.network", settings.text("docker.network") != "none", Severity::kWarn,
         "sandbox.network", "Sandboxes reach the network", "what they read can be sent away");
    auto user = settings.text("docker.user");
    tell("docker.user", user == "root" || user == "0" || user.starts_with("0:"), Severity::kWarn,
         "sandbox.root_user", "Sandboxes run as root", "a flaw of the kernel is then worth more");
    auto caps = json::serialize(settings.at("docker.capDrop").value);
    tell("docker.capDrop", caps.find("\"ALL\"") == std::string::npos, Severity::kWarn,
         "sandbox.capabilities", "Sandboxes keep capabilities", "not all of them are dropped");
  }
}

void audit_tools(const AuditInput& input, std::vector<Finding>& out) {
  const auto& config = input.config;
  const auto* elevated = config.find("tools.elevated.allowFrom");
  if (config.get_bool("tools.elevated.enabled", true) && elevated && elevated->is_object()) {
    for (const auto& [channel, list] : elevated->get_object()) {
      auto key = "tools.elevated.allowFrom." + std::string(channel);
      if (!lists(config.get_strings(key), "*")) continue;
      add(out, "tools.elevated_anybody", Severity::kCritical, "Everybody may leave the sandbox",
          at(config, key) + " holds \"*\"", "openclaw config unset " + key);
    }
  }
  for (const char* key : {"tools.fs.workspaceOnly", "tools.exec.applyPatch.workspaceOnly"}) {
    if (config.get_bool(key, true)) continue;
    add(out, "tools.beyond_workspace", Severity::kWarn, "File tools reach beyond the workspace",
        at(config, key) + " is false", "openclaw config unset " + std::string(key));
  }
  for (const char* key : {"commands.bash", "commands.config"}) {
    if (!config.get_bool(key, false)) continue;
    add(out, "commands.powerful", Severity::kWarn, "A chat command changes this machine",
        at(config, key) + " is true", "openclaw config unset " + std::string(key));
  }
  if (config.get_string("logging.redactSensitive") == "off") {
    add(out, "logging.redact_off", Severity::kWarn, "Secrets may get into the log",
        at(config, "logging.redactSensitive") + " is \"off\"",
        "openclaw config unset logging.redactSensitive");
    auto paths = input.paths;
    out.back().repair = [paths] { return config::unset_value(paths, "logging.redactSensitive", {}); };
  }
}

void audit_files(const AuditInput& input, std::vector<Finding>& out) {
  for (const auto& problem : check_private_paths(input.paths)) {
    bool change = problem.kind != PathProblem::Kind::kOthersRead;
    add(out, change ? "fs.writable_by_others" : "fs.readable_by_others",
        change || !problem.is_folder ? Severity::kCritical : Severity::kWarn,
        "Others can " + std::string(change ? "change " : "read ") + problem.what,
        problem.path.string() + ": " + problem.detail, problem.fix);
    if (problem.kind != PathProblem::Kind::kForeignOwner) {
      out.back().repair = [problem] { return make_private(problem); };
    }
  }
  for (const auto& problem : check_plugin_folders(input.plugin_folders)) {
    add(out, "plugins.folder_writable", Severity::kCritical, "Others can place plugins",
        problem.path.string() + ": " + problem.detail, problem.fix);
  }
  for (const auto& info : input.plugins) {
    if (info.state == plugin::State::kRefused) {
      add(out, "plugins.refused", Severity::kWarn, "Plugin " + info.id + " is refused", info.reason,
          "openclaw plugins inspect '" + info.library.string() + "'");
    } else if (info.usable && info.origin != "bundled") {
      add(out, "plugins.foreign", Severity::kInfo, "Plugin " + info.id + " does not come with the program",
          info.library.string() + " runs inside the gateway with all its rights",
          "openclaw plugins inspect " + info.id);
    }
  }
}

}  // namespace openclaw::cli
