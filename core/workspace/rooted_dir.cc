#include "workspace/rooted_dir.h"

#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <linux/openat2.h>
#include <system_error>
#include <utility>
#include <vector>

#include "storage/random_hex.h"

namespace openclaw::workspace {
namespace {

constexpr int kRenameNoReplace = 1;  // RENAME_NOREPLACE; glibc hides it behind _GNU_SOURCE

int open_beneath(int at, const std::string& path, std::uint64_t flags, std::uint64_t resolve) {
  open_how how{};
  how.flags = flags | O_CLOEXEC | ((flags & O_PATH) != 0 ? 0U : unsigned{O_NOCTTY});
  how.resolve = resolve;
  // EAGAIN: a rename beside us while ".." was looked up; the kernel asks for another try.
  for (int tries = 0; tries < 32; ++tries) {
    long fd = ::syscall(SYS_openat2, at, path.c_str(), &how, sizeof how);
    if (fd >= 0 || errno != EAGAIN) return static_cast<int>(fd);
  }
  errno = EAGAIN;
  return -1;
}

std::string error_text(int error) {
  return std::generic_category().message(error);
}

std::string temporary_name() {
  return ".openclaw-" + storage::random_hex(8) + ".tmp";
}

FileVersion version_of(const struct stat& info) {
  return {info.st_dev, info.st_ino, info.st_size, info.st_mtim};
}

bool same(const FileVersion& a, const FileVersion& b) {
  return a.device == b.device && a.inode == b.inode && a.size == b.size &&
         a.modified.tv_sec == b.modified.tv_sec && a.modified.tv_nsec == b.modified.tv_nsec;
}

// Removes the temporary file unless it was renamed away.
struct Temporary {
  int parent = -1;
  std::string name;
  ~Temporary() {
    if (!name.empty()) ::unlinkat(parent, name.c_str(), 0);
  }
};

}  // namespace

bool write_all(const Handle& file, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t done = ::write(file.get(), bytes.data(), bytes.size());
    if (done < 0 && errno == EINTR) continue;
    if (done <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(done));
  }
  return true;
}

Handle& Handle::operator=(Handle&& other) noexcept {
  if (this != &other) {
    if (fd_ >= 0) ::close(fd_);
    fd_ = other.release();
  }
  return *this;
}
Handle::~Handle() {
  if (fd_ >= 0) ::close(fd_);
}
int Handle::release() {
  return std::exchange(fd_, -1);
}

Result<std::string> clean_relative(std::string_view path) {
  if (path.find('\0') != std::string_view::npos)
    return Error(Code::kInvalidArgument, "the path holds a NUL byte");
  std::vector<std::string_view> parts;
  std::size_t length = 0;
  while (!path.empty()) {
    std::size_t slash = path.find('/');
    std::string_view part = path.substr(0, slash);
    path = slash == std::string_view::npos ? std::string_view() : path.substr(slash + 1);
    if (part.empty() || part == ".") continue;
    if (part == "..") {
      if (parts.empty()) return Error(Code::kPermissionDenied, "the path climbs out with \"..\"");
      parts.pop_back();
      continue;
    }
    if (part.size() > 255)
      return Error(Code::kInvalidArgument, "a part of the path is longer than 255 bytes");
    length += part.size() + 1;
    if (length > 4000) return Error(Code::kInvalidArgument, "the path is longer than 4000 bytes");
    parts.push_back(part);
  }
  std::string out;
  for (std::string_view part : parts) out += (out.empty() ? "" : "/") + std::string(part);
  return out.empty() ? std::string(".") : out;
}

RootedDir::RootedDir(Handle root, std::string label, RootOptions options, uid_t uid, gid_t gid)
    : root_(std::move(root)), label_(std::move(label)), options_(options), uid_(uid), gid_(gid) {}

