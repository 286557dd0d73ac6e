#include "sandbox/browser_view.h"

#include <unistd.h>

#include "sandbox/resolve.h"
#include "sandbox/settings.h"

namespace openclaw::sandbox {

namespace {

constexpr const char* kProfileTarget = "/profile";
constexpr const char* kPasswordTarget = "/etc/openclaw-vnc-password";
// The user that the image has for it.
constexpr const char* kImageUser = "1000:1000";

std::int64_t whole_number(const Settings& settings, std::string_view key) {
  const json::value& value = settings.at(key).value;
  return value.is_number() ? value.to_number<std::int64_t>() : 0;
}

bool is_watched(const Settings& settings) {
  if (settings.flag("browser.headless")) return false;
  const json::value& other = settings.at("browser.noVncEnabled").value;
  if (other.is_bool() && settings.at("browser.enableNoVnc").source == "default")
    return other.get_bool();
  return settings.flag("browser.enableNoVnc");
}

std::string browser_user() {
  if (::geteuid() == 0) return kImageUser;
  return std::to_string(::geteuid()) + ":" + std::to_string(::getegid());
}

json::object browser_environment(const Settings& settings, const BrowserView& view) {
  json::object env;
  // How Chromium behaves, from where the other variables of sandboxes come from. What would take a
  // wall down is not among them.
  const json::object* chosen = settings.at("docker.env").value.if_object();
  for (const char* name :
       {"LANG", "TZ", "OPENCLAW_BROWSER_DISABLE_GRAPHICS_FLAGS",
        "OPENCLAW_BROWSER_DISABLE_EXTENSIONS", "OPENCLAW_BROWSER_RENDERER_PROCESS_LIMIT"}) {
    const json::value* value = chosen ? chosen->if_contains(name) : nullptr;
    if (value && value->is_string()) env[name] = *value;
  }
  env["OPENCLAW_BROWSER_HEADLESS"] = view.headless ? "1" : "0";
  env["OPENCLAW_BROWSER_CDP_PORT"] = std::to_string(view.cdp_port);
  std::string range = settings.text("browser.cdpSourceRange");
  if (!range.empty()) env["OPENCLAW_BROWSER_CDP_SOURCE_RANGE"] = range;
  env["OPENCLAW_BROWSER_PROFILE"] = kProfileTarget;
  env["OPENCLAW_BROWSER_NOVNC"] = view.watched ? "1" : "0";
  if (view.watched) {
    env["OPENCLAW_BROWSER_NOVNC_PORT"] = std::to_string(view.novnc_port);
    env["OPENCLAW_BROWSER_VNC_PORT"] = std::to_string(whole_number(settings, "browser.vncPort"));
    env["OPENCLAW_BROWSER_VNC_PASSWORD_FILE"] = kPasswordTarget;
  }
  return env;
}

json::array browser_mounts(const Settings& settings, const BrowserView& view) {
  json::array mounts = {json::object{{"kind", "workspace"},
                                     {"source", view.profile().string()},
                                     {"target", kProfileTarget},
                                     {"readOnly", false}}};
  if (view.watched) {
    mounts.push_back({{"kind", "workspace"},
                      {"source", view.password_file().string()},
                      {"target", kPasswordTarget},
                      {"readOnly", true}});
  }
  for (auto& bind : bind_mounts(settings, "browser.binds")) mounts.push_back(std::move(bind));
  return mounts;
}

json::object browser_spec(const Settings& settings, const config::Paths& paths, const View& view,
                          const BrowserView& browser) {
  json::object spec;
  spec["specVersion"] = 1;
  spec["kind"] = "browser";
  spec["image"] = settings.at("browser.image").value;
  spec["workdir"] = kProfileTarget;
  spec["user"] = browser.user;
  spec["userFromOwner"] = true;
  spec["env"] = browser_environment(settings, browser);
  spec["network"] = settings.at("browser.network").value;
  spec["readOnlyRoot"] = true;
  spec["tmpfs"] = json::array{"/tmp", "/var/tmp", "/run"};
  spec["capDrop"] = json::array{"ALL"};
  put_limits(spec, settings);
  for (std::string_view key : {"apparmorProfile", "runtime"}) {
    std::string text = settings.text("docker." + std::string(key));
    if (!text.empty()) spec[key] = text;
  }
  spec["dns"] = settings.at("docker.dns").value;
  spec["extraHosts"] = settings.at("docker.extraHosts").value;
  spec["ports"] = json::array{browser.cdp_port};
  if (browser.watched) spec["ports"].as_array().emplace_back(browser.novnc_port);
  spec["mounts"] = browser_mounts(settings, browser);
  spec["allow"] = allowances(settings);
  spec["bindRoots"] = view.spec.at("bindRoots");
  spec["protectedPaths"] = json::array{paths.state_dir.string()};
  return spec;
}

}  // namespace

BrowserView resolve_browser(const config::Paths& paths, const View& view) {
  const Settings& settings = *view.settings;
  BrowserView out;
  out.enabled = view.sandboxed && settings.flag("browser.enabled");
  out.headless = settings.flag("browser.headless");
  out.watched = is_watched(settings);
  out.allow_host_control = settings.flag("browser.allowHostControl");
  out.start_time = std::chrono::milliseconds(whole_number(settings, "browser.autoStartTimeoutMs"));
  out.cdp_port = static_cast<std::uint16_t>(whole_number(settings, "browser.cdpPort"));
  out.novnc_port = static_cast<std::uint16_t>(whole_number(settings, "browser.noVncPort"));
  out.agent_id = view.agent_id;
  out.session_key = view.session_key;
  if (!view.sandboxed) return out;
  out.scope_key = view.scope_key;
  out.backend = view.backend;
  out.folder = paths.state_dir / "sandboxes" / (derived_name(view.scope_key) + "-browser");
  out.user = browser_user();
  out.spec = browser_spec(settings, paths, view, out);
  out.config_hash = canonical_hash(out.spec);
  std::string gateway = gateway_id(paths);
  out.name = settings.text("browser.containerPrefix") + derived_name(view.scope_key) + "-" +
             gateway.substr(0, 6);
  out.spec["gatewayId"] = gateway;
  out.spec["scopeKey"] = out.scope_key;
  out.spec["sessionKey"] = out.session_key;
  out.spec["agentId"] = out.agent_id;
  out.spec["name"] = out.name;
  out.spec["configHash"] = out.config_hash;
  return out;
}

}  // namespace openclaw::sandbox
