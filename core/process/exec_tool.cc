#include <string.h>

#include <algorithm>
#include <filesystem>
#include <limits>

#include "process/environment.h"
#include "process/host_runner.h"
#include "process/shared_state.h"

namespace openclaw::process {

namespace {

using namespace std::chrono_literals;
namespace fs = std::filesystem;

constexpr std::int64_t kDefaultTimeoutSec = 1800;
constexpr std::int64_t kDefaultYieldMs = 10'000;
constexpr std::int64_t kMaxYieldMs = 600'000;
constexpr auto kUpdateEvery = 250ms;
constexpr std::size_t kTailBytes = 4000;

struct Arguments {
  std::string command, workdir;
  Variables env;
  std::int64_t timeout_sec = kDefaultTimeoutSec;
  std::int64_t yield_ms = kDefaultYieldMs;
  bool background = false, pty = false, takes_input = false;
};

json::object exec_schema() {
  auto text = [](std::string_view description) {
    return json::object{{"type", "string"}, {"description", description}};
  };
  json::object properties;
  properties["command"] = text("Command for sh -c; pipes, redirections and && work.");
  properties["workdir"] =
      text("Folder to run in; relative to the workspace. Default: the workspace.");
  properties["cwd"] = text("Same as workdir.");
  properties["env"] = json::object{{"type", "object"},
                                   {"additionalProperties", json::object{{"type", "string"}}},
                                   {"description", "Variables to add."}};
  properties["timeout"] =
      json::object{{"type", "number"},
                   {"minimum", 0},
                   {"description", "Seconds until it is killed. Default 1800."}};
  properties["yieldMs"] = json::object{
      {"type", "number"},
      {"minimum", 0},
      {"description", "Milliseconds to wait before it goes on in the background. Default 10000."}};
  properties["background"] =
      json::object{{"type", "boolean"}, {"description", "Answer at once; follow it with process."}};
  properties["pty"] = json::object{
      {"type", "boolean"}, {"description", "Give it a terminal, for programs that need one."}};
  return {{"type", "object"},
          {"properties", std::move(properties)},
          {"required", json::array{"command"}},
          {"additionalProperties", false}};
}

std::int64_t count_of(const json::object& args, std::string_view key, std::int64_t otherwise) {
  const json::value* value = args.if_contains(key);
  if (!value || !value->is_number()) return otherwise;
  double number = value->to_number<double>();
  return static_cast<std::int64_t>(std::clamp(number, 0.0, 1e9));
}

Result<Arguments> read_arguments(const json::object& args, std::int64_t default_timeout) {
  Arguments out;
  auto text = [&](std::string_view key) {
    const json::value* value = args.if_contains(key);
    return value && value->is_string() ? std::string(value->get_string()) : std::string();
  };
  auto flag = [&](std::string_view key) {
    const json::value* value = args.if_contains(key);
    return value && value->is_bool() && value->get_bool();
  };
  out.command = text("command");
  if (out.command.empty()) return make_error(Code::kInvalidArgument, "exec: command is empty");
  if (out.command.find('\0') != std::string::npos) {
    return make_error(Code::kInvalidArgument, "exec: command holds a NUL byte");
  }
  out.workdir = text("workdir").empty() ? text("cwd") : text("workdir");
  if (const json::value* env = args.if_contains("env"); env && env->is_object()) {
    for (const auto& [name, value] : env->get_object()) {
      if (!value.is_string()) {
        return make_error(Code::kInvalidArgument,
                          "exec: env." + std::string(name) + " must be a string");
      }
      out.env.emplace_back(name, value.get_string());
    }
  }
  out.timeout_sec = count_of(args, "timeout", default_timeout);
  if (out.timeout_sec == 0) out.timeout_sec = default_timeout;
  out.background = flag("background");
  out.pty = flag("pty");
  out.yield_ms =
      out.background ? 0 : std::min(count_of(args, "yieldMs", kDefaultYieldMs), kMaxYieldMs);
  // Who follows it with the process tool may also want to write to it.
  out.takes_input = out.background || out.pty || args.contains("yieldMs");
  return out;
}

class ExecTool final : public tool::Tool {
 public:
  explicit ExecTool(std::shared_ptr<SharedState> state) : state_(std::move(state)) {
    spec_.name = "exec";
    spec_.label = "Run a command";
    spec_.description =
        "Runs a shell command in the workspace (in the session's sandbox when there is one) and "
        "answers its "
        "output and exit code. A command that takes longer than yieldMs goes on in the background; "
        "follow it "
        "with the process tool. Programs that a command leaves behind are ended with it: use "
        "background for "
        "servers.";
    spec_.parameters = exec_schema();
    spec_.group = "runtime";
    spec_.gateway_tool = false;
  }
  const tool::ToolSpec& spec() const override { return spec_; }

