// A gateway in a container sees other paths than the engine does: the engine gets its own.
#pragma once

#include "engine.h"

namespace openclaw::docker {

// Changes the sources of `mounts` in place when this process runs in a container of `engine`; they
// are taken as they are otherwise. OC_FAILED_PRECONDITION names a source that only this container
// has. `mounts` must hold until the answer. Strand only.
Flow<Outcome<Nothing>> to_host_paths(Engine& engine, json::array* mounts);

}  // namespace openclaw::docker
