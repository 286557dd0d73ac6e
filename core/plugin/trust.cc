#include "plugin/trust.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include <openssl/evp.h>

#include "storage/atomic_file.h"

namespace openclaw::plugin {
namespace {

constexpr std::uint64_t kMaxRecordBytes = 4 * 1024 * 1024;

std::string reason(int error) {
  return std::generic_category().message(error);
}

enum class Sticky { kAllowed, kRefused };

// Ownership and mode of one component, already opened.
Result<void> check_component(int fd, const std::filesystem::path& path, Sticky sticky) {
  struct stat info {};
  if (fstat(fd, &info) != 0) {
    return make_error(Code::kUnavailable,
                      "cannot read the owner of " + path.string() + ": " + reason(errno));
  }
  if (info.st_uid != 0 && info.st_uid != geteuid()) {
    return make_error(Code::kPermissionDenied,
                      path.string() + " belongs to user " + std::to_string(info.st_uid) +
                          ", who could replace the plugin; chown it to root or to the "
                          "user of the gateway");
  }
  const bool others_write = (info.st_mode & (S_IWGRP | S_IWOTH)) != 0;
  if (others_write && !(sticky == Sticky::kAllowed && (info.st_mode & S_ISVTX) != 0)) {
    return make_error(
        Code::kPermissionDenied,
        path.string() + " is writable by group or others; run: chmod go-w '" + path.string() + "'");
  }
  return {};
}

Error cannot_open(const std::filesystem::path& path, int error) {
  if (error == ELOOP || error == ENOTDIR) {
    return make_error(
        Code::kPermissionDenied,
        path.string() + " is a symbolic link or no folder; a plugin must lie in its root itself");
  }
  if (error == ENOENT) return make_error(Code::kNotFound, path.string() + " does not exist");
  return make_error(Code::kUnavailable, "cannot open " + path.string() + ": " + reason(error));
}

Result<Descriptor> open_folder(int parent, const std::string& name,
                               const std::filesystem::path& path) {
  Descriptor fd(openat(parent, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!fd) return cannot_open(path, errno);
  return fd;
}

bool plain_name(std::string_view name) {
  return !name.empty() && name != "." && name != ".." && name.find('/') == std::string_view::npos &&
         name.find('\0') == std::string_view::npos;
}

std::filesystem::path record_path(const std::filesystem::path& state_dir) {
  return state_dir / "plugins" / "installed.json";
}

Result<json::object> read_records(const std::filesystem::path& state_dir) {
  const auto path = record_path(state_dir);
  // Who can write the record can make any library pass.
  if (auto checked = storage::check_private_file(path); !checked) return checked.error();
  auto text = storage::read_file_bounded(path, kMaxRecordBytes);
  if (!text && text.error().code == Code::kNotFound)
    return json::object{{"version", 1}, {"plugins", json::object()}};
  if (!text) return text.error();
  boost::system::error_code failure;
  json::value value = json::parse(*text, failure);
  if (failure || !value.is_object() || !value.get_object().contains("plugins") ||
      !value.get_object()["plugins"].is_object()) {
    return make_error(
        Code::kFailedPrecondition,
        path.string() + " is damaged; install the plugins again: openclaw plugins install PATH");
  }
  return std::move(value.get_object());
}

Result<void> write_records(const std::filesystem::path& state_dir, const json::object& records) {
  const auto path = record_path(state_dir);
  if (auto made = storage::make_private_dir(path.parent_path()); !made) return made.error();
  return storage::write_file_atomically(path, json::serialize(records) + "\n");
}

}  // namespace

Descriptor::Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}

Descriptor& Descriptor::operator=(Descriptor&& other) noexcept {
  if (this != &other) {
    if (fd_ >= 0) close(fd_);
    fd_ = std::exchange(other.fd_, -1);
  }
  return *this;
}

Descriptor::~Descriptor() {
  if (fd_ >= 0) close(fd_);
}

Result<TrustedDir> open_trusted_dir(const std::filesystem::path& root, std::string_view name,
                                    Scope scope) {
  std::error_code failure;
  // Links above the root (/lib on Debian) are the administrator's; the walk below sees none of
  // them.
  const auto canonical = std::filesystem::canonical(root, failure);
  if (failure)
    return make_error(Code::kNotFound, "cannot open " + root.string() + ": " + failure.message());
  TrustedDir dir{"/", Descriptor(open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC))};
  if (!dir.fd) return cannot_open("/", errno);
  auto check = [&](Sticky sticky) { return check_component(dir.fd.get(), dir.path, sticky); };
  for (const auto& part : canonical.relative_path()) {
    if (scope == Scope::kWholePath) {
      if (auto checked = check(Sticky::kAllowed); !checked) return checked.error();
    }
    auto next = open_folder(dir.fd.get(), part.string(), dir.path / part);
    if (!next) return next.error();
    dir.path /= part;
    dir.fd = std::move(*next);
  }
  if (auto checked = check(Sticky::kRefused); !checked) return checked.error();
  if (name.empty()) return dir;
  if (!plain_name(name))
    return make_error(Code::kInvalidArgument, "not a folder's name: " + std::string(name));
  auto next = open_folder(dir.fd.get(), std::string(name), dir.path / name);
  if (!next) return next.error();
  dir.path /= name;
  dir.fd = std::move(*next);
  if (auto checked = check(Sticky::kRefused); !checked) return checked.error();
  return dir;
}

