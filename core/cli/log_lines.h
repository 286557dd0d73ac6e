// The gateway's log for people: its newest lines, and one line as text. Shared by `logs` and
// `channels logs`.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "cli/cli.h"

namespace openclaw::cli {

inline constexpr int kMaxLogLines = 5000;  // what logs.tail takes

// One log line for people: "12:00:01 warn  message"; other text passes unchanged.
std::string readable_log_line(const Output& out, std::string_view line, bool plain);

// Calls `each` with the last lines of the newest log file, the oldest first, at most `bytes` of
// them. Answers the file; kNotFound when there is none.
Result<std::filesystem::path> each_log_line(const config::Paths& paths, std::int64_t bytes,
                                            const std::function<void(std::string_view)>& each);

}  // namespace openclaw::cli
