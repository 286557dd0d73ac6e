#include "run_request.h"

#include <stdlib.h>
#include <string.h>

#include "protocol.h"

namespace openclaw::sandbox_init {

bool read_request(char* payload, std::size_t size, RunRequest& out) {
  if (size < sizeof(RunHead) + 2 || payload[size - 1] != 0) return false;
  std::uint32_t arguments = get_u32(payload + 4), variables = get_u32(payload + 8);
  if (arguments == 0 || arguments > kMaxPayload || variables > kMaxPayload) return false;
  char** words = static_cast<char**>(calloc(arguments + variables + 2, sizeof(char*)));
  if (!words) return false;
  char* at = payload + sizeof(RunHead);
  char* end = payload + size;
  char* cwd = at;
  at += strlen(at) + 1;
  std::uint32_t count = 0;
  for (; count < arguments + variables && at < end; ++count) {
    words[count + (count >= arguments ? 1 : 0)] = at;
    at += strlen(at) + 1;
  }
  if (count != arguments + variables || at != end) {
    free(words);
    return false;
  }
  out = {payload, size, get_u32(payload), cwd, words, words + arguments + 1};
  return true;
}

}  // namespace openclaw::sandbox_init
