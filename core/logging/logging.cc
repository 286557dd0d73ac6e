#include "logging/logging.h"

#include <memory>
#include <mutex>

#include <spdlog/spdlog.h>

#include "logging/jsonl_sink.h"
#include "storage/atomic_file.h"

namespace openclaw::logging {
namespace {

// Lives until the process ends: plugins' threads may log while main returns.
Redactor& redactor() {
  static auto* instance = new Redactor;
  return *instance;
}

struct Current {
  std::mutex mutex;
  std::shared_ptr<JsonlSink> file;
};
Current& current() {
  static auto* instance = new Current;
  return *instance;
}

}  // namespace

Result<void> setup(const Options& options) {
  std::vector<spdlog::sink_ptr> sinks;
  std::shared_ptr<JsonlSink> file;
  if (!options.directory.empty()) {
    auto made = storage::make_private_dir(options.directory);
    if (made.has_error()) return made;
    file = std::make_shared<JsonlSink>(options.directory, options.max_file_bytes, options.max_files,
                                       redactor());
    file->set_level(spdlog::level::from_str(options.level));
    sinks.push_back(file);
  }
  if (options.console_level != "off") {
    auto console =
        std::make_shared<ConsoleSink>(options.console_to_stderr ? stderr : stdout, redactor());
    console->set_level(spdlog::level::from_str(options.console_level));
    sinks.push_back(console);
  }
  auto logger = std::make_shared<spdlog::logger>("gateway", sinks.begin(), sinks.end());
  // Each sink has its own level; the logger lets the more talkative one through.
  auto level = spdlog::level::off;
  for (const auto& sink : sinks) level = std::min(level, sink->level());
  logger->set_level(level);
  logger->flush_on(spdlog::level::info);
  {
    std::lock_guard lock(current().mutex);
    current().file = file;
  }
  spdlog::set_default_logger(std::move(logger));
  return {};
}

void add_secret(std::string_view value) {
  redactor().add_secret(value);
}

std::string redact(std::string_view text) {
  return redactor().redact(text);
}

std::filesystem::path current_file() {
  std::lock_guard lock(current().mutex);
  return current().file ? current().file->path() : std::filesystem::path();
}

std::filesystem::path file_for_today(const std::filesystem::path& directory) {
  auto now = std::time(nullptr);
  std::tm parts{};
  ::localtime_r(&now, &parts);
  char text[40];
  auto size = std::strftime(text, sizeof text, "openclaw-%Y-%m-%d.log", &parts);
  return directory / std::string(text, size);
}

void flush() {
  if (auto logger = spdlog::default_logger()) logger->flush();
}

}  // namespace openclaw::logging
