// The tool `message`: an agent sends, edits, deletes or reacts, in its own conversation or another.
#pragma once

#include <string>

#include "channel/channel_service.h"
#include "config/config.h"
#include "tool/tool_router.h"

namespace openclaw::channel {

// Null `channels`: the tool is known, and refuses to run. Both outlive the router's tools.
void register_message_tool(tool::ToolRouter& router, ChannelService* channels,
                           config::ConfigStore& config);

}  // namespace openclaw::channel
