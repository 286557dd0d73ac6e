// gateway run|status|probe|health|call, dashboard.
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>

#include <CLI/CLI.hpp>

#include "cli/cli.h"
#include "program/gateway.h"
#include "gateway_client/target.h"

namespace openclaw::cli {
namespace {

using gateway_client::ConnectAs;
using gateway_client::GatewayClient;

void add_run_flags(CLI::App& command, const std::shared_ptr<gateway::RunOptions>& options) {
  command.add_option("--port", options->port, "Port to listen on (default: gateway.port, 18789)");
  command.add_option("--bind", options->bind, "loopback, lan, tailnet, auto or custom")
      ->check(CLI::IsMember({"loopback", "lan", "tailnet", "auto", "custom"}));
  command.add_option("--token", options->token,
                     "Token for this run (visible to other users in ps; prefer OPENCLAW_GATEWAY_TOKEN)");
  command.add_flag("--allow-unconfigured", options->allow_unconfigured,
                   "Start even when gateway.mode is not set to local");
  command.add_flag("--verbose,-v", options->verbose, "Log more");
}

// What a probe found out, in the words and shape of `gateway probe`.
struct Probe {
  json::object answers;
  bool scope_limited = false;
};

Awaitable<Result<void>> probe_session(GatewayClient* client, Probe* probe, std::chrono::milliseconds limit) {
  for (const char* method : {"health", "status", "system-presence", "config.get"}) {
    auto params = std::string_view(method) == "config.get" ? json::value(json::object()) : json::value();
    auto answer = co_await client->call(method, std::move(params), Limits::within(limit));
    if (answer.has_value()) {
      probe->answers[method] = std::move(*answer);
    } else if (answer.error().message.find("missing scope") != std::string::npos) {
      probe->scope_limited = true;
    } else {
      co_return answer.error();
    }
  }
  co_return Result<void>();
}

void probe(Context& context) {
  Probe found;
  auto limit = std::chrono::milliseconds(context.timeout_ms);
  auto config = context.quick_config();
  std::string url;
  if (config) {
    if (auto target = gateway_client::resolve_target(**config, context.gateway)) {
      url = target->url;
      if (!context.json) context.out().line("Gateway target: " + url + " (source: " + target->url_source + ")");
    }
  }
  auto started = std::chrono::steady_clock::now();
  bool ok = context.with_gateway(ConnectAs::kProbe, {}, [&](GatewayClient& client, const json::object&) {
    return probe_session(&client, &found, limit);
  });
  if (!ok) return;
  auto took = std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - started);
  if (context.json) {
    context.out().print_json(json::object{{"ok", true},
                                          {"url", url},
                                          {"connectLatencyMs", took.count()},
                                          {"scopeLimited", found.scope_limited},
                                          {"answers", std::move(found.answers)}});
    return;
  }
  context.out().line(context.out().paint(Colour::kGreen, "Reachable: yes") + " (" +
                     std::to_string(took.count()) + " ms)");
  context.out().line(std::string("RPC: ") + (found.scope_limited ? "limited - missing scope: operator.read "
                                                                   "(normal for a probe without a device)"
                                                                 : "ok"));
}

void call_method(Context& context, const std::string& method, const std::string& params_text) {
  boost::system::error_code failed;
  auto params = json::parse(params_text, failed);
  if (failed) {
    context.out().error("--params is not JSON: " + failed.message() + ". Example: --params '{\"limit\":5}'");
    context.exit_code = kUsage;
    return;
  }
  if (auto answer = context.call_gateway(ConnectAs::kFull, method, std::move(params))) {
    context.out().print_json(*answer);
  }
}

bool open_browser(const std::string& url) {
  pid_t child = fork();
  if (child == 0) {
    execlp("xdg-open", "xdg-open", url.c_str(), static_cast<char*>(nullptr));
    _exit(127);
  }
  int status = 0;
  return child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

void dashboard(Context& context, bool no_open) {
  auto config = context.quick_config();
  if (config.has_error()) {
    context.fail(config.error());
    context.exit_code = kConfigError;
    return;
  }
  auto port = (*config)->get_int("gateway.port", 18789);
  std::string url = "http://127.0.0.1:" + std::to_string(port) + "/";
  // The token travels in the fragment, which no browser sends to any server.
  std::string token = (*config)->get_string("gateway.auth.token");
  std::string link = token.empty() ? url : url + "#token=" + token;
  if (context.json) {
    context.out().print_json(json::object{{"url", url}, {"link", link}});
  } else {
    context.out().line("Dashboard URL: " + link);
  }
  if (!no_open && context.out().is_terminal() && !open_browser(link)) {
    context.out().note("No browser could be opened; copy the address above.");
  }
}

}  // namespace

void add_gateway_commands(CLI::App& app, Context& context) {
  auto* group = app.add_subcommand("gateway", "Run and inspect the gateway");
  group->require_subcommand(0, 1);
  auto options = std::make_shared<gateway::RunOptions>();
  auto start = [options, &context] { context.exit_code = gateway::run_gateway(context.paths(), *options); };
  auto* run = group->add_subcommand("run", "Run the gateway in the foreground");
  add_run_flags(*run, options);
  run->callback(start);
  // `openclaw gateway --port N` is the same as `openclaw gateway run --port N`.
  add_run_flags(*group, options);
  group->callback([group, start] {
    if (group->get_subcommands().empty()) start();
  });

  auto* probe_command = group->add_subcommand("probe", "Connect and report what answers");
  add_gateway_flags(*probe_command, context);
  add_json_flag(*probe_command, context);
  probe_command->callback([&context] { probe(context); });

  auto* call = group->add_subcommand("call", "Call a gateway method");
  auto method = std::make_shared<std::string>();
  auto params = std::make_shared<std::string>("{}");
  call->add_option("method", *method, "Method name, for example status")->required();
  call->add_option("--params", *params, "Parameters as JSON");
  add_gateway_flags(*call, context);
  add_json_flag(*call, context);
  call->callback([&context, method, params] { call_method(context, *method, *params); });

  auto* dash = app.add_subcommand("dashboard", "Print (and open) the address of the web page");
  auto no_open = std::make_shared<bool>(false);
  dash->add_flag("--no-open", *no_open, "Only print the address");
  add_json_flag(*dash, context);
  dash->callback([&context, no_open] { dashboard(context, *no_open); });
}

}  // namespace openclaw::cli
