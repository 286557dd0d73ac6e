// logs: from the gateway, or from the newest log file when none runs.
#include <deque>

#include <CLI/CLI.hpp>

#include "cli/cli.h"
#include "cli/log_lines.h"
#include "json_pointer.h"

namespace openclaw::cli {
namespace {

using gateway_client::ConnectAs;
using gateway_client::GatewayClient;
using std::chrono::milliseconds;

constexpr std::int64_t kMaxTailBytes = 8 * 1024 * 1024;

struct LogFlags {
  int limit = 200;
  bool follow = false, plain = false;
};

void print(Context& context, const LogFlags& flags, std::string_view line) {
  if (context.json) {
    context.out().line(line);
  } else {
    context.out().line(readable_log_line(context.out(), line, flags.plain));
  }
}

Awaitable<Result<void>> tail(GatewayClient* client, Context* context, LogFlags flags) {
  json::value cursor;
  for (;;) {
    json::object params{{"limit", flags.limit}, {"maxBytes", 250000}};
    if (!cursor.is_null()) params["cursor"] = cursor;
    auto answer = co_await client->call("logs.tail", std::move(params), Limits::within(milliseconds(10000)));
    if (answer.has_error()) co_return answer.error();
    const auto* lines = find_at(*answer, "/lines");
    if (lines && lines->is_array()) {
      for (const auto& line : lines->as_array()) {
        if (line.is_string()) print(*context, flags, line.get_string());
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

// A gateway that does not start leaves its reason in the log: it must be readable without one.
void print_file(Context& context, const LogFlags& flags) {
  std::deque<std::string> last;
  auto file = each_log_line(context.paths(), kMaxTailBytes, [&](std::string_view line) {
    last.emplace_back(line);
    if (last.size() > static_cast<std::size_t>(flags.limit)) last.pop_front();
  });
  if (file.has_error()) return context.fail(file.error());
  for (const std::string& line : last) print(context, flags, line);
  std::fflush(stdout);
  context.out().note("No gateway runs; this is the end of " + file->string() + ".");
}

void logs(Context& context, const LogFlags& flags) {
  if (!context.gateway_expected()) return print_file(context, flags);
  context.with_gateway(ConnectAs::kFull, {}, [&](GatewayClient& client, const json::object&) {
    return tail(&client, &context, flags);
  });
}

}  // namespace

void add_logs_commands(CLI::App& app, Context& context) {
  auto flags = std::make_shared<LogFlags>();
  auto* command = app.add_subcommand("logs", "Print the gateway's log");
  command->add_option("--limit", flags->limit, "Lines to start with")->check(CLI::Range(1, kMaxLogLines));
  command->add_flag("--follow,-f", flags->follow, "Go on as the log grows");
  command->add_flag("--plain", flags->plain, "No colours");
  add_gateway_flags(*command, context);
  command->add_flag("--json", context.json, "Print the lines as they are in the file: JSON each");
  command->callback([&context, flags] { logs(context, *flags); });
}

}  // namespace openclaw::cli
