// Room: a mount namespace that holds what one sandbox mounts from the host, gathered below /run of
// that namespace. Commands enter it and then become the sandbox's user, so a folder can be mounted
// whose parents that user may not pass (a workspace below /root), its scratch folders last from
// command to command, and bwrap sees neither sockets in the host's /run nor where things come from.
//
// No process keeps it: it lasts as long as the descriptors, so nothing is left when the gateway
// dies.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "descriptor.h"
#include "runtime_plan.h"

namespace openclaw::bwrap {

struct Room {
  Descriptor user_namespace;  // only when the gateway is not root: root needs none to mount
  Descriptor mount_namespace;
};

// Where things lie in the room.
std::string mount_place(std::size_t index);
std::string scratch_place(std::size_t index);
std::string etc_place();

// The files of /etc that are made for the sandbox: name and content.
std::vector<std::pair<std::string, std::string>> made_files(const RuntimePlan& plan);

Outcome<Room> make_room(const RuntimePlan& plan);

}  // namespace openclaw::bwrap