Result<RootedDir> RootedDir::open(const std::string& root, std::string label, RootOptions options) {
  Handle handle(::open(root.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  struct stat info {};
  if (!handle.ok() || ::fstat(handle.get(), &info) != 0) {
    return Error(errno == ENOENT ? Code::kNotFound : Code::kFailedPrecondition,
                 "cannot open the folder " + label + ": " + error_text(errno));
  }
  const Owner owner = options.owner.value_or(Owner{info.st_uid, info.st_gid});
  return RootedDir(std::move(handle), std::move(label), options, owner.user, owner.group);
}

std::uint64_t RootedDir::resolve_flags(bool for_write) const {
  if (options_.whole_file_system) return RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS;
  std::uint64_t flags = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS;
  return for_write || options_.no_links ? flags | RESOLVE_NO_SYMLINKS : flags;
}

Error RootedDir::failure(int error, const std::string& what, const std::string& path) const {
  std::string text = "cannot " + what + " " + path + ": ";
  switch (error) {
    case ENOENT:
      return Error(Code::kNotFound, text + "no such file or folder");
    case EXDEV:
      return Error(Code::kPermissionDenied, text + "it leads outside of " + label_);
    case ELOOP:
      return Error(
          Code::kPermissionDenied,
          text + "a part of the path is a symbolic link; use the real path inside " + label_);
    case ENOTDIR:
      return Error(Code::kFailedPrecondition, text + "a part of the path is no folder");
    case EISDIR:
      return Error(Code::kFailedPrecondition, text + "it is a folder");
    case EACCES:
    case EPERM:
      return Error(Code::kPermissionDenied, text + "the file system does not permit it");
    case ENOSPC:
    case EDQUOT:
      return Error(Code::kResourceExhausted, text + error_text(error));
    case ENOSYS:
      return Error(Code::kFailedPrecondition,
                   text + "this kernel has no openat2 (Linux 5.6 or newer is needed)");
    default:
      return Error(Code::kFailedPrecondition, text + error_text(error));
  }
}

Result<Handle> RootedDir::open_file(const std::string& path, struct stat* info) const {
  auto clean = clean_relative(path);
  if (!clean)
    return Error(clean.error().code, "cannot read " + path + ": " + clean.error().message);
  // O_NONBLOCK: a FIFO in the way must not hold the thread; fstat then tells what was opened.
  Handle file(open_beneath(root_.get(), *clean, O_RDONLY | O_NONBLOCK, resolve_flags(false)));
  if (!file.ok()) {
    if (errno == ENXIO)
      return Error(Code::kPermissionDenied, "cannot read " + path + ": it is no regular file");
    return failure(errno, "read", path);
  }
  struct stat found {};
  if (::fstat(file.get(), &found) != 0) return failure(errno, "read", path);
  if (S_ISDIR(found.st_mode)) return failure(EISDIR, "read", path);
  if (!S_ISREG(found.st_mode)) {
    return Error(Code::kPermissionDenied, "cannot read " + path + ": it is no regular file");
  }
  if (found.st_nlink > 1 && !options_.whole_file_system) {
    return Error(Code::kPermissionDenied,
                 "cannot read " + path +
                     ": it has hard links, and the other name may be outside of " + label_);
  }
  if (info != nullptr) *info = found;
  return file;
}

Result<FileBytes> RootedDir::read(const std::string& path, std::size_t most) const {
  struct stat info {};
  auto file = open_file(path, &info);
  if (!file) return file.error();
  FileBytes out;
  out.version = version_of(info);
  char buffer[65536];
  for (;;) {
    ssize_t got = ::read(file->get(), buffer, sizeof buffer);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return failure(errno, "read", path);
    if (got == 0) return out;
    out.bytes.append(buffer, static_cast<std::size_t>(got));
    if (out.bytes.size() > most) {
      return Error(Code::kResourceExhausted, "cannot read " + path + ": it is larger than " +
                                                 std::to_string(most) + " bytes");
    }
  }
}

Result<Handle> RootedDir::directory(int at, const std::string& name,
                                    const std::string& path) const {
  Handle handle(open_beneath(at, name, O_PATH | O_DIRECTORY, resolve_flags(true)));
  if (!handle.ok()) return failure(errno, "write", path);
  return handle;
}

// Through the handle, so that a swap cannot hand somebody another file or folder.
Result<void> RootedDir::give(const Handle& made, const std::string& path) const {
  struct stat info {};
  if (::fstat(made.get(), &info) != 0) return failure(errno, "write", path);
  // Not what this process has just made: something else was put in its place.
  if (info.st_uid != ::geteuid()) return {};
  if (options_.readable_by_all) {
    // fchmod() takes no O_PATH handle.
    const bool folder = S_ISDIR(info.st_mode);
    Handle opened(folder ? ::openat(made.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1);
    if (folder && !opened.ok()) return failure(errno, "write", path);
    const mode_t mode = folder ? 0755 : 0644;
    if (::fchmod(folder ? opened.get() : made.get(), mode) != 0)
      return failure(errno, "write", path);
  }
  if (options_.give_to_owner && ::geteuid() == 0 &&
      ::fchownat(made.get(), "", uid_, gid_, AT_EMPTY_PATH) != 0)
    return failure(errno, "write", path);
  return {};
}

Result<Handle> RootedDir::make_directories(const std::string& parents,
                                           const std::string& path) const {
  Handle here;
  int at = root_.get();
  for (std::size_t start = 0; start < parents.size();) {
    std::size_t slash = std::min(parents.find('/', start), parents.size());
    // In the whole file system a link may stand in the way, and it is resolved from "/".
    bool whole = options_.whole_file_system;
    std::string name = whole ? parents.substr(0, slash) : parents.substr(start, slash - start);
    start = slash + 1;
    if (whole) at = root_.get();
    bool made = ::mkdirat(at, name.c_str(), 0777) == 0;
    if (!made && errno != EEXIST) return failure(errno, "write", path);
    auto next = directory(at, name, path);
    if (!next) return next;
    if (made) {
      if (auto given = give(*next, path); !given) return given.error();
    }
    here = std::move(*next);
    at = here.get();
  }
  return here;
}

Result<RootedDir::Leaf> RootedDir::leaf_of(const std::string& path, bool make_parents) const {
  if (options_.read_only) {
    return Error(Code::kPermissionDenied,
                 "cannot write " + path + ": " + label_ + " is read-only here");
  }
  auto clean = clean_relative(path);
  if (!clean)
    return Error(clean.error().code, "cannot write " + path + ": " + clean.error().message);
  if (*clean == ".") return failure(EISDIR, "write", path);
  std::size_t slash = clean->rfind('/');
  Leaf leaf;
  leaf.name = slash == std::string::npos ? *clean : clean->substr(slash + 1);
  std::string parents = slash == std::string::npos ? "." : clean->substr(0, slash);
  auto parent = directory(root_.get(), parents, path);
  if (!parent && parent.error().code == Code::kNotFound && make_parents)
    parent = make_directories(parents, path);
  if (!parent) return parent.error();
  leaf.parent = std::move(*parent);
  return leaf;
}

Result<void> RootedDir::write(const std::string& path, std::string_view bytes, WriteMode mode,
                              const std::optional<FileVersion>& expected) const {
  auto leaf = leaf_of(path, true);
  if (!leaf) return leaf.error();
  const int parent = leaf->parent.get();
  struct stat old {};
  bool exists = ::fstatat(parent, leaf->name.c_str(), &old, AT_SYMLINK_NOFOLLOW) == 0;
  if (!exists && errno != ENOENT) return failure(errno, "write", path);
  if (exists && mode == WriteMode::kCreate) {
    return Error(Code::kAlreadyExists, "cannot create " + path + ": it exists already");
  }
  if (exists && S_ISDIR(old.st_mode)) return failure(EISDIR, "write", path);
  if (exists && S_ISLNK(old.st_mode)) return failure(ELOOP, "write", path);
  if (exists && !S_ISREG(old.st_mode)) {
    return Error(Code::kPermissionDenied, "cannot write " + path + ": it is no regular file");
  }
  if (exists && old.st_nlink > 1 && !options_.whole_file_system) {
    return Error(Code::kPermissionDenied,
                 "cannot write " + path +
                     ": it has hard links, and the other name may be outside of " + label_);
  }
  Temporary temporary{parent, {}};
  std::string name = temporary_name();
  Handle file(::openat(parent, name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
                       exists ? 0600 : 0666));
  if (!file.ok()) return failure(errno, "write", path);
  temporary.name = name;
  if (!write_all(file, bytes)) return failure(errno, "write", path);
  if (options_.give_to_owner && ::geteuid() == 0) {
    auto uid = exists ? old.st_uid : uid_;
    if (::fchown(file.get(), uid, exists ? old.st_gid : gid_) != 0)
      return failure(errno, "write", path);
  }
  if (exists && ::fchmod(file.get(), old.st_mode & 0777) != 0) return failure(errno, "write", path);
  if (expected) {
    struct stat now {};
    bool there = ::fstatat(parent, leaf->name.c_str(), &now, AT_SYMLINK_NOFOLLOW) == 0;
    if (!there || !same(version_of(now), *expected)) {
      return Error(Code::kFailedPrecondition,
                   "cannot write " + path + ": it changed meanwhile; read it again");
    }
  }
  int flags = mode == WriteMode::kCreate ? kRenameNoReplace : 0;
  if (::syscall(SYS_renameat2, parent, name.c_str(), parent, leaf->name.c_str(), flags) != 0) {
    if (errno == EEXIST)
      return Error(Code::kAlreadyExists, "cannot create " + path + ": it exists already");
    return failure(errno, "write", path);
  }
  temporary.name.clear();
  return {};
}

Result<Handle> RootedDir::create(const std::string& path) const {
  auto leaf = leaf_of(path, true);
  if (!leaf) return leaf.error();
  // O_EXCL alone refuses links, also dangling ones, and never opens what is there: no FIFO can hold
  // the thread.
  Handle file(::openat(leaf->parent.get(), leaf->name.c_str(),
                       O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!file.ok() && errno == EEXIST)
    return Error(Code::kAlreadyExists, "cannot create " + path + ": it exists already");
  if (!file.ok()) return failure(errno, "write", path);
  if (auto given = give(file, path); !given) {
    ::unlinkat(leaf->parent.get(), leaf->name.c_str(), 0);
    return given.error();
  }
  return file;
}

Result<void> RootedDir::remove(const std::string& path) const {
  auto leaf = leaf_of(path, false);
  if (!leaf) return leaf.error();
  struct stat info {};
  if (::fstatat(leaf->parent.get(), leaf->name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) {
    return failure(errno, "delete", path);
  }
  if (!S_ISREG(info.st_mode) && !S_ISLNK(info.st_mode)) {
    return Error(Code::kPermissionDenied, "cannot delete " + path + ": it is no regular file");
  }
  // Without AT_REMOVEDIR a folder that came in its place stays.
  if (::unlinkat(leaf->parent.get(), leaf->name.c_str(), 0) != 0)
    return failure(errno, "delete", path);
  return {};
}

Result<bool> RootedDir::exists(const std::string& path) const {
  auto clean = clean_relative(path);
  if (!clean) return Error(clean.error().code, path + ": " + clean.error().message);
  Handle handle(open_beneath(root_.get(), *clean, O_PATH | O_NOFOLLOW, resolve_flags(false)));
  if (handle.ok()) return true;
  if (errno == ENOENT || errno == ENOTDIR) return false;
  return failure(errno, "look at", path);
}

}  // namespace openclaw::workspace
