// Files that an agent sends out, taken from the workspace that its tools see. Whoever works there
// may be hostile: no link is followed, nothing but a regular file is opened, and what is read is
// what was opened. Blocking; for the blocking pool.
#pragma once

#include <string>

#include "result.h"
#include "sandbox/sandbox_manager.h"
#include "workspace/media_stage.h"

namespace openclaw::workspace {

struct PickedFile {
  std::string name, mime, kind;  // kind: "photo", "voice", "audio", "video", "document"
  MediaSource source = {};       // holds the open file
};

// `path` as the session's tools write it: relative to the working directory, or below it.
// kResourceExhausted: larger than kMaxMediaBytes.
Result<PickedFile> pick_up(const sandbox::View& view, const std::string& path);

}  // namespace openclaw::workspace
