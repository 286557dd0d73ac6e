#include "logging/jsonl_sink.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <ctime>
#include <system_error>
#include <vector>

#include "result.h"
#include "utf8.h"

namespace openclaw::logging {
namespace {

namespace fs = std::filesystem;

// One line never grows beyond this; what a peer sends must not fill the disk by one message.
constexpr std::size_t kMaxMessage = 64 * 1024;

std::string iso_time(std::chrono::system_clock::time_point when) {
  auto seconds = std::chrono::system_clock::to_time_t(when);
  auto ms =
      std::chrono::duration_cast<std::chrono::milliseconds>(when.time_since_epoch()).count() % 1000;
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  char text[40];
  auto size = std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &parts);
  char tail[8];
  std::snprintf(tail, sizeof tail, ".%03dZ", static_cast<int>(ms));
  return std::string(text, size) + tail;
}

std::string day_of(std::chrono::system_clock::time_point when) {
  auto seconds = std::chrono::system_clock::to_time_t(when);
  std::tm parts{};
  ::localtime_r(&seconds, &parts);
  char text[16];
  auto size = std::strftime(text, sizeof text, "%Y-%m-%d", &parts);
  return std::string(text, size);
}

const char* level_word(spdlog::level::level_enum level) {
  switch (level) {
    case spdlog::level::trace:
      return "TRACE";
    case spdlog::level::debug:
      return "DEBUG";
    case spdlog::level::info:
      return "INFO";
    case spdlog::level::warn:
      return "WARN";
    case spdlog::level::err:
      return "ERROR";
    case spdlog::level::critical:
      return "FATAL";
    default:
      return "INFO";
  }
}

std::string message_of(const spdlog::details::log_msg& msg, const Redactor& redactor) {
  std::string_view text(msg.payload.data(), msg.payload.size());
  auto out = redactor.redact(text.substr(0, kMaxMessage));
  if (text.size() > kMaxMessage) out += " ...(" + std::to_string(text.size()) + " bytes)";
  return valid_utf8(out);  // a line that is no UTF-8 would be no JSON
}

std::string name_of(const spdlog::details::log_msg& msg) {
  std::string name(msg.logger_name.data(), msg.logger_name.size());
  return name.empty() ? "gateway" : name;
}

}  // namespace

JsonlSink::JsonlSink(fs::path directory, std::uint64_t max_file_bytes, unsigned max_files,
                     const Redactor& redactor)
    : directory_(std::move(directory)),
      max_file_bytes_(max_file_bytes),
      max_files_(std::max(max_files, 1u)),
      redactor_(redactor) {
  open_for(day_of(std::chrono::system_clock::now()));
}

JsonlSink::~JsonlSink() {
  if (fd_ >= 0) ::close(fd_);
}

fs::path JsonlSink::path() {
  std::lock_guard lock(mutex_);
  return path_;
}

void JsonlSink::open_for(const std::string& day) {
  if (fd_ >= 0) ::close(fd_);
  day_ = day;
  path_ = directory_ / ("openclaw-" + day + ".log");
  fd_ = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
  struct stat info {};
  size_ = fd_ >= 0 && ::fstat(fd_, &info) == 0 ? static_cast<std::uint64_t>(info.st_size) : 0;
  remove_oldest();
}

void JsonlSink::rotate() {
  auto sibling = [&](unsigned n) { return fs::path(path_.string() + "." + std::to_string(n)); };
  std::error_code ignored;
  for (unsigned n = max_files_; n > 1; --n) fs::rename(sibling(n - 1), sibling(n), ignored);
  fs::rename(path_, sibling(1), ignored);
  open_for(day_);
}

void JsonlSink::remove_oldest() {
  std::vector<std::pair<fs::file_time_type, fs::path>> files;
  std::error_code failed;
  for (fs::directory_iterator it(directory_, failed), end; !failed && it != end;
       it.increment(failed)) {
    auto name = it->path().filename().string();
    if (name.rfind("openclaw-", 0) != 0 || name.find(".log") == std::string::npos) continue;
    std::error_code gone;
    auto time = it->last_write_time(gone);
    if (!gone && it->path() != path_) files.emplace_back(time, it->path());
  }
  if (files.size() < max_files_) return;
  std::sort(files.begin(), files.end());
  for (std::size_t i = 0; i + max_files_ <= files.size(); ++i) fs::remove(files[i].second, failed);
}

void JsonlSink::sink_it_(const spdlog::details::log_msg& msg) {
  auto day = day_of(msg.time);
  if (day != day_) open_for(day);
  if (fd_ < 0) return;
  auto time = iso_time(msg.time);
  auto subsystem = json::serialize(json::object{{"subsystem", name_of(msg)}});
  json::object line{{"0", subsystem},
                    {"1", message_of(msg, redactor_)},
                    {"_meta",
                     {{"runtime", "native"},
                      {"date", time},
                      {"logLevelId", static_cast<int>(msg.level) + 1},
                      {"logLevelName", level_word(msg.level)},
                      {"name", subsystem}}},
                    {"time", time}};
  auto text = json::serialize(line) + "\n";
  if (size_ > 0 && size_ + text.size() > max_file_bytes_) rotate();
  std::string_view rest(text);
  while (!rest.empty() && fd_ >= 0) {
    auto wrote = ::write(fd_, rest.data(), rest.size());
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote <= 0) break;  // a full disk must not stop the program
    rest.remove_prefix(static_cast<std::size_t>(wrote));
  }
  size_ += text.size() - rest.size();
}

void JsonlSink::flush_() {}

ConsoleSink::ConsoleSink(std::FILE* out, const Redactor& redactor)
    : out_(out), redactor_(redactor), colours_(::isatty(::fileno(out)) == 1) {
  // https://no-color.org: an environment that asks for none gets none.
  if (const char* none = std::getenv("NO_COLOR"); none && *none)
    colours_ = false;  // NOLINT(concurrency-mt-unsafe)
}

void ConsoleSink::sink_it_(const spdlog::details::log_msg& msg) {
  auto seconds = std::chrono::system_clock::to_time_t(msg.time);
  std::tm parts{};
  ::localtime_r(&seconds, &parts);
  char clock[16];
  auto size = std::strftime(clock, sizeof clock, "%H:%M:%S", &parts);
  const char* colour = msg.level >= spdlog::level::err    ? "\x1b[31m"
                       : msg.level == spdlog::level::warn ? "\x1b[33m"
                       : msg.level < spdlog::level::info  ? "\x1b[2m"
                                                          : "";
  std::string line(clock, size);
  if (colours_) line += colour;
  if (msg.level != spdlog::level::info) line.append(" ").append(level_word(msg.level));
  line.append(" [").append(name_of(msg)).append("] ");
  // Control characters would let a peer write into the operator's terminal.
  for (char c : message_of(msg, redactor_)) {
    bool control = static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
    line += control && c != '\n' && c != '\t' ? '?' : c;
  }
  if (colours_) line += "\x1b[0m";
  line += '\n';
  std::fwrite(line.data(), 1, line.size(), out_);
}

void ConsoleSink::flush_() {
  std::fflush(out_);
}

}  // namespace openclaw::logging
