// logs: from the gateway, or from the newest log file when none runs.
#include <algorithm>
#include <filesystem>
#include <fstream>

#include <CLI/CLI.hpp>

#include "cli/cli.h"
#include "json_pointer.h"

namespace openclaw::cli {
namespace {

using gateway_client::ConnectAs;
using gateway_client::GatewayClient;
using std::chrono::milliseconds;

namespace fs = std::filesystem;

constexpr int kMaxLines = 5000;  // what logs.tail takes
constexpr std::int64_t kMaxTailBytes = 8 * 1024 * 1024;

struct LogFlags {
  int limit = 200;
  bool follow = false, plain = false;
};

Colour colour_of(std::string_view level) {
  if (level == "ERROR" || level == "FATAL" || level == "error" || level == "fatal") return Colour::kRed;
  if (level == "WARN" || level == "warn") return Colour::kYellow;
  if (level == "DEBUG" || level == "TRACE" || level == "debug" || level == "trace") return Colour::kDim;
  return Colour::kNone;
}

// The first field is a text, or {"subsystem":NAME} written as one: then "[NAME]".
std::string subsystem_or_text(const std::string& first) {
  boost::system::error_code failed;
  auto parsed = json::parse(first, failed);
  auto name = failed ? std::string() : text_at(parsed, "/subsystem");
  return name.empty() ? first : "[" + name + "]";
}

// One log line for people: "12:00:01 warn  message"; other text passes unchanged.
std::string readable(const Output& out, std::string_view line, bool plain) {
  boost::system::error_code failed;
  auto parsed = json::parse(line, failed);
  if (failed || !parsed.is_object()) return std::string(line);
  std::string message = subsystem_or_text(text_at(parsed, "/0"));
  if (auto more = text_at(parsed, "/1"); !more.empty()) message += " " + more;
  auto level = text_at(parsed, "/_meta/logLevelName");
  auto text = text_at(parsed, "/time") + " " + level + " " + message;
  return plain ? text : out.paint(colour_of(level), text);
}

void print(Context& context, const LogFlags& flags, std::string_view line) {
  if (context.json) {
    context.out().line(line);
  } else {
    context.out().line(readable(context.out(), line, flags.plain));
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

// The newest openclaw-YYYY-MM-DD.log; the names sort by day.
fs::path newest_file(const config::Paths& paths) {
  fs::path newest;
  std::error_code failed;
  for (fs::directory_iterator at(paths.state_dir / "logs", failed), end; !failed && at != end;
       at.increment(failed)) {
    auto name = at->path().filename().string();
    if (!name.starts_with("openclaw-") || !name.ends_with(".log")) continue;
    if (newest.empty() || name > newest.filename().string()) newest = at->path();
  }
  return newest;
}

// A gateway that does not start leaves its reason in the log: it must be readable without one.
void print_file(Context& context, const LogFlags& flags) {
  auto file = newest_file(context.paths());
  if (file.empty()) {
    context.fail(Error(Code::kNotFound, "No gateway runs on " + context.paths().state_dir.string() +
                                            " and it has no log yet. Start one: openclaw gateway run"));
    return;
  }
  std::ifstream in(file, std::ios::binary | std::ios::ate);
  auto size = static_cast<std::int64_t>(in.tellg());
  if (!in || size < 0) {
    context.fail(Error(Code::kUnavailable, "Cannot read " + file.string()));
    return;
  }
  std::string text(static_cast<std::size_t>(std::min(size, kMaxTailBytes)), '\0');
  in.seekg(size - static_cast<std::int64_t>(text.size()));
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  std::string_view rest = text;
  if (rest.ends_with('\n')) rest.remove_suffix(1);
  std::size_t begin = rest.size();
  for (int line = 0; line < flags.limit && begin != std::string_view::npos; ++line) {
    begin = begin == 0 ? std::string_view::npos : rest.rfind('\n', begin - 1);
  }
  rest.remove_prefix(begin == std::string_view::npos ? 0 : begin + 1);
  while (!rest.empty()) {
    auto end = rest.find('\n');
    print(context, flags, rest.substr(0, end));
    rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
  }
  std::fflush(stdout);
  context.out().note("No gateway runs; this is the end of " + file.string() + ".");
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
  command->add_option("--limit", flags->limit, "Lines to start with")->check(CLI::Range(1, kMaxLines));
  command->add_flag("--follow,-f", flags->follow, "Go on as the log grows");
  command->add_flag("--plain", flags->plain, "No colours");
  add_gateway_flags(*command, context);
  command->add_flag("--json", context.json, "Print the lines as they are in the file: JSON each");
  command->callback([&context, flags] { logs(context, *flags); });
}

}  // namespace openclaw::cli
