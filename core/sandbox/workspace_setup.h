// Makes the host folders of a sandbox and checks that its user can use them. Blocking: for the
// blocking pool.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>

#include "result.h"
#include "sandbox/sandbox_manager.h"

namespace openclaw::sandbox {

struct SandboxUser {
  uid_t user = 0;
  gid_t group = 0;
};
// Whom the sandbox's commands run as. Nothing for a name, which only the image can resolve.
std::optional<SandboxUser> sandbox_user(const View& view);

// kFailedPrecondition names both ids and the key when docker.user cannot write the workspace.
Result<void> prepare_workspace(const View& view);

// That problem, when the workspace is there already; one that is not will belong to the user.
std::optional<Finding> owner_mismatch(const View& view);

}  // namespace openclaw::sandbox
