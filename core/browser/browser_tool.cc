#include "browser/browser_tool.h"

#include <optional>

#include <spdlog/spdlog.h>

#include "json_fields.h"
#include "sandbox/sandbox_browsers.h"

namespace openclaw::browser {

namespace {

using sandbox::Browser;
using sandbox::BrowserView;
using sandbox::SandboxBrowsers;
using tool::ToolResult;

constexpr const char* kHostControlKey = "agents.defaults.sandbox.browser.allowHostControl";

json::object browser_schema() {
  auto choice = [](json::array values, std::string_view description) {
    return json::object{
        {"type", "string"}, {"enum", std::move(values)}, {"description", description}};
  };
  json::object properties;
  properties["action"] = choice({"status", "start", "stop"},
                                "status: is it there; start: make it; stop: remove it, "
                                "the profile is kept.");
  properties["target"] =
      choice({"sandbox", "host"}, "Which browser. Default: the sandbox's in a sandboxed session.");
  return {{"type", "object"},
          {"properties", std::move(properties)},
          {"required", json::array{"action"}},
          {"additionalProperties", false}};
}

std::string loopback_url(std::uint16_t port, std::string_view path) {
  return "http://127.0.0.1:" + std::to_string(port) + std::string(path);
}

// The password of the screen is not told: whoever may read the gateway's files finds it there.
ToolResult describe_running(const BrowserView& view, const Browser& browser) {
  json::object details = {{"target", "sandbox"},
                          {"running", true},
                          {"name", view.name},
                          {"headless", view.headless},
                          {"cdpUrl", loopback_url(browser.cdp_port, "")}};
  std::string text = "The sandbox browser runs" + std::string(view.headless ? " (headless)" : "") +
                     ". DevTools (CDP): " + loopback_url(browser.cdp_port, "");
  if (view.watched && browser.novnc_port != 0) {
    std::string observer = loopback_url(browser.novnc_port, "/vnc.html");
    text += "\nIts screen can be watched at " + observer + "; the password is in " +
            view.password_file().string() + " on the gateway's host";
    details["observerUrl"] = std::move(observer);
  }
  return ToolResult::text(std::move(text), std::move(details));
}

ToolResult describe_absent(const BrowserView& view, std::string text) {
  return ToolResult::text(
      std::move(text),
      {{"target", "sandbox"}, {"running", false}, {"name", view.name}, {"enabled", view.enabled}});
}

class BrowserTool final : public tool::Tool {
 public:
  explicit BrowserTool(sandbox::SandboxManager& sandboxes) : sandboxes_(sandboxes) {
    spec_.name = "browser";
    spec_.label = "Use a browser";
    spec_.description =
        "Starts, stops or looks at the browser of the session's sandbox. start answers the address "
        "of its DevTools.";
    spec_.parameters = browser_schema();
    spec_.group = "ui";
  }
  const tool::ToolSpec& spec() const override { return spec_; }

 private:
  Awaitable<Result<ToolResult>> run(tool::ToolCall call, Limits limits) override;
  Awaitable<Result<ToolResult>> status(SandboxBrowsers& browsers, BrowserView view, Limits limits);
  Awaitable<Result<ToolResult>> start(SandboxBrowsers& browsers, BrowserView view, Limits limits);
  Awaitable<Result<ToolResult>> stop(SandboxBrowsers& browsers, BrowserView view, Limits limits);

  sandbox::SandboxManager& sandboxes_;
  tool::ToolSpec spec_;
};

// Why the target cannot be had; nothing when it can.
std::optional<Error> target_refusal(const std::string& target, bool sandboxed,
                                    const BrowserView& view) {
  if (target == "sandbox") {
    if (sandboxed) return std::nullopt;
    return Error(
        Code::kFailedPrecondition,
        "browser: this session has no sandbox, so it has no sandbox browser (see: openclaw "
        "sandbox explain)");
  }
  if (sandboxed && !view.allow_host_control) {
    return Error(Code::kPermissionDenied,
                 "browser: a sandboxed session does not get the host's browser, which would lead "
                 "out of its sandbox. " +
                     std::string(kHostControlKey) + " = true allows it");
  }
  return Error(Code::kUnimplemented,
               "browser: this version drives no browser on the host; use target \"sandbox\" in a "
               "sandboxed session");
}

Awaitable<Result<ToolResult>> BrowserTool::run(tool::ToolCall call, Limits limits) {
  SandboxBrowsers* browsers = sandboxes_.browsers();
  if (!browsers) co_return make_error(Code::kUnimplemented, "browser: no browsers here");
  sandbox::View session = sandboxes_.resolve(call.caller.agent_id, call.caller.session_key);
  BrowserView view = browsers->resolve(call.caller.agent_id, call.caller.session_key);
  // The policy judged this call as a sandboxed one; it must not end on the host.
  if (call.caller.sandboxed && !session.sandboxed) {
    co_return make_error(Code::kUnavailable,
                         "the sandbox settings changed during this call; try again");
  }
  std::string target = text_of(call.args, "target");
  if (target.empty()) target = session.sandboxed ? "sandbox" : "host";
  if (auto refused = target_refusal(target, session.sandboxed, view)) co_return *refused;
  std::string action = text_of(call.args, "action");
  if (action == "start") co_return co_await start(*browsers, std::move(view), limits);
  if (action == "stop") co_return co_await stop(*browsers, std::move(view), limits);
  co_return co_await status(*browsers, std::move(view), limits);
}

Awaitable<Result<ToolResult>> BrowserTool::status(SandboxBrowsers& browsers, BrowserView view,
                                                  Limits limits) {
  if (!view.enabled)
    co_return describe_absent(view,
                              "The sandbox browser is switched off "
                              "(agents.defaults.sandbox.browser.enabled).");
  auto found = co_await browsers.find(view, limits);
  if (found.has_error()) co_return found.error();
  if (!found->has_value() || (*found)->state != "running" || (*found)->cdp_port == 0)
    co_return describe_absent(view, "The sandbox browser does not run; start makes it.");
  co_return describe_running(view, **found);
}

Awaitable<Result<ToolResult>> BrowserTool::start(SandboxBrowsers& browsers, BrowserView view,
                                                 Limits limits) {
  auto browser = co_await browsers.ensure(view, limits);
  if (browser.has_error()) co_return browser.error();
  co_return describe_running(view, *browser);
}

Awaitable<Result<ToolResult>> BrowserTool::stop(SandboxBrowsers& browsers, BrowserView view,
                                                Limits limits) {
  auto removed = co_await browsers.remove(view, limits);
  if (removed.has_error()) co_return removed.error();
  co_return describe_absent(view, *removed ? "The sandbox browser was stopped; its profile is kept."
                                           : "There was no sandbox browser to stop.");
}

}  // namespace

void register_browser_tool(tool::ToolRouter& router, sandbox::SandboxManager& sandboxes) {
  auto added = router.add(std::make_unique<BrowserTool>(sandboxes));
  if (!added) spdlog::error("browser tool: {}", added.error().message);
}

}  // namespace openclaw::browser
