// The two doors from the network to a tool, POST /tools/invoke and the method tools.invoke. Both
// build the same caller and go through ToolRouter::invoke; neither can reach a tool otherwise. Loop
// thread only.
#pragma once

#include <memory>
#include <string>

#include "async/awaitable.h"
#include "gateway/http_exchange.h"
#include "gateway/method_registry.h"
#include "policy/tool_policy.h"

namespace openclaw::gateway {

struct ServerState;

// Who calls a tool in this session, for the policy: agent, model, chat, sandbox, depth of
// sub-agents.
Awaitable<Result<policy::Caller>> tool_caller(ServerState& state, std::string session_key,
                                              std::string agent_id);

Awaitable<HttpResponse> serve_tools_invoke(ServerState& state,
                                           std::shared_ptr<HttpExchange> exchange);
Awaitable<Reply> rpc_tools_invoke(ServerState& state, MethodCall call);

}  // namespace openclaw::gateway
