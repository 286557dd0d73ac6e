// What would keep a sandbox of this spec from being made, for `openclaw doctor`.
#pragma once

#include <string>

#include "spec_fields.h"

namespace openclaw::bwrap {

// {"ok","detail","fix"?} each. Makes nothing; takes about a millisecond.
json::array probe(const std::string& program, const json::object& spec);

// The command that allows namespaces on this host; empty when none of the known reasons is in the
// way.
std::string namespace_fix();

}  // namespace openclaw::bwrap
