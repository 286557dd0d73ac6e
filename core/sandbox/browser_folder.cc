// What a sandbox browser keeps on the host.
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>

#include <openssl/rand.h>

#include "sandbox/browser_view.h"
#include "storage/atomic_file.h"

namespace openclaw::sandbox {

namespace {

// Classic VNC looks at eight characters of a password.
constexpr std::size_t kPasswordLength = 8;
constexpr std::uint64_t kMaxPasswordFileBytes = 64;

Result<std::string> new_password() {
  static constexpr std::string_view kAlphabet =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  static_assert(kAlphabet.size() == 64, "so that every byte is as likely as any other");
  std::array<unsigned char, kPasswordLength> bytes{};
  if (RAND_bytes(bytes.data(), static_cast<int>(bytes.size())) != 1)
    return make_error(Code::kInternal, "no random bytes for the password of the sandbox browser");
  std::string out;
  for (unsigned char byte : bytes) out += kAlphabet[byte & 63];
  return out;
}

// To the user of the container, where this process may do that.
Result<void> give_to_browser(const std::filesystem::path& path, const std::string& user) {
  if (::geteuid() != 0) return {};
  uid_t uid = 0;
  gid_t gid = 0;
  const char* end = user.data() + user.size();
  auto [colon, bad_uid] = std::from_chars(user.data(), end, uid);
  bool parsed = bad_uid == std::errc() && colon != end && *colon == ':' &&
                std::from_chars(colon + 1, end, gid).ec == std::errc();
  // Not through a link: the container may have put one in the place of its own folder's content,
  // though not of the folder.
  if (parsed && ::lchown(path.c_str(), uid, gid) == 0) return {};
  return make_error(Code::kPermissionDenied, "cannot give " + path.string() + " to user " + user +
                                                 ": " + std::strerror(parsed ? errno : EINVAL));
}

Result<void> keep_password(const BrowserView& view) {
  auto written = storage::read_file_bounded(view.password_file(), kMaxPasswordFileBytes);
  if (written.has_error() || written->size() < kPasswordLength) {
    auto password = new_password();
    if (password.has_error()) return password.error();
    auto saved = storage::write_file_atomically(view.password_file(), *password + "\n");
    if (saved.has_error()) return saved;
  }
  return give_to_browser(view.password_file(), view.user);
}

}  // namespace

Result<void> prepare_browser_folder(const BrowserView& view) {
  for (const auto& folder : {view.folder.parent_path(), view.folder, view.profile()}) {
    auto made = storage::make_private_dir(folder);
    if (made.has_error()) return made;
  }
  auto given = give_to_browser(view.profile(), view.user);
  if (given.has_error() || !view.watched) return given;
  return keep_password(view);
}

}  // namespace openclaw::sandbox
