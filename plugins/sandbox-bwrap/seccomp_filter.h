// The system calls that no command of a sandbox may make, as a compiled program for bwrap.
#pragma once

#include <string>

#include "descriptor.h"

namespace openclaw::bwrap {

// What the default profile of container engines keeps from a process without capabilities, as far
// as the kernel would let such a process try: new namespaces and mounts, keyrings, BPF, tracing of
// the kernel, clocks, modules. Also the setuid bit on files, since workspaces lie on the host.
// clone3 hides its flags from filters, so it is "not there" and libc takes clone instead.
Outcome<std::string> seccomp_program();

}  // namespace openclaw::bwrap
