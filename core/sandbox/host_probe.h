// What keeps a backend from making the sandbox of a view on this host. Looks only.
#pragma once

#include <vector>

#include "async/awaitable.h"
#include "plugin/plugin_host.h"
#include "sandbox/sandbox_manager.h"

namespace openclaw::sandbox {

// Empty when the backend cannot tell and the workspace is well. [loop thread]
Awaitable<Result<std::vector<Finding>>> probe_host(Runtime& runtime,
                                                   plugin::PluginInstance& backend, View view,
                                                   Limits limits);

}  // namespace openclaw::sandbox
