#include "certificate_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace telegram {
namespace {

constexpr std::size_t kMaxCertificate = 64 * 1024;

struct OpenFile {
  explicit OpenFile(const std::string& path)
      // A pipe would block until somebody writes.
      : fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)) {}
  OpenFile(const OpenFile&) = delete;
  OpenFile& operator=(const OpenFile&) = delete;
  ~OpenFile() {
    if (fd >= 0) ::close(fd);
  }
  int fd;
};

}  // namespace

CertificateFile read_certificate(const std::string& path) {
  CertificateFile out;
  const OpenFile file(path);
  struct stat about {};
  if (file.fd < 0 || ::fstat(file.fd, &about) != 0) {
    out.problem = std::string("cannot be read: ") + std::strerror(errno);
    return out;
  }
  if (!S_ISREG(about.st_mode)) {
    out.problem = "is no regular file";
    return out;
  }
  std::array<char, 4096> piece{};
  for (;;) {
    const ssize_t got = ::read(file.fd, piece.data(), piece.size());
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    out.pem.append(piece.data(), static_cast<std::size_t>(got));
    if (out.pem.size() > kMaxCertificate) break;
  }
  // A file that has both would give the key away.
  if (out.pem.find("PRIVATE KEY") != std::string::npos) {
    out.problem = "holds a private key; give the file with the certificate alone";
  } else if (out.pem.size() > kMaxCertificate ||
             out.pem.find("-----BEGIN CERTIFICATE-----") == std::string::npos) {
    out.problem = "is no certificate in PEM form";
  }
  if (!out.problem.empty()) out.pem.clear();
  return out;
}

}  // namespace telegram
