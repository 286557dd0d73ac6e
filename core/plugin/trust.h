// Whether a plugin's files may be loaded: who can change them, and whether they are the ones that
// were installed. Runs no plugin code. Blocking file access; any thread.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "result.h"

namespace openclaw::plugin {

// Owns a descriptor.
class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept;
  Descriptor& operator=(Descriptor&& other) noexcept;
  ~Descriptor();
  int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }

 private:
  int fd_ = -1;
};

// How far up the owners and modes are checked. A bundled plugin lies in the same installation as
// the program itself: whoever can swap the folders above it can swap the program.
enum class Scope { kWholePath, kFromRoot };

// A plugin's folder, opened once. Everything later goes through these descriptors.
struct TrustedDir {
  std::filesystem::path path;  // absolute, no symlinks
  Descriptor fd;
};

// Opens `root`/`name`, component by component, without following a symlink below the canonical
// root. Each component must belong to root or to this user and be writable by no one else (folders
// above the plugin root may have the sticky bit instead). An empty `name` is the root itself.
Result<TrustedDir> open_trusted_dir(const std::filesystem::path& root, std::string_view name,
                                    Scope scope);

struct FileIdentity {
  dev_t device = 0;
  ino_t inode = 0;
  off_t size = 0;
  timespec modified{};
  bool operator==(const FileIdentity& other) const;
};

struct TrustedFile {
  std::filesystem::path path;
  Descriptor fd;
  FileIdentity identity;
};

// A regular file in `dir`, under the same rules.
Result<TrustedFile> open_trusted_file(const TrustedDir& dir, std::string_view name);
// The file that now has this path, for comparison just before and after loading.
Result<FileIdentity> identify(const std::filesystem::path& path);

// Whole content through the descriptor.
Result<std::string> read_all(const TrustedFile& file, std::uint64_t max_bytes);
// Lower-case hex.
Result<std::string> sha256_of(const TrustedFile& file);

// The record of installed plugins: <state>/plugins/installed.json, 0600.
struct InstallRecord {
  std::string library_sha256, manifest_sha256, version;
};
Result<std::optional<InstallRecord>> find_install_record(const std::filesystem::path& state_dir,
                                                         std::string_view id);
// Adds or replaces one record.
Result<void> write_install_record(const std::filesystem::path& state_dir, std::string_view id,
                                  const InstallRecord& record);
Result<void> erase_install_record(const std::filesystem::path& state_dir, std::string_view id);

}  // namespace openclaw::plugin
