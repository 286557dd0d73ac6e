// Which channel a method is about, when its caller may leave that out.
#pragma once

#include <string>

#include "gateway/server_state.h"

namespace openclaw::gateway {

// The channel that was named, or the only one that is configured. kInvalidArgument says what to do.
Awaitable<Result<std::string>> known_channel(ServerState& state, std::string channel);

}  // namespace openclaw::gateway
