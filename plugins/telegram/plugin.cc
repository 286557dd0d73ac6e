#include <openclaw/plugin.hpp>

#include "openclaw_manifest.h"
#include "telegram_plugin.h"

using telegram::TelegramPlugin;
OPENCLAW_PLUGIN(TelegramPlugin, OPENCLAW_PLUGIN_ID, openclaw_manifest_json);
