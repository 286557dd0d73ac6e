// The system calls of a sandbox browser.
#pragma once

#include <string>

namespace openclaw::docker {

// Chromium's own sandbox, the wall around each web page, is made of user namespaces and chroot. The
// engines' default profiles forbid both, and then the only way to run it is without that wall. This
// profile leaves them, and takes away what is of use to nobody but one who is breaking out.
std::string browser_seccomp_profile();

}  // namespace openclaw::docker
