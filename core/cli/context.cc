#include <algorithm>
#include <cstdlib>

#include <CLI/CLI.hpp>

#include "cli/cli.h"
#include "cli/waiting_line.h"
#include "installation/installation.h"
#include "program/state_lock.h"

namespace openclaw::cli {

using std::chrono::milliseconds;

Context::Context(config::Paths paths) : paths_(std::move(paths)) {}

Result<config::Snapshot> Context::quick_config() const { return config::load(paths_, {}); }

std::vector<config::ForeignSection> Context::foreign_sections() const {
  Runtime runtime;
  auto services = plugin::HostServices::create(runtime, paths_.state_dir);
  auto quick = quick_config();
  auto host = plugin::PluginHost::create(
      runtime, installation::host_options(paths_, quick ? quick->get() : nullptr), *services);
  host->scan();
  return host->foreign_sections();
}

Result<config::Snapshot> Context::full_config() const { return config::load(paths_, foreign_sections()); }

std::optional<config::Snapshot> Context::checked_config() {
  auto config = full_config();
  if (config.has_value()) return *config;
  fail(config.error());
  exit_code = kConfigError;
  return std::nullopt;
}

bool Context::gateway_expected() const {
  const char* url = std::getenv("OPENCLAW_GATEWAY_URL");  // NOLINT(concurrency-mt-unsafe)
  if (!gateway.url.empty() || (url && *url) || gateway::running_gateway(paths_.state_dir)) return true;
  auto config = quick_config();
  return config.has_value() && (*config)->get_string("gateway.mode") == "remote";
}

void Context::fail(const Error& error) {
  const auto* kind = error.details.if_contains("kind");
  exit_code = kind && *kind == json::value("config") ? kConfigError : kFailed;
  if (json) {
    json::object body{{"code", code_name(error.code)}, {"message", error.message}};
    if (!error.details.empty()) body["details"] = error.details;
    out_.print_json(json::object{{"ok", false}, {"error", std::move(body)}});
  } else {
    out_.error(error.message);
  }
}

namespace {

// A coroutine with its captures as parameters: nothing dangles when the caller's frame is gone.
Awaitable<> run_session(Runtime* runtime, gateway_client::GatewayClient* client, gateway_client::ConnectAs as,
                        std::vector<std::string> scopes, milliseconds timeout, Context::Session session,
                        std::optional<Error>* failure) {
  auto hello = co_await client->connect(as, std::move(scopes), Limits::within(timeout));
  if (hello.has_error()) {
    *failure = hello.error();
  } else {
    auto done = co_await session(*client, std::move(*hello));
    if (done.has_error()) *failure = done.error();
  }
  co_await client->close();
  runtime->loop().stop();
}

Awaitable<Result<void>> call_into(gateway_client::GatewayClient* client, std::string method, json::value params,
                                  milliseconds timeout, std::optional<json::value>* answer) {
  auto result = co_await client->call(std::move(method), std::move(params), Limits::within(timeout));
  if (result.has_error()) co_return result.error();
  *answer = std::move(*result);
  co_return Result<void>();
}

}  // namespace

bool Context::with_gateway(gateway_client::ConnectAs as, std::vector<std::string> scopes, Session session,
                           const std::string& waits_for) {
  auto config = quick_config();
  if (config.has_error()) {
    fail(config.error());
    exit_code = kConfigError;
    return false;
  }
  auto target = gateway_client::resolve_target(**config, gateway);
  if (target.has_error()) {
    fail(target.error());
    return false;
  }
  Runtime runtime;
  gateway_client::GatewayClient client(runtime, std::move(*target), paths_.state_dir);
  std::optional<Error> failure;
  asio::co_spawn(runtime.loop(),
                 run_session(&runtime, &client, as, std::move(scopes), milliseconds(timeout_ms),
                             std::move(session), &failure),
                 [&](const std::exception_ptr& thrown) {
                   if (thrown) failure = Error(Code::kInternal, "the connection failed unexpectedly");
                 });
  std::optional<WaitingLine> waiting;
  if (!waits_for.empty()) waiting.emplace(runtime, "Waiting for the gateway (" + waits_for + ")");
  runtime.loop().run();
  waiting.reset();
  if (failure) fail(*failure);
  return !failure;
}

std::optional<json::value> Context::call_gateway(gateway_client::ConnectAs as, std::string method,
                                                 json::value params, milliseconds work_time) {
  std::optional<json::value> answer;
  milliseconds limit(timeout_ms);
  if (!timeout_given) limit = std::max(limit, work_time);
  std::vector<std::string> scopes;
  if (as == gateway_client::ConnectAs::kLeast) scopes = {"operator.read"};
  bool ok = with_gateway(as, std::move(scopes),
                         [&](gateway_client::GatewayClient& client, const json::object&) {
                           return call_into(&client, method, params, limit, &answer);
                         },
                         method);
  return ok ? std::move(answer) : std::nullopt;
}

void add_json_flag(CLI::App& command, Context& context) {
  command.add_flag("--json", context.json, "Print JSON");
}

void add_gateway_flags(CLI::App& command, Context& context) {
  command.add_option("--url", context.gateway.url, "Gateway address (ws:// or wss://)");
  command.add_option("--token", context.gateway.token, "Gateway token");
  command.add_option("--password", context.gateway.password, "Gateway password");
  command.add_option("--timeout", context.timeout_ms, "Time limit in milliseconds")
      ->check(CLI::PositiveNumber)
      ->each([&context](const std::string&) { context.timeout_given = true; });
}

}  // namespace openclaw::cli
