// Descriptor: an owned file descriptor. What this plugin opens lies above the numbers that a child
// gets its standard descriptors on, so that placing those overwrites none that is still needed.
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "rule_outcome.h"

namespace openclaw::bwrap {

namespace json = boost::json;
using sandbox_rules::Failure;
using sandbox_rules::failure;
using sandbox_rules::Outcome;

struct Nothing {};

class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int fd) noexcept : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept;
  ~Descriptor() { reset(); }

  int get() const noexcept { return fd_; }
  explicit operator bool() const noexcept { return fd_ >= 0; }
  void reset() noexcept;

 private:
  int fd_ = -1;
};

// Takes `fd` over and answers it under a high number, closed on exec.
Descriptor lifted(int fd);
Descriptor opened(const std::string& path, int flags);
bool make_pipe(Descriptor& read_end, Descriptor& write_end);
// A file in memory that holds `bytes` and is read from its start; empty when there is none to have.
Descriptor memory_file(const char* name, std::string_view bytes);

std::string error_text(int code);

}  // namespace openclaw::bwrap
