// What the file tools do, without the tools: blocking functions over a FileScope, for the blocking
// pool. Failures that a model can mend (no such file, text not found) are results with is_error;
// refusals are errors.
#pragma once

#include <cstdint>
#include <string>

#include "tool/tool.h"
#include "workspace/file_scope.h"

namespace openclaw::workspace {

constexpr std::size_t kMaxEditedBytes = 16 * 1024 * 1024;
constexpr std::size_t kMaxImageBytes = 5 * 1024 * 1024;

Result<tool::ToolResult> read_file(FileScope& scope, const std::string& path, std::uint64_t offset,
                                   std::uint64_t limit);
Result<tool::ToolResult> write_file(FileScope& scope, const std::string& path,
                                    const std::string& content);
Result<tool::ToolResult> edit_file(FileScope& scope, const std::string& path,
                                   const std::string& old_text, const std::string& new_text);
// Each file changes as a whole or not at all; nothing is written before every hunk was found to
// fit.
Result<tool::ToolResult> apply_patch(FileScope& scope, const std::string& patch);

}  // namespace openclaw::workspace
