// Multipart: a form with files, built as a blob so that a large file is never in memory whole.
// Strand only.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <openclaw/plugin.hpp>

#include "flow.h"
#include "json_fields.h"

namespace parts {

struct FormFile {
  std::string field;  // "photo", "files[0]"
  std::string name, mime;
  std::uint64_t blob = 0;
  std::string text = {};  // the file itself when there is no blob
};

struct Multipart {
  oc_status status = OC_INTERNAL;
  std::uint64_t blob = 0;  // sealed; whoever gets this drops it
  std::string content_type;
};

// `params` become fields: texts as they are, all else as JSON.
openclaw::Flow<Multipart> make_multipart(openclaw::Plugin& plugin, json::object params,
                                         std::vector<FormFile> files);

}  // namespace parts
