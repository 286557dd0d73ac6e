// RootedDir: a directory and everything beneath it, reached through its handle only. Every name is
// resolved by the kernel (openat2) beneath that handle at the moment of use, so nothing that
// happens to the tree between a check and its use can lead outside. Blocking; for the blocking
// pool. An object is used by one thread at a time.
#pragma once

#include <sys/stat.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "result.h"

namespace openclaw::workspace {

// A file descriptor that is closed when it goes.
class Handle {
 public:
  Handle() = default;
  explicit Handle(int fd) : fd_(fd) {}
  Handle(Handle&& other) noexcept : fd_(other.release()) {}
  Handle& operator=(Handle&& other) noexcept;
  ~Handle();
  int get() const { return fd_; }
  bool ok() const { return fd_ >= 0; }
  int release();

 private:
  int fd_ = -1;
};

// False, with errno, when not all of it could be written.
bool write_all(const Handle& file, std::string_view bytes);

struct Owner {
  uid_t user = 0;
  gid_t group = 0;
};

struct RootOptions {
  // Links inside may lead anywhere and hard links are nobody's business: the whole file system of
  // the owner.
  bool whole_file_system = false;
  bool read_only = false;
  bool no_links = false;  // refused for reading, too
  // New files and folders belong to the root's owner. Needs privilege; ignored without.
  bool give_to_owner = true;
  // Who "the root's owner" is, where that is somebody else than the folder says.
  std::optional<Owner> owner = {};
  // create() makes files and folders that everybody may read, whatever the umask: their reader is
  // neither this process nor the owner.
  bool readable_by_all = false;
};

// What was read, and which version of the file it was.
struct FileVersion {
  dev_t device = 0;
  ino_t inode = 0;
  off_t size = 0;
  timespec modified{};
};
struct FileBytes {
  std::string bytes;
  FileVersion version;
};

enum class WriteMode {
  kCreate,   // there must be nothing
  kReplace,  // what is there must be a regular file; parents are made when missing
};

class RootedDir {
 public:
  // `root` is the operator's word: links in it are followed. `label` names it in messages.
  static Result<RootedDir> open(const std::string& root, std::string label,
                                RootOptions options = {});

  // An open regular file for reading; links beneath the root are followed, others are refused.
  // kNotFound, kPermissionDenied (leads outside, not a regular file, hard-linked),
  // kInvalidArgument.
  Result<Handle> open_file(const std::string& path, struct stat* info = nullptr) const;
  // The whole file. kResourceExhausted: larger than `most`.
  Result<FileBytes> read(const std::string& path, std::size_t most) const;
  // Into a temporary file beside it, then renamed: readers see the old bytes or the new ones. No
  // part of the path may be a link. `expected`: kFailedPrecondition when the file is another by
  // now.
  Result<void> write(const std::string& path, std::string_view bytes, WriteMode mode,
                     const std::optional<FileVersion>& expected = {}) const;
  // A new empty file for the caller to fill, mode 0600; parents are made when missing. No part of
  // the path may be a link. kAlreadyExists: something has that name, whatever it is.
  Result<Handle> create(const std::string& path) const;
  // One regular file (or a link: the link itself goes, not what it names).
  Result<void> remove(const std::string& path) const;
  Result<bool> exists(const std::string& path) const;

  const std::string& label() const { return label_; }
  const RootOptions& options() const { return options_; }

 private:
  RootedDir(Handle root, std::string label, RootOptions options, uid_t uid, gid_t gid);
  struct Leaf {
    Handle parent;
    std::string name;
  };
  Result<Leaf> leaf_of(const std::string& path, bool make_parents) const;
  Result<Handle> directory(int at, const std::string& name, const std::string& path) const;
  Result<Handle> make_directories(const std::string& parents, const std::string& path) const;
  std::uint64_t resolve_flags(bool for_write) const;
  Result<void> give(const Handle& made, const std::string& path) const;
  Error failure(int error, const std::string& what, const std::string& path) const;

  Handle root_;
  std::string label_;
  RootOptions options_;
  uid_t uid_ = 0;
  gid_t gid_ = 0;
};

// "a/./b//../c" -> "a/c"; kPermissionDenied when it climbs out, kInvalidArgument for NUL bytes, and
// parts or paths longer than the kernel takes. "." for the root itself.
Result<std::string> clean_relative(std::string_view path);

}  // namespace openclaw::workspace
