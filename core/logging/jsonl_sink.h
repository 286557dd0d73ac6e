// The spdlog sinks of this program. Seen by logging.cc and the room's tests alone.
#pragma once

#include <cstdio>
#include <filesystem>
#include <mutex>
#include <string>

#include <spdlog/sinks/base_sink.h>

#include "logging/redactor.h"

namespace openclaw::logging {

// openclaw-YYYY-MM-DD.log; the full one becomes ....log.1, and the oldest files are removed, so
// that the folder stays under max_file_bytes * max_files.
class JsonlSink : public spdlog::sinks::base_sink<std::mutex> {
 public:
  JsonlSink(std::filesystem::path directory, std::uint64_t max_file_bytes, unsigned max_files,
            const Redactor& redactor);
  ~JsonlSink() override;
  std::filesystem::path path();

 protected:
  void sink_it_(const spdlog::details::log_msg& msg) override;
  void flush_() override;

 private:
  void open_for(const std::string& day);
  void rotate();
  void remove_oldest();

  std::filesystem::path directory_;
  std::uint64_t max_file_bytes_;
  unsigned max_files_;
  const Redactor& redactor_;
  std::string day_;
  std::filesystem::path path_;
  int fd_ = -1;
  std::uint64_t size_ = 0;
};

class ConsoleSink : public spdlog::sinks::base_sink<std::mutex> {
 public:
  ConsoleSink(std::FILE* out, const Redactor& redactor);

 protected:
  void sink_it_(const spdlog::details::log_msg& msg) override;
  void flush_() override;

 private:
  std::FILE* out_;
  const Redactor& redactor_;
  bool colours_;
};

}  // namespace openclaw::logging
