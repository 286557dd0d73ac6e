// A configuration that a schema accepts, made up where nothing is given. For the conformance suite.
#pragma once

#include "result.h"

namespace openclaw::plugin {

json::object sample_config(const json::object& config_schema, json::object given);

}  // namespace openclaw::plugin
