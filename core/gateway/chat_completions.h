// POST /v1/chat/completions: an agent turn in the shape OpenAI clients speak. Loop thread only.
#pragma once

#include <memory>

#include "async/awaitable.h"
#include "gateway/http_exchange.h"

namespace openclaw::gateway {

struct ServerState;

Awaitable<HttpResponse> serve_chat_completions(ServerState& state,
                                               std::shared_ptr<HttpExchange> exchange);

}  // namespace openclaw::gateway
