#include <algorithm>
#include <cctype>

#include "json_fields.h"
#include "process/process_tools.h"
#include "process/shared_state.h"
#include "process/terminal_keys.h"
#include "utf8.h"

namespace openclaw::process {

namespace {

using namespace std::chrono_literals;
using tool::ToolResult;

constexpr std::int64_t kMaxPollMs = 120'000;
constexpr std::int64_t kDefaultLogLines = 200;

json::object process_schema() {
  json::object properties;
  properties["action"] = json::object{{"type", "string"},
                                      {"enum", json::array{"list", "poll", "log", "write", "submit",
                                                           "send-keys", "kill", "clear", "remove"}},
                                      {"description",
                                       "list: commands of this session. poll: new output and "
                                       "state. log: lines of the whole output. write: "
                                       "text to its input. submit: text and Enter. send-keys: "
                                       "named keys. kill: end it. clear: forget an "
                                       "ended one. remove: end and forget."}};
  properties["sessionId"] =
      json::object{{"type", "string"}, {"description", "From exec; needed for all but list."}};
  properties["data"] =
      json::object{{"type", "string"}, {"description", "Text for write and submit."}};
  properties["keys"] = json::object{
      {"type", "array"},
      {"items", json::object{{"type", "string"}}},
      {"description",
       "For send-keys: Enter, Tab, Escape, Up, C-c ...; anything else is typed as it is."}};
  properties["eof"] =
      json::object{{"type", "boolean"}, {"description", "Close the input after write."}};
  properties["offset"] = json::object{
      {"type", "integer"}, {"description", "log: first line, from 0; default: the last lines."}};
  properties["limit"] =
      json::object{{"type", "integer"}, {"description", "log: how many lines. Default 200."}};
  properties["timeout"] = json::object{
      {"type", "number"}, {"description", "poll: milliseconds to wait for news. Default 0."}};
  return {{"type", "object"},
          {"properties", std::move(properties)},
          {"required", json::array{"action"}},
          {"additionalProperties", false}};
}

std::optional<std::int64_t> count_of(const json::object& args, std::string_view key) {
  const json::value* value = args.if_contains(key);
  if (!value || !value->is_number()) return std::nullopt;
  return static_cast<std::int64_t>(std::clamp(value->to_number<double>(), 0.0, 1e9));
}

json::object line_of(const CommandSession& session) {
  json::object line = end_details(session);
  line["sessionId"] = session.id;
  line["command"] = valid_utf8(session.command.substr(0, 200));
  line["outputBytes"] = session.output.total_bytes();
  return line;
}

ToolResult list_of(const std::vector<std::shared_ptr<CommandSession>>& sessions) {
  std::string text;
  json::array lines;
  for (const auto& session : sessions) {
    text += session->id + "  " + session->status + "  " +
            std::to_string(session->duration_ms() / 1000) + " s  " +
            valid_utf8(session->command.substr(0, 120)) + "\n";
    lines.push_back(line_of(*session));
  }
  if (text.empty()) text = "No commands in the background.";
  return ToolResult::text(std::move(text),
                          {{"status", "completed"}, {"sessions", std::move(lines)}});
}

ToolResult log_of(const CommandSession& session, const json::object& args) {
  std::string all = session.output.text();
  std::vector<std::string_view> lines;
  for (std::size_t at = 0; at < all.size();) {
    auto end = std::min(all.find('\n', at), all.size());
    lines.push_back(std::string_view(all).substr(at, end - at));
    at = end + 1;
  }
  auto total = static_cast<std::int64_t>(lines.size());
  std::int64_t limit = count_of(args, "limit").value_or(kDefaultLogLines);
  std::int64_t first = count_of(args, "offset").value_or(std::max<std::int64_t>(0, total - limit));
  std::int64_t last = std::min(total, first + limit);
  std::string text;
  for (std::int64_t i = std::min(first, total); i < last; ++i) {
    text += std::string(lines[static_cast<std::size_t>(i)]) + "\n";
  }
  if (text.empty()) text = "(no output)\n";
  text += "[lines " + std::to_string(std::min(first, total)) + " to " + std::to_string(last) +
          " of " + std::to_string(total) + "; " + end_text(session) + "]";
  json::object details = line_of(session);
  details["totalLines"] = total;
  return ToolResult::text(std::move(text), std::move(details));
}

class ProcessTool final : public tool::Tool {
 public:
  explicit ProcessTool(std::shared_ptr<SharedState> state) : state_(std::move(state)) {
    spec_.name = "process";
    spec_.label = "Manage commands";
    spec_.description =
        "Follows and controls commands that exec started in the background: list, poll, log, "
        "write, submit, "
        "send-keys, kill, clear, remove.";
    spec_.parameters = process_schema();
    spec_.group = "runtime";
    spec_.gateway_tool = false;
  }
  const tool::ToolSpec& spec() const override { return spec_; }

 private:
  Awaitable<Result<ToolResult>> run(tool::ToolCall call, Limits limits) override;
  Awaitable<Result<ToolResult>> poll(std::shared_ptr<CommandSession> session, json::object args,
                                     Limits limits);
  Awaitable<Result<ToolResult>> write(std::shared_ptr<CommandSession> session, std::string data,
                                      bool eof, Limits limits);
  Awaitable<Result<ToolResult>> kill(std::shared_ptr<CommandSession> session, bool forget,
                                     Limits limits);

