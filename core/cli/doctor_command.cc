// doctor: what keeps this installation from working, each with the command to type.
#include <CLI/CLI.hpp>

#include "cli/cli.h"
#include "cli/doctor_checks.h"
#include "gateway_client/target.h"
#include "installation/installation.h"
#include "json_pointer.h"
#include "program/offline.h"
#include "program/state_lock.h"

namespace openclaw::cli {
namespace {

using gateway_client::ConnectAs;
using gateway_client::GatewayClient;
using std::chrono::milliseconds;
using Status = Check::Status;

void add(std::vector<Check>& out, std::string id, std::string title, Status status,
         std::string detail, std::string fix = {}) {
  out.push_back(
      {std::move(id), std::move(title), status, std::move(detail), std::move(fix), {}, false});
}

// Answers of a gateway that runs; a missing one stays null.
struct Answers {
  json::value health, channels, models;
};

Awaitable<Result<void>> ask_all(GatewayClient* client, milliseconds limit, Answers* out) {
  auto health = co_await client->call("health", json::value(), Limits::within(limit));
  if (health.has_error()) co_return health.error();
  out->health = std::move(*health);
  json::object probe{{"probe", false}, {"timeoutMs", 5000}};
  auto channels = co_await client->call("channels.status", std::move(probe), Limits::within(limit));
  if (channels.has_value()) out->channels = std::move(*channels);
  auto models = co_await client->call("models.list", json::object(), Limits::within(limit));
  if (models.has_value()) out->models = std::move(*models);
  co_return Result<void>();
}

Awaitable<> ask_gateway(Runtime* runtime, GatewayClient* client, milliseconds limit, Answers* out,
                        std::optional<Error>* failure) {
  auto hello = co_await client->connect(ConnectAs::kFull, {}, Limits::within(limit));
  if (hello.has_error()) {
    *failure = hello.error();
  } else {
    auto asked = co_await ask_all(client, limit, out);
    if (asked.has_error()) *failure = asked.error();
  }
  co_await client->close();
  runtime->loop().stop();
}

std::optional<Error> ask_gateway(const Context& context, gateway_client::Target target,
                                 Answers& out) {
  Runtime runtime;
  GatewayClient client(runtime, std::move(target), context.paths().state_dir);
  std::optional<Error> failure;
  asio::co_spawn(runtime.loop(),
                 ask_gateway(&runtime, &client, milliseconds(context.timeout_ms), &out, &failure),
                 [&](const std::exception_ptr& thrown) {
                   if (thrown)
                     failure = Error(Code::kInternal, "the connection failed unexpectedly");
                 });
  runtime.loop().run();
  return failure;
}

void check_channels(const json::value& status, std::vector<Check>& out) {
  const auto* accounts = find_at(status, "/channelAccounts");
  std::size_t running = 0, set_up = 0;
  for (const auto& [channel, list] :
       accounts && accounts->is_object() ? accounts->get_object() : json::object()) {
    for (const auto& account : list.is_array() ? list.get_array() : json::array()) {
      const auto* enabled = find_at(account, "/enabled");
      if (enabled && enabled->is_bool() && !enabled->get_bool()) continue;
      const auto* warnings = find_at(account, "/warnings");
      for (const auto& warning :
           warnings && warnings->is_array() ? warnings->get_array() : json::array()) {
        add(out, "channels.warning",
            "Channel " + std::string(channel) + "/" + text_at(account, "/accountId", "default"),
            Status::kWarn, warning.is_string() ? std::string(warning.get_string()) : "");
      }
      auto error = text_at(account, "/lastError");
      const auto* configured = find_at(account, "/configured");
      bool ready = configured && configured->is_bool() && configured->get_bool();
      if (error.empty() && ready) {
        ++running;
        continue;
      }
      if (error.empty()) continue;  // a plugin is there, and nobody set the channel up
      ++set_up;
      add(out, "channels.failing",
          "Channel " + std::string(channel) + "/" + text_at(account, "/accountId", "default"),
          Status::kFail, error, "openclaw channels status --probe");
    }
  }
  if (running > 0) {
    add(out, "channels.running", "Channels", Status::kOk,
        std::to_string(running) + " without error");
  } else if (set_up == 0) {
    add(out, "channels.none", "Channels", Status::kInfo, "none configured",
        "openclaw channels add");
  }
}

void check_gateway(const Context& context, const config::Config& config, std::vector<Check>& out) {
  auto target = gateway_client::resolve_target(config, context.gateway);
  if (target.has_error()) {
    add(out, "gateway.target", "Gateway", Status::kFail, target.error().message,
        "openclaw gateway probe");
    return;
  }
  auto url = target->url;
  bool local = target->loopback && context.gateway.url.empty() &&
               config.get_string("gateway.mode") != "remote";
  auto holder = gateway::running_gateway(context.paths().state_dir);
  if (local && !holder) {
    auto before = out.size();
    check_port(config, out);
    if (out.size() == before) {
      add(out, "gateway.running", "Gateway", Status::kFail,
          "none runs on " + context.paths().state_dir.string(), "openclaw gateway run");
    }
    check_model(config, out);
    return;
  }
  Answers answers;
  if (auto failure = ask_gateway(context, *target, answers)) {
    bool refused =
        failure->code == Code::kUnauthenticated || failure->code == Code::kPermissionDenied;
    std::string detail = failure->message;
    if (holder) detail += " (a gateway runs here as process " + *holder + ")";
    add(out, refused ? "gateway.token" : "gateway.reachable", "Gateway", Status::kFail, detail,
        refused
            ? "openclaw config get gateway.auth.token   # then give it as OPENCLAW_GATEWAY_TOKEN"
            : "openclaw gateway probe");
    return;
  }
  add(out, "gateway.reachable", "Gateway", Status::kOk, url + " answers and accepts the token");
  check_channels(answers.channels, out);
  const auto* models = find_at(answers.models, "/models");
  if (models && models->is_array() && !models->get_array().empty()) {
    add(out, "model.configured", "Model", Status::kOk,
        std::to_string(models->get_array().size()) + " to choose from");
  } else {
    check_model(config, out);
  }
}

std::vector<plugin::PluginInfo> plugins_found(const Context& context, const config::Config& config) {
  Runtime runtime;
  auto services = plugin::HostServices::create(runtime, context.paths().state_dir);
  auto host = plugin::PluginHost::create(
      runtime, installation::host_options(context.paths(), &config), *services);
  host->scan();
  return host->list();
}

std::vector<Check> examine(const Context& context) {
  std::vector<Check> out;
  auto config = context.full_config();
  check_config_file(context.paths(), config, out);
  check_disk(context.paths(), out);
  if (config.has_error()) return out;
  check_mode(context.paths(), **config, out);
  auto plugins = plugins_found(context, **config);
  check_plugins(plugins, out);
  gateway::Offline offline{context.paths(), *config, milliseconds(context.timeout_ms)};
  auto probe = [&offline](const sandbox::View& view) { return probe_sandbox(offline, view); };
  check_sandbox(context.paths(), **config, plugins, probe, out);
  check_gateway(context, **config, out);
  return out;
}

void repair(std::vector<Check>& checks) {
  for (auto& check : checks) {
    if (!check.repair || check.status == Status::kOk) continue;
    auto done = check.repair();
    if (done.has_error()) {
      check.detail += "; the repair failed: " + done.error().message;
    } else {
      check.fixed = true;
    }
  }
}

bool is_wrong(const Check& check) {
  return check.status == Status::kFail && !check.fixed;
}

void print(Context& context, const std::vector<Check>& checks) {
  std::size_t wrong = 0, repairable = 0;
  for (const auto& check : checks) {
    auto colour = check.fixed || check.status == Status::kOk ? Colour::kGreen
                  : check.status == Status::kFail            ? Colour::kRed
                  : check.status == Status::kWarn            ? Colour::kYellow
                                                             : Colour::kDim;
    std::string word = check.fixed ? "fixed" : std::string(status_name(check.status));
    if (is_wrong(check)) ++wrong;
    if (is_wrong(check) && check.repair) ++repairable;
    word.resize(5, ' ');
    context.out().line(context.out().paint(colour, word) + " " + check.title + ": " + check.detail);
    if (!check.fixed && !check.fix.empty() && check.status != Status::kOk) {
      context.out().line("      fix: " + check.fix);
    }
  }
  if (wrong == 0) {
    context.out().line("Nothing is wrong.");
    return;
  }
  context.out().line(
      std::to_string(wrong) + (wrong == 1 ? " problem." : " problems.") +
      (repairable > 0 ? " openclaw doctor --fix repairs " + std::to_string(repairable) + " of them."
                      : ""));
}

void doctor(Context& context, bool fix) {
  auto checks = examine(context);
  if (fix) repair(checks);
  bool ok = true;
  json::array rows;
  for (const auto& check : checks) {
    ok = ok && !is_wrong(check);
    json::object row{{"id", check.id},
                     {"title", check.title},
                     {"status", check.fixed ? "fixed" : status_name(check.status)},
                     {"detail", check.detail}};
    if (!check.fix.empty()) row["fix"] = check.fix;
    row["repairable"] = static_cast<bool>(check.repair);
    rows.emplace_back(std::move(row));
  }
  if (!ok) context.exit_code = kFailed;
  if (context.json) {
    context.out().print_json(json::object{{"ok", ok}, {"checks", std::move(rows)}});
  } else {
    print(context, checks);
  }
}

}  // namespace

void add_doctor_commands(CLI::App& app, Context& context) {
  auto fix = std::make_shared<bool>(false);
  auto* command = app.add_subcommand("doctor", "Find what is wrong, and what to type about it");
  command->add_flag("--fix,--repair", *fix,
                    "Repair what needs no decision (file modes, gateway.mode)");
  add_gateway_flags(*command, context);
  add_json_flag(*command, context);
  command->callback([&context, fix] { doctor(context, *fix); });
}

}  // namespace openclaw::cli