 private:
  Awaitable<Result<tool::ToolResult>> run(tool::ToolCall call, Limits limits) override;
  Awaitable<Result<std::unique_ptr<sandbox::Exec>>> start(sandbox::View view, Arguments arguments,
                                                          std::shared_ptr<CommandSession> session,
                                                          Limits limits);

  std::shared_ptr<SharedState> state_;
  tool::ToolSpec spec_;
};

// What the process tool and the call in the foreground see of the output.
sandbox::OutputSink sink_into(const std::shared_ptr<CommandSession>& session) {
  return [weak = std::weak_ptr(session)](bool, std::string_view data) {
    auto owner = weak.lock();
    if (!owner) return;
    owner->output.append(data);
    owner->notify();
    if (owner->on_output) owner->on_output();
  };
}

Awaitable<Result<std::unique_ptr<sandbox::Exec>>> ExecTool::start(
    sandbox::View view, Arguments arguments, std::shared_ptr<CommandSession> session,
    Limits limits) {
  auto variables = check_variables(arguments.env, !view.sandboxed);
  if (variables.has_error()) co_return variables.error();
  if (view.sandboxed) {
    sandbox::ExecRequest request;
    request.argv = {"sh", "-lc", arguments.command};
    fs::path folder = fs::path(view.workdir) / arguments.workdir;  // absolute ones replace it
    request.cwd = folder.lexically_normal().string();
    request.env = arguments.env;
    request.pty = arguments.pty;
    request.keep_stdin_open = arguments.takes_input;
    session->cwd = request.cwd;
    co_return co_await state_->sandboxes.exec(std::move(view), std::move(request),
                                              sink_into(session), limits);
  }
  HostCommand command;
  command.argv = {"/bin/sh", "-c", arguments.command};
  command.cwd = (view.host_workspace / arguments.workdir).lexically_normal();
  command.env = arguments.env;
  command.pty = arguments.pty;
  command.keep_stdin_open = arguments.takes_input;
  session->cwd = command.cwd.string();
  std::error_code ignored;  // the command's own error names the folder
  fs::create_directories(view.host_workspace, ignored);
  co_return run_on_host(state_->runtime, std::move(command), sink_into(session));
}

void report_updates(CommandSession& session, const tool::ToolCall& call) {
  if (!call.on_update) return;
  auto last = std::make_shared<std::chrono::steady_clock::time_point>();
  session.on_output = [&session, last, update = call.on_update] {
    auto now = std::chrono::steady_clock::now();
    if (now - *last < kUpdateEvery) return;
    *last = now;
    json::array content{{{"type", "text"}, {"text", session.output.tail(kTailBytes)}}};
    update({{"content", std::move(content)}, {"details", {{"status", "running"}}}});
  };
}

tool::ToolResult finished_result(const CommandSession& session) {
  std::string text = session.output.text();
  if (!text.empty() && text.back() != '\n') text += '\n';
  text = (text.empty() ? "(no output)\n" : text) + "[" + end_text(session) + "]";
  json::object details = end_details(session);
  return session.status == "completed"
             ? tool::ToolResult::text(std::move(text), std::move(details))
             : tool::ToolResult::failure(std::move(text), std::move(details));
}

tool::ToolResult running_result(const CommandSession& session) {
  json::object details = end_details(session);
  details["sessionId"] = session.id;
  details["tail"] = session.output.tail(kTailBytes);
  std::string text = "Command still running (session " + session.id +
                     "). Follow it with the process tool: poll, log, write, kill.";
  if (session.output.total_bytes() > 0)
    text += "\nOutput so far:\n" + session.output.tail(kTailBytes);
  return tool::ToolResult::text(std::move(text), std::move(details));
}

Awaitable<Result<tool::ToolResult>> ExecTool::run(tool::ToolCall call, Limits limits) {
  config::Snapshot config = state_->config.current();
  std::int64_t default_timeout = config->get_int("tools.exec.timeoutSec", kDefaultTimeoutSec);
  auto arguments = read_arguments(call.args, default_timeout);
  if (arguments.has_error()) co_return arguments.error();
  sandbox::View view = state_->sandboxes.resolve(call.caller.agent_id, call.caller.session_key);
  if (call.caller.sandboxed && !view.sandboxed) {
    co_return make_error(Code::kPermissionDenied,
                         "exec: the caller is confined to a sandbox, but " + view.why);
  }
  state_->sessions.prune(
      std::chrono::milliseconds(config->get_int("tools.exec.cleanupMs", 1'800'000)));
  auto added = state_->sessions.add(call.caller.session_key);
  if (added.has_error()) co_return added.error();
  std::shared_ptr<CommandSession> session = *added;
  session->command = arguments->command;
  session->sandboxed = view.sandboxed;
  session->pty = arguments->pty;
  session->background = arguments->background;
  report_updates(*session, call);
  Deadline deadline = Deadline::after(std::chrono::seconds(arguments->timeout_sec));
  Limits start_limits = limits.with_deadline(deadline);
  auto started = co_await start(std::move(view), *arguments, session, start_limits);
  if (started.has_error()) {
    state_->sessions.forget(session->id);
    co_return started.error();
  }
  state_->sessions.watch(session, std::move(*started), deadline);
  bool may_yield = state_->router.authorize("process", call.caller).allowed;
  auto patience = std::chrono::milliseconds(arguments->yield_ms);
  Limits until_yield = may_yield ? limits.with_deadline(Deadline::after(patience)) : limits;
  auto ended = co_await session->wait_for_end(until_yield);
  session->on_output = nullptr;
  if (ended.has_value()) {
    if (!session->background) state_->sessions.forget(session->id);
    co_return finished_result(*session);
  }
  bool call_over = ended.error().code == Code::kCancelled || limits.deadline.expired();
  if (!call_over && may_yield) {
    session->background = true;
    co_return running_result(*session);
  }
  session->kill.abort(limits.abort.aborted() ? limits.abort.reason()
                                             : "the time limit of the call passed");
  Limits until_gone = Limits::within(15s);
  co_await session->wait_for_end(until_gone);
  state_->sessions.forget(session->id);
  co_return finished_result(*session);
}

}  // namespace

std::string end_text(const CommandSession& session) {
  if (session.running()) return "still running";
  if (const json::value* code = session.result.if_contains("exitCode")) {
    return "exit code " + json::serialize(*code);
  }
  if (const json::value* signal = session.result.if_contains("signal")) {
    std::string number = json::serialize(*signal);
    const char* name = ::sigabbrev_np(static_cast<int>(signal->to_number<std::int64_t>()));
    return "ended by signal " + number + (name ? " (SIG" + std::string(name) + ")" : std::string());
  }
  if (session.status == "timeout") {
    return "killed after " + std::to_string(session.duration_ms() / 1000) +
           " s: the time limit passed";
  }
  return session.status + ": " + session.error;
}

json::object end_details(const CommandSession& session) {
  json::object details;
  details["status"] = session.status;
  const json::value* code = session.result.if_contains("exitCode");
  details["exitCode"] = code ? *code : json::value(nullptr);
  if (const json::value* signal = session.result.if_contains("signal"))
    details["exitSignal"] = *signal;
  details["durationMs"] = session.duration_ms();
  details["cwd"] = session.cwd;
  details["sandboxed"] = session.sandboxed;
  return details;
}

std::unique_ptr<tool::Tool> make_exec_tool(std::shared_ptr<SharedState> state) {
  return std::make_unique<ExecTool>(std::move(state));
}

}  // namespace openclaw::process
