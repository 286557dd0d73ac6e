#include "gateway/tool_entry.h"

#include <spdlog/spdlog.h>

#include "gateway/agents_catalogue.h"
#include "gateway/server_state.h"

namespace openclaw::gateway {
namespace {

constexpr std::chrono::minutes kToolTime{10};

bool mentions_providers(const config::Config& config) {
  auto has = [](const json::value* tools) {
    return tools && tools->is_object() && tools->get_object().contains("byProvider");
  };
  if (has(config.find("tools"))) return true;
  const auto* list = config.find("agents.list");
  if (!list || !list->is_array()) return false;
  for (const auto& item : list->get_array()) {
    if (item.is_object() && has(item.get_object().if_contains("tools"))) return true;
  }
  return false;
}

HttpResponse failure(unsigned status, std::string_view type, std::string_view message) {
  json::object error{{"type", type}, {"message", message}};
  return json_response(status, json::object{{"ok", false}, {"error", std::move(error)}});
}

// The known shape, and beside it what every entry says of a refusal.
HttpResponse denied(const std::string& tool, const policy::Verdict& verdict) {
  json::object error{{"type", "not_found"}, {"message", "Tool not available: " + tool}};
  json::object body;
  body["ok"] = false;
  body["error"] = std::move(error);
  body["verdict"] = tool::verdict_json(verdict);
  body["explain"] = verdict.explain(tool);
  return json_response(404, body);
}

HttpResponse not_offered(const std::string& tool) {
  json::object error{{"type", "not_found"}, {"message", "Tool not available: " + tool}};
  json::object body;
  body["ok"] = false;
  body["error"] = std::move(error);
  body["explain"] = "Tool " + tool +
                    " is not offered by POST /tools/invoke; it runs in agent turns and by: "
                    "openclaw tools invoke " +
                    tool;
  return json_response(404, body);
}

HttpResponse tool_failure(const Error& error) {
  switch (error.code) {
    case Code::kInvalidArgument:
    case Code::kFailedPrecondition:
      return failure(400, "tool_error", error.message);
    case Code::kPermissionDenied:
    case Code::kUnauthenticated:
      return failure(403, "tool_error", error.message);
    case Code::kDeadlineExceeded:
      return failure(504, "tool_error", error.message);
    default:
      spdlog::warn("tools/invoke: {}", error.message);
      return failure(500, "tool_error", "tool execution failed");
  }
}

json::object result_json(tool::ToolResult result) {
  json::object out;
  out["content"] = std::move(result.content);
  out["details"] = std::move(result.details);
  if (result.is_error) out["isError"] = true;
  return out;
}

struct Body {
  std::string tool, session_key, agent_id;
  json::object args;
  bool dry_run = false;
};

Result<Body> read_body(const std::string& text) {
  boost::system::error_code bad;
  json::parse_options options;
  options.max_depth = 64;
  auto document =
      json::parse(text.empty() ? std::string_view("{}") : std::string_view(text), bad, {}, options);
  if (bad) return Error(Code::kInvalidArgument, "the body is not JSON: " + bad.message());
  Body body;
  if (!document.is_object())
    return Error(Code::kInvalidArgument, "tools.invoke requires body.tool");
  auto& object = document.get_object();
  body.tool = text_param(object, "tool");
  if (body.tool.find_first_not_of(" \t") == std::string::npos) {
    return Error(Code::kInvalidArgument, "tools.invoke requires body.tool");
  }
  body.session_key = text_param(object, "sessionKey");
  body.dry_run = bool_param(object, "dryRun", false);
  if (auto* args = object.if_contains("args")) {
    if (!args->is_object()) return Error(Code::kInvalidArgument, "body.args must be an object");
    body.args = std::move(args->get_object());
  }
  auto action = text_param(object, "action");
  if (!action.empty() && !body.args.contains("action")) body.args["action"] = action;
  return body;
}

}  // namespace

Awaitable<Result<policy::Caller>> tool_caller(ServerState& state, std::string session_key,
                                              std::string agent_id) {
  auto config = state.snapshot();
  auto written = session_key.empty() ? std::string("main") : session_key;
  auto key = session::canonical_key(written, *config, agent_id);
  if (key.has_error()) co_return key.error();
  auto parts = session::parse_key(key.value(), *config);
  if (parts.has_error()) co_return parts.error();
  if (!agent_exists(*config, parts.value().agent_id)) {
    co_return Error(Code::kNotFound, "unknown agent id \"" + parts.value().agent_id +
                                         "\"; agents.list has the known ones");
  }
  policy::Caller caller;
  caller.agent_id = parts.value().agent_id;
  caller.session_key = key.value();
  caller.channel = parts.value().channel;
  caller.group_id = parts.value().group_id;
  caller.subagent_depth = parts.value().subagent_depth;
  auto model = default_model(*config, caller.agent_id);
  // Only rules by provider need the session's own model; without them the index is left alone.
  if (mentions_providers(*config)) {
    auto entry = co_await state.services.sessions.entry(caller.session_key);
    if (entry.has_value() && entry.value().is_object()) {
      const auto& row = entry.value().get_object();
      auto provider = text_param(row, "providerOverride");
      auto override_model = text_param(row, "modelOverride");
      if (!override_model.empty())
        model = provider.empty() ? override_model : provider + "/" + override_model;
    }
  }
  auto slash = model.find('/');
  if (slash != std::string::npos) {
    caller.provider = model.substr(0, slash);
    caller.model = model.substr(slash + 1);
  } else {
    caller.model = model;
  }
  caller.sandboxed =
      state.services.sandboxes.resolve(caller.agent_id, caller.session_key).sandboxed;
  co_return caller;
}

Awaitable<HttpResponse> serve_tools_invoke(ServerState& state,
                                           std::shared_ptr<HttpExchange> exchange) {
  auto body = read_body(exchange->body());
  if (body.has_error())
    co_return error_response(400, body.error().message, "invalid_request_error");
  auto name = policy::normalise_tool_name(body.value().tool);
  auto caller = co_await tool_caller(state, body.value().session_key, {});
  if (caller.has_error())
    co_return error_response(400, caller.error().message, "invalid_request_error");
  caller.value().is_owner = true;
  caller.value().http_invoke = true;
  if (auto channel = exchange->header("x-openclaw-message-channel"); !channel.empty()) {
    caller.value().channel = channel.substr(0, 64);
  }
  caller.value().account = exchange->header("x-openclaw-account-id").substr(0, 128);
  auto verdict = state.services.tools.authorize(name, caller.value());
  const auto* spec = state.services.tools.find(name);
  // The policy has nothing against it; this door is not for it.
  if (spec && !spec->gateway_tool && verdict.layer == policy::Layer::kNone)
    co_return not_offered(name);
  if (!verdict.allowed) {
    // As the router does for what it refuses itself; a name that no tool has is the caller's text.
    spdlog::info("tool {} refused: layer {}, {} ({}), entry http, agent {}",
                 spec ? spec->name : "(unknown)", policy::layer_name(verdict.layer), verdict.rule,
                 verdict.key, caller.value().agent_id);
    co_return denied(name, verdict);
  }
  if (!spec) co_return not_offered(name);
  if (body.value().dry_run)
    co_return json_response(200, json::object{{"ok", true}, {"dryRun", true}});
  tool::ToolCall call;
  call.tool = name;
  call.args = std::move(body.value().args);
  call.call_id = "http-" + identity::random_token(9);
  call.entry = tool::Entry::kHttp;
  call.caller = std::move(caller.value());
  Limits limits{Deadline::after(kToolTime), exchange->gone()};
  auto result = co_await state.services.tools.invoke(std::move(call), limits);
  if (result.has_error()) {
    // The policy may have changed in between; the answer is the same as if it had been so before.
    if (result.error().code == Code::kNotFound && !state.services.tools.find(name))
      co_return not_offered(name);
    co_return tool_failure(result.error());
  }
  json::object out;
  out["ok"] = true;
  out["result"] = result_json(std::move(result.value()));
  co_return json_response(200, out);
}

Awaitable<Reply> rpc_tools_invoke(ServerState& state, MethodCall call) {
  auto name = policy::normalise_tool_name(text_param(call.params, "tool"));
  auto caller = co_await tool_caller(state, text_param(call.params, "sessionKey"),
                                     text_param(call.params, "agentId"));
  if (caller.has_error()) co_return Reply::failed(caller.error());
  caller.value().is_owner = call.client->is_admin();
  tool::ToolCall invocation;
  invocation.tool = name;
  if (auto* args = call.params.if_contains("args"); args && args->is_object()) {
    invocation.args = std::move(args->get_object());
  }
  invocation.call_id = "rpc-" + identity::random_token(9);
  invocation.entry = call.client->mode == "cli" ? tool::Entry::kCli : tool::Entry::kRpc;
  invocation.caller = std::move(caller.value());
  Limits limits{Deadline::after(kToolTime), call.gone};
  auto result = co_await state.services.tools.invoke(std::move(invocation), limits);
  if (result.has_error()) co_return Reply::failed(result.error());
  json::object out;
  out["ok"] = !result.value().is_error;
  out["tool"] = name;
  out["result"] = result_json(std::move(result.value()));
  co_return Reply::ok(std::move(out));
}

}  // namespace openclaw::gateway
