#include "storage/atomic_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <system_error>

namespace openclaw::storage {
namespace {

Error system_error(int number, std::string_view what, const std::filesystem::path& path) {
  Code code = Code::kInternal;
  std::string advice;
  switch (number) {
    case ENOENT:
      code = Code::kNotFound;
      break;
    case EEXIST:
      code = Code::kAlreadyExists;
      break;
    case EACCES:
    case EPERM:
      code = Code::kPermissionDenied;
      advice = "; look with: ls -ld " + path.parent_path().string() + " " + path.string();
      break;
    case ENOSPC:
    case EDQUOT:
      code = Code::kResourceExhausted;
      advice = "; look with: df -h " + path.parent_path().string();
      break;
    case EROFS:
      code = Code::kFailedPrecondition;
      break;
    default:
      break;
  }
  auto reason = std::error_code(number, std::generic_category()).message();
  return Error(code, std::string(what) + " " + path.string() + ": " + reason + advice);
}

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }
  // An error of close() is an error of the write on some file systems.
  int close() {
    int result = ::close(fd_);
    fd_ = -1;
    return result;
  }

 private:
  int fd_;
};

// Removes the temporary file unless it was renamed.
struct TemporaryFile {
  std::filesystem::path path;
  bool armed = true;
  ~TemporaryFile() {
    if (armed) ::unlink(path.c_str());
  }
};

bool write_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    ssize_t n = ::write(fd, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
  return true;
}

Result<void> sync_folder(const std::filesystem::path& folder) {
  Descriptor fd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (fd.get() < 0) return system_error(errno, "cannot open the folder", folder);
  // EINVAL: the file system cannot sync folders, and then there is nothing to sync.
  if (::fsync(fd.get()) != 0 && errno != EINVAL) {
    return system_error(errno, "cannot sync the folder", folder);
  }
  return {};
}

}  // namespace

Result<void> write_file_atomically(const std::filesystem::path& path, std::string_view bytes,
                                   mode_t mode) {
  static std::atomic<std::uint64_t> counter{0};
  auto folder = path.has_parent_path() ? path.parent_path() : std::filesystem::path(".");
  // Unique per process and call; O_EXCL and O_NOFOLLOW make a planted name an error, not a target.
  TemporaryFile temporary{folder /
                          ("." + path.filename().string() + "." + std::to_string(::getpid()) + "." +
                           std::to_string(++counter) + ".tmp")};
  int flags = O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW;
  int opened = ::open(temporary.path.c_str(), flags, 0600);
  if (opened < 0 && errno == EEXIST) {
    // A crash of an earlier process with this number left it behind.
    ::unlink(temporary.path.c_str());
    opened = ::open(temporary.path.c_str(), flags, 0600);
  }
  if (opened < 0) {
    temporary.armed = false;
    return system_error(errno, "cannot write beside", path);
  }
  Descriptor fd(opened);
  if (!write_all(fd.get(), bytes)) return system_error(errno, "cannot write", path);
  if (::fchmod(fd.get(), mode) != 0) return system_error(errno, "cannot set the mode of", path);
  if (::fsync(fd.get()) != 0) return system_error(errno, "cannot sync", path);
  if (fd.close() != 0) return system_error(errno, "cannot close", path);
  if (::rename(temporary.path.c_str(), path.c_str()) != 0) {
    return system_error(errno, "cannot replace", path);
  }
  temporary.armed = false;
  return sync_folder(folder);
}

Result<std::string> read_file_bounded(const std::filesystem::path& path, std::uint64_t max_bytes) {
  // O_NONBLOCK: opening a FIFO must not hang.
  Descriptor fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (fd.get() < 0) return system_error(errno, "cannot read", path);
  struct stat info {};
  if (::fstat(fd.get(), &info) != 0) return system_error(errno, "cannot read", path);
  if (!S_ISREG(info.st_mode)) {
    return Error(Code::kFailedPrecondition, path.string() + " is not a regular file");
  }
  auto too_large = [&] {
    return Error(Code::kResourceExhausted, path.string() + " is larger than the allowed " +
                                               std::to_string(max_bytes) + " bytes");
  };
  auto size = static_cast<std::uint64_t>(info.st_size);
  if (size > max_bytes) return too_large();
  std::string out;
  // Files of /proc report size 0, and a file may grow meanwhile: read to the end, not to the size.
  out.resize(static_cast<std::size_t>(size) + 1);
  std::size_t used = 0;
  for (;;) {
    if (used == out.size()) out.resize(out.size() + 64 * 1024);
    ssize_t n = ::read(fd.get(), out.data() + used, out.size() - used);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return system_error(errno, "cannot read", path);
    if (n == 0) break;
    used += static_cast<std::size_t>(n);
    if (used > max_bytes) return too_large();
  }
  out.resize(used);
  return out;
}

Result<void> check_private_file(const std::filesystem::path& path) {
  struct stat info {};
  if (::lstat(path.c_str(), &info) != 0) {
    if (errno == ENOENT) return {};
    return system_error(errno, "cannot look at", path);
  }
  if (!S_ISREG(info.st_mode)) {
    return Error(Code::kFailedPrecondition, path.string() + " is not a regular file");
  }
  if (info.st_uid != ::geteuid()) {
    return Error(Code::kFailedPrecondition, path.string() + " belongs to user " +
                                                std::to_string(info.st_uid) +
                                                "; take it over with: chown " +
                                                std::to_string(::geteuid()) + " " + path.string());
  }
  if ((info.st_mode & 077) != 0) {
    char mode[8];
    std::snprintf(mode, sizeof mode, "%04o", static_cast<unsigned>(info.st_mode & 07777));
    return Error(Code::kFailedPrecondition, path.string() + " has mode " + mode +
                                                ", so others may touch it; type: chmod 600 " +
                                                path.string());
  }
  return {};
}

Result<void> make_private_dir(const std::filesystem::path& path) {
  std::error_code failure;
  if (path.has_parent_path()) std::filesystem::create_directories(path.parent_path(), failure);
  if (failure) return system_error(failure.value(), "cannot create", path.parent_path());
  if (::mkdir(path.c_str(), 0700) == 0) return {};
  if (errno != EEXIST) return system_error(errno, "cannot create", path);
  if (!std::filesystem::is_directory(path, failure)) {
    return Error(Code::kFailedPrecondition, path.string() + " exists and is not a folder");
  }
  return {};
}

}  // namespace openclaw::storage
