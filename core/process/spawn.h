// fork and exec with prepared descriptors; the part of host_runner that talks to the kernel.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string>
#include <vector>

#include "process/environment.h"
#include "result.h"

namespace openclaw::process {

// Owns one descriptor.
class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(other.release()) {}
  Descriptor& operator=(Descriptor&& other) noexcept;
  ~Descriptor() { reset(); }
  int get() const { return fd_; }
  int release() { return std::exchange(fd_, -1); }
  void reset();

 private:
  int fd_ = -1;
};

struct Spawned {
  pid_t pid = 0;
  Descriptor pidfd;
  Descriptor input;   // write end of stdin, or the terminal; may be empty
  Descriptor output;  // read end of stdout, or the terminal
  Descriptor errors;  // read end of stderr; empty with a terminal
};

struct SpawnRequest {
  std::vector<std::string> argv;
  std::filesystem::path cwd;
  Variables env;  // the whole environment of the child
  bool pty = false;
  bool keep_stdin_open = false;
};

// Answers after exec has happened or failed in the child. kNotFound names the program or folder.
Result<Spawned> spawn(const SpawnRequest& request);

}  // namespace openclaw::process
