#include "cli/log_lines.h"

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "json_pointer.h"

namespace openclaw::cli {
namespace {

namespace fs = std::filesystem;

Colour colour_of(std::string_view level) {
  if (level == "ERROR" || level == "FATAL" || level == "error" || level == "fatal")
    return Colour::kRed;
  if (level == "WARN" || level == "warn") return Colour::kYellow;
  if (level == "DEBUG" || level == "TRACE" || level == "debug" || level == "trace")
    return Colour::kDim;
  return Colour::kNone;
}

// The first field is a text, or {"subsystem":NAME} written as one: then "[NAME]".
std::string subsystem_or_text(const std::string& first) {
  boost::system::error_code failed;
  auto parsed = json::parse(first, failed);
  auto name = failed ? std::string() : text_at(parsed, "/subsystem");
  return name.empty() ? first : "[" + name + "]";
}

// The newest openclaw-YYYY-MM-DD.log; the names sort by day.
fs::path newest_file(const config::Paths& paths) {
  fs::path newest;
  std::error_code failed;
  for (fs::directory_iterator at(paths.state_dir / "logs", failed), end; !failed && at != end;
       at.increment(failed)) {
    auto name = at->path().filename().string();
    if (!name.starts_with("openclaw-") || !name.ends_with(".log")) continue;
    if (newest.empty() || name > newest.filename().string()) newest = at->path();
  }
  return newest;
}

}  // namespace

std::string readable_log_line(const Output& out, std::string_view line, bool plain) {
  boost::system::error_code failed;
  auto parsed = json::parse(line, failed);
  if (failed || !parsed.is_object()) return std::string(line);
  std::string message = subsystem_or_text(text_at(parsed, "/0"));
  if (auto more = text_at(parsed, "/1"); !more.empty()) message += " " + more;
  auto level = text_at(parsed, "/_meta/logLevelName");
  auto text = text_at(parsed, "/time") + " " + level + " " + message;
  return plain ? text : out.paint(colour_of(level), text);
}

Result<fs::path> each_log_line(const config::Paths& paths, std::int64_t bytes,
                               const std::function<void(std::string_view)>& each) {
  auto file = newest_file(paths);
  if (file.empty()) {
    return Error(Code::kNotFound, "No gateway runs on " + paths.state_dir.string() +
                                      " and it has no log yet. Start one: openclaw gateway run");
  }
  std::ifstream in(file, std::ios::binary | std::ios::ate);
  auto size = static_cast<std::int64_t>(in.tellg());
  if (!in || size < 0) return Error(Code::kUnavailable, "Cannot read " + file.string());
  std::string text(static_cast<std::size_t>(std::min(size, bytes)), '\0');
  in.seekg(size - static_cast<std::int64_t>(text.size()));
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  std::string_view rest = text;
  // What begins in the middle is no line.
  if (static_cast<std::int64_t>(text.size()) < size) {
    auto end = rest.find('\n');
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
  }
  while (!rest.empty()) {
    auto end = rest.find('\n');
    each(rest.substr(0, end));
    rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
  }
  return file;
}

}  // namespace openclaw::cli
