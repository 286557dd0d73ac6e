// RunRequest: what kRun asks for.
#pragma once

#include <cstddef>
#include <cstdint>

namespace openclaw::sandbox_init {

// Points into the payload it was read from, but for the two lists, which `free(argv)` frees.
struct RunRequest {
  const char* payload = nullptr;
  std::size_t size = 0;
  std::uint32_t flags = 0;
  char* cwd = nullptr;
  char** argv = nullptr;
  char** variables = nullptr;
};

// False: it is not one; nothing is to be freed then.
bool read_request(char* payload, std::size_t size, RunRequest& out);

}  // namespace openclaw::sandbox_init
