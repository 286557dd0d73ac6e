// Makes the host folders of a sandbox and checks that its user can use them. Blocking: for the
// blocking pool.
#pragma once

#include <string>

#include "result.h"
#include "sandbox/sandbox_manager.h"

namespace openclaw::sandbox {

// kFailedPrecondition names both ids and the key when docker.user cannot write the workspace.
Result<void> prepare_workspace(const View& view);

}  // namespace openclaw::sandbox
