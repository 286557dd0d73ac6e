// logs [--follow].
#include <CLI/CLI.hpp>

#include "cli/cli.h"
#include "json_pointer.h"

namespace openclaw::cli {
namespace {

using gateway_client::ConnectAs;
using gateway_client::GatewayClient;
using std::chrono::milliseconds;

struct Flags {
  int limit = 200;
  bool follow = false;
};

// One log line for people: "12:00:01 warn  message"; other text passes unchanged.
std::string readable(std::string_view line) {
  boost::system::error_code failed;
  auto parsed = json::parse(line, failed);
  if (failed || !parsed.is_object()) return std::string(line);
  std::string message = text_at(parsed, "/0");
  if (auto more = text_at(parsed, "/1"); !more.empty()) message += " " + more;
  return text_at(parsed, "/time") + " " + text_at(parsed, "/_meta/logLevelName") + " " + message;
}

Awaitable<Result<void>> tail(GatewayClient* client, Context* context, Flags flags) {
  json::value cursor;
  for (;;) {
    json::object params{{"limit", flags.limit}, {"maxBytes", 250000}};
    if (!cursor.is_null()) params["cursor"] = cursor;
    auto answer = co_await client->call("logs.tail", std::move(params), Limits::within(milliseconds(10000)));
    if (answer.has_error()) co_return answer.error();
    const auto* lines = find_at(*answer, "/lines");
    if (lines && lines->is_array()) {
      for (const auto& line : lines->as_array()) {
        if (!line.is_string()) continue;
        context->out().line(context->json ? std::string(line.as_string()) : readable(line.as_string()));
      }
    }
    std::fflush(stdout);
    if (!flags.follow) co_return Result<void>();
    if (const auto* next = find_at(*answer, "/cursor")) cursor = *next;
    // The protocol has no log event: clients ask once a second, as the reference says.
    asio::steady_timer pause(co_await asio::this_coro::executor, std::chrono::seconds(1));
    co_await pause.async_wait(asio::use_awaitable);
  }
}

}  // namespace

void add_logs_commands(CLI::App& app, Context& context) {
  auto flags = std::make_shared<Flags>();
  auto* logs = app.add_subcommand("logs", "Print the gateway's log");
  logs->add_option("--limit", flags->limit, "Lines to start with")->check(CLI::PositiveNumber);
  logs->add_flag("--follow,-f", flags->follow, "Go on as the log grows");
  add_gateway_flags(*logs, context);
  add_json_flag(*logs, context);
  logs->callback([&context, flags] {
    context.with_gateway(ConnectAs::kFull, {}, [&](GatewayClient& client, const json::object&) {
      return tail(&client, &context, *flags);
    });
  });
}

}  // namespace openclaw::cli
