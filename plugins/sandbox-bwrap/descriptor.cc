#include "descriptor.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <system_error>

namespace openclaw::bwrap {

namespace {
constexpr int kLowest = 20;
}

Descriptor& Descriptor::operator=(Descriptor&& other) noexcept {
  if (this != &other) {
    reset();
    fd_ = std::exchange(other.fd_, -1);
  }
  return *this;
}

void Descriptor::reset() noexcept {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
}

Descriptor lifted(int fd) {
  if (fd < 0 || fd >= kLowest) return Descriptor(fd);
  Descriptor high(::fcntl(fd, F_DUPFD_CLOEXEC, kLowest));
  ::close(fd);
  return high;
}

Descriptor opened(const std::string& path, int flags) {
  return lifted(::open(path.c_str(), flags | O_CLOEXEC));
}

bool make_pipe(Descriptor& read_end, Descriptor& write_end) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return false;
  read_end = lifted(ends[0]);
  write_end = lifted(ends[1]);
  return read_end && write_end;
}

Descriptor memory_file(const char* name, std::string_view bytes) {
  Descriptor file = lifted(::memfd_create(name, MFD_CLOEXEC));
  while (file && !bytes.empty()) {
    ssize_t n = ::write(file.get(), bytes.data(), bytes.size());
    if (n <= 0) return {};
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
  if (file && ::lseek(file.get(), 0, SEEK_SET) != 0) return {};
  return file;
}

std::string error_text(int code) {
  return std::error_code(code, std::generic_category()).message();
}

}  // namespace openclaw::bwrap
