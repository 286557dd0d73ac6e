// The whole way from a sandbox spec to a body that may go to the engine: made, sources looked at,
// checked.
#pragma once

#include <string>

#include "outcome.h"

namespace openclaw::docker {

// `init`: our init on this host, empty without it. Refuses with the words for the operator. Reads
// files: the seccomp profile, and what the sources of mounts really are.
Outcome<json::object> checked_body(const json::object& spec, const std::string& init,
                                   const std::string& engine_socket);

}  // namespace openclaw::docker
