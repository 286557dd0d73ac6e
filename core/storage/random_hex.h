// Random names: for what must not meet another of its kind, nor be guessed. [any-thread]
#pragma once

#include <cstddef>
#include <string>

namespace openclaw::storage {

// `bytes` random bytes from the kernel as twice as many hexadecimal digits.
std::string random_hex(std::size_t bytes);

}  // namespace openclaw::storage
