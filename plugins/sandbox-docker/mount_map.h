// A gateway that runs in a container itself names folders as it sees them; the engine wants them as
// the host does. Pure.
#pragma once

#include <string>
#include <string_view>

#include "flow.h"
#include "outcome.h"

namespace openclaw::docker {

// `own` is the "Mounts" list of the gateway's container; the sources of `mounts` are changed in
// place. A source that lies in none of them exists for the gateway only: OC_FAILED_PRECONDITION
// names it.
Outcome<Nothing> mapped_sources(const json::array& own, json::array& mounts);

// The id of the container that sees `mountinfo` (of /proc/self): engines mount its /etc/hosts and
// the like from a folder of that name. Its host name says it only until somebody gives it another.
// Empty for one that is in none.
std::string own_container(std::string_view mountinfo);

}  // namespace openclaw::docker
