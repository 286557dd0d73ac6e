#include <openclaw/plugin.hpp>

#include "discord_plugin.h"
#include "openclaw_manifest.h"

using discord::DiscordPlugin;
OPENCLAW_PLUGIN(DiscordPlugin, OPENCLAW_PLUGIN_ID, openclaw_manifest_json);
