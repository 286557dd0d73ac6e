// agent, tools.
#include <CLI/CLI.hpp>

#include "cli/cli.h"
#include "identity/device_identity.h"
#include "json_pointer.h"

namespace openclaw::cli {
namespace {

using gateway_client::ConnectAs;
using gateway_client::GatewayClient;
using std::chrono::milliseconds;

// The gateway's own limit for a tool, and the way there and back.
constexpr milliseconds kToolTime{10 * 60 * 1000 + 5000};

struct AgentFlags {
  std::string message, agent, session, thinking;
  int timeout_s = 600;
};

// Prints the assistant's text as it grows, when somebody watches.
class StreamPrinter {
 public:
  explicit StreamPrinter(Output& out) : out_(out) {}
  void operator()(std::string_view event, const json::object& payload, const std::string& run_id) {
    if (event != "agent") return;
    const auto* run = payload.if_contains("runId");
    const auto* stream = payload.if_contains("stream");
    const auto* data = payload.if_contains("data");
    if (!run || *run != json::value(run_id) || !stream || !data || !data->is_object()) return;
    if (*stream == json::value("assistant")) {
      if (const auto* delta = data->as_object().if_contains("delta"); delta && delta->is_string()) {
        std::fwrite(delta->as_string().data(), 1, delta->as_string().size(), stdout);
        std::fflush(stdout);
        printed_ = true;
      }
    } else if (*stream == json::value("tool")) {
      const auto* phase = data->as_object().if_contains("phase");
      const auto* name = data->as_object().if_contains("name");
      if (phase && *phase == json::value("start") && name && name->is_string()) {
        out_.note("[" + std::string(name->as_string()) + "]");
      }
    }
  }
  bool printed() const { return printed_; }

 private:
  Output& out_;
  bool printed_ = false;
};

Awaitable<Result<void>> agent_session(GatewayClient* client, json::object params, milliseconds limit,
                                      json::value* answer) {
  auto result = co_await client->call("agent", std::move(params), Limits::within(limit), true);
  if (result.has_error()) co_return result.error();
  *answer = std::move(*result);
  co_return Result<void>();
}

std::string reply_text(const json::value& answer) {
  std::string text;
  const auto* payloads = find_at(answer, "/result/payloads");
  if (payloads && payloads->is_array()) {
    for (const auto& payload : payloads->as_array()) {
      auto part = text_at(payload, "/text");
      if (!part.empty()) text += (text.empty() ? "" : "\n\n") + part;
    }
  }
  return text;
}

void run_agent(Context& context, const AgentFlags& flags) {
  std::string run_id = identity::uuid_v4();
  json::object params{{"message", flags.message}, {"idempotencyKey", run_id}, {"deliver", false},
                      {"timeout", flags.timeout_s}};
  if (!flags.agent.empty()) params["agentId"] = flags.agent;
  if (!flags.session.empty()) params["sessionKey"] = flags.session;
  if (!flags.thinking.empty()) params["thinking"] = flags.thinking;
  json::value answer;
  StreamPrinter printer(context.out());
  bool watch = !context.json && context.out().is_terminal();
  bool ok = context.with_gateway(ConnectAs::kFull, {}, [&](GatewayClient& client, const json::object&) {
    if (watch) {
      client.on_event([&](std::string_view event, const json::object& payload) { printer(event, payload, run_id); });
    }
    return agent_session(&client, params, milliseconds(flags.timeout_s * 1000 + 5000), &answer);
  });
  if (!ok) return;
  if (context.json) {
    context.out().print_json(answer);
  } else {
    context.out().line(printer.printed() ? "" : reply_text(answer));
  }
}

struct ToolFlags {
  std::string tool, args = "{}", session, agent;
};

void invoke_tool(Context& context, const ToolFlags& flags) {
  boost::system::error_code failed;
  auto args = json::parse(flags.args, failed);
  if (failed || !args.is_object()) {
    context.out().error("--args must be a JSON object, for example --args '{\"command\":\"uname -a\"}'");
    context.exit_code = kUsage;
    return;
  }
  json::object params{{"tool", flags.tool}, {"args", std::move(args)}};
  if (!flags.session.empty()) params["sessionKey"] = flags.session;
  if (!flags.agent.empty()) params["agentId"] = flags.agent;
  auto answer = context.call_gateway(ConnectAs::kFull, "tools.invoke", std::move(params), kToolTime);
  if (!answer) return;
  const auto* is_error = find_at(*answer, "/result/isError");
  if (is_error && is_error->is_bool() && is_error->as_bool()) context.exit_code = kFailed;
  if (context.json) {
    context.out().print_json(*answer);
    return;
  }
  const auto* content = find_at(*answer, "/result/content");
  if (!content || !content->is_array()) return;
  for (const auto& block : content->as_array()) context.out().line(text_at(block, "/text"));
}

void list_tools(Context& context, const std::string& agent) {
  json::object params{{"includePlugins", true}};
  if (!agent.empty()) params["agentId"] = agent;
  auto answer = context.call_gateway(ConnectAs::kFull, "tools.catalog", std::move(params));
  if (!answer) return;
  if (context.json) {
    context.out().print_json(*answer);
    return;
  }
  std::vector<std::vector<std::string>> rows;
  const auto* groups = find_at(*answer, "/groups");
  if (groups && groups->is_array()) {
    for (const auto& group : groups->as_array()) {
      const auto* members = find_at(group, "/tools");
      if (!members || !members->is_array()) continue;
      for (const auto& tool : members->as_array()) {
        auto description = text_at(tool, "/description");
        rows.push_back({text_at(tool, "/id", "-"), text_at(group, "/id", "-"),
                        description.substr(0, description.find('\n')).substr(0, 70)});
      }
    }
  }
  context.out().table({"TOOL", "GROUP", "DESCRIPTION"}, rows);
}

}  // namespace

void add_agent_commands(CLI::App& app, Context& context) {
  auto flags = std::make_shared<AgentFlags>();
  auto* agent = app.add_subcommand("agent", "Send a message to an agent and print the reply");
  agent->add_option("-m,--message", flags->message, "The message")->required();
  agent->add_option("--agent", flags->agent, "Agent id (default: the default agent)");
  agent->add_option("--session,--session-key", flags->session, "Session key");
  agent->add_option("--thinking", flags->thinking, "off, minimal, low, medium or high");
  agent->add_option("--run-timeout", flags->timeout_s, "Time limit of the turn in seconds");
  add_gateway_flags(*agent, context);
  add_json_flag(*agent, context);
  agent->callback([&context, flags] { run_agent(context, *flags); });

  auto* tools = app.add_subcommand("tools", "List and call tools");
  tools->require_subcommand(1);
  auto call = std::make_shared<ToolFlags>();
  auto* invoke = tools->add_subcommand("invoke", "Call one tool through the policy and print its result");
  invoke->add_option("tool", call->tool, "Tool name")->required();
  invoke->add_option("--args", call->args, "Arguments as a JSON object");
  invoke->add_option("--session,--session-key", call->session, "Session key (default: main)");
  invoke->add_option("--agent", call->agent, "Agent id");
  add_gateway_flags(*invoke, context);
  add_json_flag(*invoke, context);
  invoke->callback([&context, call] { invoke_tool(context, *call); });
  auto* list = tools->add_subcommand("list", "All tools the gateway knows");
  list->add_option("--agent", call->agent, "Agent id");
  add_gateway_flags(*list, context);
  add_json_flag(*list, context);
  list->callback([&context, call] { list_tools(context, call->agent); });
}

}  // namespace openclaw::cli
