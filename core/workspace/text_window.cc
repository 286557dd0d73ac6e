#include "workspace/text_window.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

#include "utf8.h"

namespace openclaw::workspace {
namespace {

constexpr std::size_t kMaxScanned = 256 * 1024 * 1024;

}  // namespace

std::string_view image_type(std::string_view head) {
  if (head.substr(0, 8) == "\x89PNG\r\n\x1a\n") return "image/png";
  if (head.substr(0, 3) == "\xff\xd8\xff") return "image/jpeg";
  if (head.substr(0, 6) == "GIF87a" || head.substr(0, 6) == "GIF89a") return "image/gif";
  if (head.size() >= 12 && head.substr(0, 4) == "RIFF" && head.substr(8, 4) == "WEBP")
    return "image/webp";
  return {};
}

Result<Window> read_window(int fd, std::uint64_t offset, std::uint64_t limit) {
  Window window;
  window.first_line = offset;
  limit = std::min<std::uint64_t>(limit, kWindowLines);
  std::uint64_t line = 1;  // the one that is being read
  std::string text;        // of the lines wanted
  std::size_t scanned = 0;
  bool open_line = false;  // the file's or the window's last line has no end yet
  bool full = false;
  char buffer[65536];
  while (!full) {
    ssize_t got = ::read(fd, buffer, sizeof buffer);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return Error(Code::kFailedPrecondition, std::generic_category().message(errno));
    if (got == 0) break;
    std::string_view chunk(buffer, static_cast<std::size_t>(got));
    if (scanned == 0 && chunk.substr(0, 8192).find('\0') != std::string_view::npos) {
      return Error(Code::kFailedPrecondition, "it is a binary file; use exec to look into it");
    }
    scanned += chunk.size();
    if (scanned > kMaxScanned) {
      return Error(Code::kResourceExhausted,
                   "these lines are further than 256 MiB into the file; use exec");
    }
    while (!chunk.empty()) {
      if (line >= offset + limit || text.size() >= kWindowBytes) {
        full = true;
        break;
      }
      std::size_t end = chunk.find('\n');
      open_line = end == std::string_view::npos;
      std::size_t take = open_line ? chunk.size() : end + 1;
      if (line >= offset) text.append(chunk.substr(0, take));
      chunk.remove_prefix(take);
      if (!open_line) ++line;
    }
  }
  std::uint64_t lines = open_line ? line : line - 1;  // read so far, the one in progress included
  if (!full && offset > 1 && offset > lines) {
    return Error(Code::kInvalidArgument, "offset " + std::to_string(offset) +
                                             " is past the end; the file has " +
                                             std::to_string(lines) + " lines");
  }
  window.last_line = lines;
  window.more = full;
  if (text.size() > kWindowBytes || (full && open_line)) {
    // Whole lines when there is more than one, else as much of the one as fits.
    std::size_t end = text.rfind('\n', kWindowBytes - 1);
    if (end == std::string::npos) {
      window.cut_line = true;
      window.last_line = offset;
      text.resize(std::min(text.size(), kWindowBytes));
    } else {
      text.resize(end + 1);
      window.last_line =
          offset + static_cast<std::uint64_t>(std::count(text.begin(), text.end(), '\n')) - 1;
    }
    window.more = true;
  }
  window.text = valid_utf8(text);
  return window;
}

std::string window_note(const Window& window, std::uint64_t offset) {
  if (!window.more && offset <= 1) return {};
  std::string note =
      "[Lines " + std::to_string(window.first_line) + "-" + std::to_string(window.last_line);
  if (window.cut_line)
    note +=
        ", line " + std::to_string(window.last_line) + " cut at 50 KB (use exec to see all of it)";
  if (!window.more) return note + ", the end of the file.]";
  return note + ". More may follow: continue with offset=" + std::to_string(window.last_line + 1) +
         ".]";
}

}  // namespace openclaw::workspace
