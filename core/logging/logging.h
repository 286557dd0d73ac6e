// Sets spdlog up once for the process: a JSONL file per day in <state>/logs and a plain console,
// both behind one redactor. The rest of the program logs with spdlog::info and so on, or with a
// named logger. [any-thread]
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "result.h"

namespace openclaw::logging {

struct Options {
  std::filesystem::path directory;     // <state>/logs; empty: no file
  std::string level = "info";          // trace, debug, info, warn, error, off
  std::string console_level = "info";  // "off": nothing on the console
  bool console_to_stderr = true;
  std::uint64_t max_file_bytes = 16 * 1024 * 1024;
  unsigned max_files = 8;  // all days together; older ones are removed
};

// Replaces the default logger. The directory is made (0700), files are 0600.
Result<void> setup(const Options& options);
// Never again in a log line, from this call on.
void add_secret(std::string_view value);
// The line as a log would carry it; for other places that print.
std::string redact(std::string_view text);
// Today's file: what logs.tail reads. Empty when there is no file.
std::filesystem::path current_file();
std::filesystem::path file_for_today(const std::filesystem::path& directory);
// What was logged so far is in the file afterwards.
void flush();

}  // namespace openclaw::logging
