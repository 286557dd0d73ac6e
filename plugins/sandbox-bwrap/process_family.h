// The processes below one process, as this host's /proc shows them.
#pragma once

#include <sys/types.h>

namespace openclaw::bwrap {

// Sends `signo` to all that descend from `ancestor`, but not to itself: the first process of a
// namespace adopts every orphan in it, so these are all of them.
void signal_descendants(pid_t ancestor, int signo);

}  // namespace openclaw::bwrap
