// The menu of commands that Telegram offers while a person types. Nothing depends on it. Strand
// only.
#pragma once

#include <cstdint>

#include <openclaw/plugin.hpp>

#include "bot_api.h"
#include "flow.h"
#include "settings.h"

namespace telegram {

// Tells the service the account's commands, when they are not what it was told last; takes back
// what it was told when there are to be none. All three outlive the flow.
openclaw::Flow<openclaw::Nothing> offer_commands(openclaw::Plugin& plugin, BotApi& api,
                                                 const Settings& settings, std::int64_t bot_id);

}  // namespace telegram
