#include "storage/random_hex.h"

#include <sys/random.h>

#include <string_view>

namespace openclaw::storage {

std::string random_hex(std::size_t bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string noise(bytes, '\0');
  for (std::size_t have = 0; have < bytes;) {
    ssize_t more = ::getrandom(noise.data() + have, bytes - have, 0);
    if (more > 0) have += static_cast<std::size_t>(more);  // else EINTR: nothing else can be
  }
  std::string out;
  for (char c : noise) {
    auto byte = static_cast<unsigned char>(c);
    out += kDigits[byte >> 4];
    out += kDigits[byte & 15];
  }
  return out;
}

}  // namespace openclaw::storage