  std::shared_ptr<SharedState> state_;
  tool::ToolSpec spec_;
};

Awaitable<Result<ToolResult>> ProcessTool::poll(std::shared_ptr<CommandSession> session,
                                                json::object args, Limits limits) {
  std::int64_t patience = std::min(count_of(args, "timeout").value_or(0), kMaxPollMs);
  if (patience > 0) {
    Limits wait = limits.with_deadline(Deadline::after(std::chrono::milliseconds(patience)));
    auto changed = co_await session->wait_for_change(wait);
    if (changed.has_error() && changed.error().code == Code::kCancelled) co_return changed.error();
  }
  std::string text = session->output.take_new();
  if (text.empty()) text = "(no new output)";
  if (text.back() != '\n') text += '\n';
  text += "[" + end_text(*session) + "]";
  co_return ToolResult::text(std::move(text), line_of(*session));
}

Awaitable<Result<ToolResult>> ProcessTool::write(std::shared_ptr<CommandSession> session,
                                                 std::string data, bool eof, Limits limits) {
  if (!session->running()) {
    co_return ToolResult::failure("The command has ended: " + end_text(*session),
                                  line_of(*session));
  }
  std::size_t bytes = data.size();
  auto written = co_await session->exec->write(std::move(data), eof, limits);
  if (written.has_error()) {
    co_return ToolResult::failure(written.error().message, line_of(*session));
  }
  co_return ToolResult::text("Wrote " + std::to_string(bytes) + " bytes to session " + session->id +
                                 (eof ? " and closed its input." : "."),
                             line_of(*session));
}

Awaitable<Result<ToolResult>> ProcessTool::kill(std::shared_ptr<CommandSession> session,
                                                bool forget, Limits limits) {
  bool was_running = session->running();
  if (was_running) {
    session->kill.abort("the process tool killed it");
    Limits until_gone = limits.with_deadline(Deadline::after(15s));
    auto gone = co_await session->wait_for_end(until_gone);
    if (gone.has_error()) co_return gone.error();
  }
  if (forget) state_->sessions.forget(session->id);
  co_return ToolResult::text((was_running ? "Killed session " : "Session had ended: ") +
                                 session->id + (forget ? ", removed." : "."),
                             line_of(*session));
}

Awaitable<Result<ToolResult>> ProcessTool::run(tool::ToolCall call, Limits limits) {
  std::string action = text_of(call.args, "action");
  if (action == "list") co_return list_of(state_->sessions.of(call.caller.session_key));
  std::string id = text_of(call.args, "sessionId");
  auto session = state_->sessions.find(call.caller.session_key, id);
  if (!session) {
    co_return ToolResult::failure(id.empty() ? "sessionId is missing; see {\"action\":\"list\"}"
                                             : "No command with sessionId " + id +
                                                   " in this session; see {\"action\":\"list\"}");
  }
  if (action == "poll") co_return co_await poll(session, call.args, limits);
  if (action == "log") co_return log_of(*session, call.args);
  std::string data = text_of(call.args, "data");
  if (action == "write") {
    const json::value* eof = call.args.if_contains("eof");
    bool close = eof && eof->is_bool() && eof->get_bool();
    co_return co_await write(session, std::move(data), close, limits);
  }
  if (action == "submit") {
    data += session->pty ? "\r" : "\n";
    co_return co_await write(session, std::move(data), false, limits);
  }
  if (action == "send-keys") {
    const json::value* keys = call.args.if_contains("keys");
    for (const auto& key : keys && keys->is_array() ? keys->get_array() : json::array{}) {
      if (key.is_string()) data += key_sequence(key.get_string());
    }
    if (data.empty()) co_return ToolResult::failure("send-keys needs keys, for example [\"C-c\"]");
    co_return co_await write(session, std::move(data), false, limits);
  }
  if (action == "kill") co_return co_await kill(session, false, limits);
  if (action == "remove") co_return co_await kill(session, true, limits);
  if (session->running()) {
    co_return ToolResult::failure("Session " + id + " is still running; kill or remove it",
                                  line_of(*session));
  }
  state_->sessions.forget(id);
  co_return ToolResult::text("Cleared session " + id + ".");
}

}  // namespace

std::unique_ptr<tool::Tool> make_process_tool(std::shared_ptr<SharedState> state) {
  return std::make_unique<ProcessTool>(std::move(state));
}

std::shared_ptr<ProcessTools> register_process_tools(tool::ToolRouter& router,
                                                     sandbox::SandboxManager& sandboxes,
                                                     Runtime& runtime,
                                                     config::ConfigStore& config) {
  auto state = std::make_shared<SharedState>(router, sandboxes, runtime, config);
  // A name that is taken already stays with its tool: the router says so, and nothing here depends
  // on it.
  static_cast<void>(router.add(make_exec_tool(state)));
  static_cast<void>(router.add(make_process_tool(state)));
  return state;
}

}  // namespace openclaw::process