bool FileIdentity::operator==(const FileIdentity& other) const {
  return device == other.device && inode == other.inode && size == other.size &&
         modified.tv_sec == other.modified.tv_sec && modified.tv_nsec == other.modified.tv_nsec;
}

static FileIdentity identity_of(const struct stat& info) {
  return {info.st_dev, info.st_ino, info.st_size, info.st_mtim};
}

Result<TrustedFile> open_trusted_file(const TrustedDir& dir, std::string_view name) {
  if (!plain_name(name))
    return make_error(Code::kInvalidArgument, "not a file's name: " + std::string(name));
  TrustedFile file;
  file.path = dir.path / name;
  // O_NONBLOCK: a FIFO in place of the file must not stop us; it is refused below.
  file.fd = Descriptor(openat(dir.fd.get(), std::string(name).c_str(),
                              O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK));
  if (!file.fd) return cannot_open(file.path, errno);
  struct stat info {};
  if (fstat(file.fd.get(), &info) != 0) return cannot_open(file.path, errno);
  if (!S_ISREG(info.st_mode)) {
    return make_error(Code::kPermissionDenied, file.path.string() + " is not a regular file");
  }
  if (auto checked = check_component(file.fd.get(), file.path, Sticky::kRefused); !checked)
    return checked.error();
  file.identity = identity_of(info);
  return file;
}

Result<FileIdentity> identify(const std::filesystem::path& path) {
  struct stat info {};
  if (lstat(path.c_str(), &info) != 0) return cannot_open(path, errno);
  return identity_of(info);
}

Result<std::string> read_all(const TrustedFile& file, std::uint64_t max_bytes) {
  const auto size = static_cast<std::uint64_t>(file.identity.size);
  if (size > max_bytes) {
    return make_error(Code::kResourceExhausted, file.path.string() + " is larger than " +
                                                    std::to_string(max_bytes) + " bytes");
  }
  std::string text(static_cast<std::size_t>(size), '\0');
  std::size_t done = 0;
  while (done < text.size()) {
    const ssize_t n =
        pread(file.fd.get(), text.data() + done, text.size() - done, static_cast<off_t>(done));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0)
      return make_error(Code::kUnavailable,
                        "cannot read " + file.path.string() + ": " + reason(errno));
    if (n == 0) break;
    done += static_cast<std::size_t>(n);
  }
  text.resize(done);
  return text;
}

Result<std::string> sha256_of(const TrustedFile& file) {
  const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(),
                                                                        EVP_MD_CTX_free);
  if (!context || EVP_DigestInit_ex(context.get(), EVP_sha256(), nullptr) != 1) {
    return make_error(Code::kInternal, "SHA-256 is not available in OpenSSL");
  }
  std::array<unsigned char, 64 * 1024> block{};
  for (off_t at = 0;;) {
    const ssize_t n = pread(file.fd.get(), block.data(), block.size(), at);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0)
      return make_error(Code::kUnavailable,
                        "cannot read " + file.path.string() + ": " + reason(errno));
    if (n == 0) break;
    EVP_DigestUpdate(context.get(), block.data(), static_cast<std::size_t>(n));
    at += n;
  }
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  EVP_DigestFinal_ex(context.get(), digest.data(), &size);
  static constexpr char kHex[] = "0123456789abcdef";
  std::string text;
  for (unsigned i = 0; i < size; ++i) {
    text += kHex[digest[i] >> 4];
    text += kHex[digest[i] & 15];
  }
  return text;
}

Result<std::optional<InstallRecord>> find_install_record(const std::filesystem::path& state_dir,
                                                         std::string_view id) {
  auto records = read_records(state_dir);
  if (!records) return records.error();
  const auto* found =
      (*records)["plugins"].get_object().if_contains(json::string_view(id.data(), id.size()));
  if (!found || !found->is_object()) return std::optional<InstallRecord>();
  auto text = [&](std::string_view key) {
    const auto* value = found->get_object().if_contains(json::string_view(key.data(), key.size()));
    return value && value->is_string() ? std::string(value->get_string()) : std::string();
  };
  return std::optional(
      InstallRecord{text("librarySha256"), text("manifestSha256"), text("version")});
}

Result<void> write_install_record(const std::filesystem::path& state_dir, std::string_view id,
                                  const InstallRecord& record) {
  auto records = read_records(state_dir);
  if (!records) return records.error();
  (*records)["plugins"].get_object()[json::string_view(id.data(), id.size())] =
      json::object{{"version", record.version},
                   {"librarySha256", record.library_sha256},
                   {"manifestSha256", record.manifest_sha256}};
  return write_records(state_dir, *records);
}

Result<void> erase_install_record(const std::filesystem::path& state_dir, std::string_view id) {
  auto records = read_records(state_dir);
  if (!records) return records.error();
  (*records)["plugins"].get_object().erase(json::string_view(id.data(), id.size()));
  return write_records(state_dir, *records);
}

}  // namespace openclaw::plugin
