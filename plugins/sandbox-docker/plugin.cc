#include <openclaw/plugin.hpp>

#include "backend.h"
#include "openclaw_manifest.h"

using openclaw::docker::DockerBackend;
OPENCLAW_PLUGIN(DockerBackend, OPENCLAW_PLUGIN_ID, openclaw_manifest_json);
