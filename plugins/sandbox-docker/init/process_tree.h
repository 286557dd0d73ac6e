// The processes of a command: its keeper's descendants, whatever sessions and groups they made for
// themselves.
#pragma once

#include <sys/types.h>

namespace openclaw::sandbox_init {

// Sends it to every descendant of `keeper`. False when /proc cannot be read.
bool signal_tree(pid_t keeper, int signo);

// Ends every descendant of `keeper`, also of one that forks as fast as it is killed.
void kill_tree(pid_t keeper);

// Ends what the death of a keeper left to process 1: its children that are no keepers, and theirs.
void kill_strays(const pid_t* keepers, int count);

}  // namespace openclaw::sandbox_init
