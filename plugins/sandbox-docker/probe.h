// What would keep a container of this spec from being made, for `openclaw doctor`.
#pragma once

#include "engine.h"

namespace openclaw::docker {

// {"ok","detail","fix"?} each. Strand only; makes nothing.
Flow<json::array> probe(Engine& engine, json::object spec);

}  // namespace openclaw::docker
