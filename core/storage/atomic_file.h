// Whole files, written so that a crash leaves the old or the new content, never a part of either.
//
// Blocking calls: from the blocking pool, or from main before the loop runs. [any-thread]
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "result.h"

namespace openclaw::storage {

// Writes a temporary file in the same folder, syncs it, renames it over `path` and syncs the
// folder. The mode is exactly `mode` whatever the umask and whatever the replaced file had.
Result<void> write_file_atomically(const std::filesystem::path& path, std::string_view bytes,
                                   mode_t mode = 0600);

// kNotFound when absent, kResourceExhausted when larger than `max_bytes`, kFailedPrecondition when
// it is not a regular file.
Result<std::string> read_file_bounded(const std::filesystem::path& path, std::uint64_t max_bytes);

// kFailedPrecondition, with the chmod to type, when group or others may touch the file or another
// user owns it. A file that is absent passes.
Result<void> check_private_file(const std::filesystem::path& path);

// mkdir -p whose last folder is 0700.
Result<void> make_private_dir(const std::filesystem::path& path);

}  // namespace openclaw::storage
