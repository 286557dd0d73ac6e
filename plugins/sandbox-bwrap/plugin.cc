#include <openclaw/plugin.hpp>

#include "backend.h"
#include "openclaw_manifest.h"

using openclaw::bwrap::BwrapBackend;
OPENCLAW_PLUGIN(BwrapBackend, OPENCLAW_PLUGIN_ID, openclaw_manifest_json);
