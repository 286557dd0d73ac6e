// The network that sandbox browsers are on.
#pragma once

#include <string>

#include "engine.h"
#include "flow.h"
#include "outcome.h"

namespace openclaw::docker {

// Makes the bridge `name` when there is no network of that name. Containers on it do not reach each
// other; one that somebody made by hand stays as it is.
Flow<Outcome<Nothing>> ensure_browser_network(Engine& engine, std::string name);

}  // namespace openclaw::docker
