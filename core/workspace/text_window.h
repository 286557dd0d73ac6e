// What the tool read shows of a file: a window of lines, bounded, with a note that says how to go
// on. Pure but for reading from the open file.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "result.h"

namespace openclaw::workspace {

constexpr std::size_t kWindowBytes = 50 * 1024;
constexpr std::size_t kWindowLines = 2000;

struct Window {
  std::string text;  // valid UTF-8
  std::uint64_t first_line = 1, last_line = 0;
  bool more = false;  // lines follow
  bool cut_line = false;
};

// Lines `offset` (from 1) and on, at most `limit`, of the regular file `fd`. kInvalidArgument: the
// file has fewer lines. kFailedPrecondition: binary.
Result<Window> read_window(int fd, std::uint64_t offset, std::uint64_t limit);

// "[Lines 1-2000. More follow: continue with offset=2001.]", empty when all was shown.
std::string window_note(const Window& window, std::uint64_t offset);

// "image/png" and so on by the first bytes; empty for anything else.
std::string_view image_type(std::string_view head);

}  // namespace openclaw::workspace
