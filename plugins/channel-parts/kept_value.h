// A value that a plugin keeps in the host's store, read and written from a flow. Strand only.
#pragma once

#include <string>

#include <openclaw/plugin.hpp>

#include "flow.h"

namespace parts {

struct KeptValue {
  oc_status status = OC_INTERNAL;  // OC_NOT_FOUND: there is none
  std::string value;
};

openclaw::Flow<KeptValue> read_kept(openclaw::Plugin& plugin, std::string key);
// OC_OK: it is on disk.
openclaw::Flow<oc_status> keep(openclaw::Plugin& plugin, std::string key, std::string value);

}  // namespace parts
