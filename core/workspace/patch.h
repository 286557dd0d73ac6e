// The "*** Begin Patch" format: parsed, and applied to text. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "result.h"

namespace openclaw::workspace {

struct PatchHunk {
  int line = 0;                      // where it stands in the patch
  std::vector<std::string> context;  // texts after "@@": each is looked for before the lines
  std::vector<std::string> old_lines, new_lines;
  bool at_end = false;  // "*** End of File"
};

struct PatchFile {
  enum class Kind { kAdd, kUpdate, kDelete } kind = Kind::kUpdate;
  int line = 0;
  std::string path;
  std::string move_to;  // kUpdate: empty when the file keeps its name
  std::string content;  // kAdd
  std::vector<PatchHunk> hunks;
};

// kInvalidArgument: "line 7 of the patch: ...".
Result<std::vector<PatchFile>> parse_patch(std::string_view text);

// The new text of a file. kFailedPrecondition when a hunk does not fit, with its line in the patch
// and what was looked for. Line ends stay what they were in the file.
Result<std::string> apply_hunks(std::string_view text, const std::vector<PatchHunk>& hunks);

}  // namespace openclaw::workspace
