// A gateway that runs in a container itself names folders as it sees them; the engine wants them as
// the host does. Pure.
#pragma once

#include "flow.h"
#include "outcome.h"

namespace openclaw::docker {

// `own` is the "Mounts" list of the gateway's container; the sources of `mounts` are changed in
// place. A source that lies in none of them exists for the gateway only: OC_FAILED_PRECONDITION
// names it.
Outcome<Nothing> mapped_sources(const json::array& own, json::array& mounts);

}  // namespace openclaw::docker
