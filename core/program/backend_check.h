// The conformance suite of sandbox backends: whether one does what the gateway and its users rely
// on, tried from outside with real commands. `openclaw plugins check --kind sandbox-backend FILE`.
#pragma once

#include <filesystem>
#include <string>

#include "result.h"

namespace openclaw::gateway {

struct BackendCheck {
  std::filesystem::path plugin_dir;  // the folder of the library and its manifest
  std::string plugin_id, backend;
  json::object plugin_config;  // plugins.entries.<id>.config
  json::object docker;         // agents.defaults.sandbox.docker: the image, say
};

// [{"name","ok","detail"}]. Makes its own loop and a temporary state directory; blocks, a minute or
// so. Sandboxes that it made are gone afterwards.
Result<json::array> check_backend(const BackendCheck& wanted);

}  // namespace openclaw::gateway
