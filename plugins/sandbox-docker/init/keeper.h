// Keeper: a process between process 1 and a command. Everything the command starts stays below it,
// because orphans come to it (PR_SET_CHILD_SUBREAPER). It says how the command ended. When nothing
// of it was left at that moment it waits for the next one, since to make a keeper costs about as
// much as to run a small command; otherwise it leaves when nothing is left.
//
// It has the user id of what it keeps, so it can be killed from inside, or stopped, but not traced:
// like process 1 it is not dumpable.
#pragma once

#include <sys/types.h>

#include "protocol.h"
#include "run_request.h"

namespace openclaw::sandbox_init {

struct Keeper {
  pid_t pid = -1;     // -1: no keeper
  int fd = -1;        // to it and from it
  bool lent = false;  // to a command that is not over; otherwise it waits for one
  bool free = false;  // it waits for the next command, or is about to
  bool dead = false;
};

// What a command's processes get. Of a terminal, `in` is all three.
struct Streams {
  int in = -1, out = -1, err = -1;  // in: -1 is /dev/null
  bool terminal = false;
};

struct KeeperNews {
  ExitReport exit{};       // of the command
  std::uint32_t free = 0;  // nothing of it is left
};
enum class Heard { kNothing, kNews, kEnd };  // kEnd: it has left, or was killed

// Starts a command. nullptr: errno says why not.
Keeper* lend_keeper(const RunRequest& request, const Streams& streams);
// Reads what it said.
Heard hear(Keeper& keeper, KeeperNews& news);
// Its command is over, though what that one started may go on.
void give_back(Keeper& keeper);
// A child of process 1 was reaped.
void note_death(pid_t pid);
// Those that have a command or wait for one; room for kMaxKeepers. Answers how many they are.
int list_keepers(pid_t* out);

inline constexpr int kMostIdle = 4;
inline constexpr int kMaxKeepers = static_cast<int>(kMaxCommands) + kMostIdle + 1;

}  // namespace openclaw::sandbox_init
