// Multipart: a form with one file, built as a blob so that a large file is never in memory whole.
// Strand only.
#pragma once

#include <cstdint>
#include <string>

#include <openclaw/plugin.hpp>

#include "flow.h"
#include "json_fields.h"

namespace telegram {

struct FormFile {
  std::string field;  // "photo"
  std::string name, mime;
  std::uint64_t blob = 0;
};

struct Multipart {
  oc_status status = OC_INTERNAL;
  std::uint64_t blob = 0;  // sealed; whoever gets this drops it
  std::string content_type;
};

// `params` become fields: texts as they are, all else as JSON.
openclaw::Flow<Multipart> make_multipart(openclaw::Plugin& plugin, json::object params,
                                         FormFile file);

}  // namespace telegram
