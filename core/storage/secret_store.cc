#include "storage/secret_store.h"

#include <string.h>
#include <sys/stat.h>

#include <algorithm>

#include "storage/atomic_file.h"

namespace openclaw::storage {
namespace {

constexpr std::uint64_t kMaxFileBytes = 1u << 20;
constexpr std::size_t kMaxValueBytes = 64 * 1024;

}  // namespace

void wipe(std::string& text) noexcept {
  ::explicit_bzero(text.data(), text.size());
  text.clear();
}

SecretStore::SecretStore(std::filesystem::path file) : file_(std::move(file)) {}

SecretStore::~SecretStore() {
  wipe_all(from_file_);
  wipe_all(transient_);
}

void SecretStore::wipe_all(Values& values) {
  for (auto& [name, value] : values) wipe(value);
  values.clear();
}

bool SecretStore::is_valid_name(std::string_view name) {
  return !name.empty() && name.size() <= 200 && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("._:/@-").find(c) != std::string_view::npos;
  });
}

void SecretStore::show(const Values& values) const {
  if (!observer_) return;
  for (const auto& [name, value] : values) observer_(value);
}

Result<SecretStore::Values> SecretStore::parse() const {
  auto text = read_file_bounded(file_, kMaxFileBytes);
  if (text.has_error()) return text.error();
  boost::system::error_code failure;
  auto document = json::parse(*text, failure);
  wipe(*text);
  auto broken = [&](const std::string& why) {
    return Error(Code::kFailedPrecondition,
                 file_.string() + " " + why + "; it must be one JSON object of names and strings");
  };
  if (failure) return broken("is not JSON");
  if (!document.is_object()) return broken("holds something else than an object");
  Values values;
  for (const auto& [name, value] : document.get_object()) {
    if (!is_valid_name(name) || !value.is_string()) {
      return broken("has an entry that is not a named string");
    }
    values.emplace(std::string(name), std::string(value.get_string()));
  }
  return values;
}

Result<void> SecretStore::refresh() {
  struct stat info {};
  if (::stat(file_.c_str(), &info) != 0) {
    wipe_all(from_file_);
    seen_.reset();
    return {};
  }
  Stamp now{info.st_ino, info.st_mtim.tv_sec, info.st_mtim.tv_nsec, info.st_size, info.st_mode};
  if (seen_ == now) return {};
  auto safe = check_private_file(file_);
  if (safe.has_error()) return safe;
  auto values = parse();
  if (values.has_error()) return values.error();
  show(*values);
  wipe_all(from_file_);
  from_file_ = std::move(*values);
  seen_ = now;
  return {};
}

Result<std::string> SecretStore::get(std::string_view name) {
  std::lock_guard lock(mutex_);
  if (auto found = transient_.find(name); found != transient_.end()) return found->second;
  auto fresh = refresh();
  if (fresh.has_error()) return fresh.error();
  if (auto found = from_file_.find(name); found != from_file_.end()) return found->second;
  return Error(Code::kNotFound, "there is no secret named " + std::string(name.substr(0, 200)) +
                                    "; store it in " + file_.string());
}

void SecretStore::put_transient(std::string name, std::string value) {
  std::lock_guard lock(mutex_);
  if (observer_) observer_(value);
  auto& slot = transient_[std::move(name)];
  wipe(slot);
  slot = std::move(value);
}

Result<void> SecretStore::put(std::string name, std::string value) {
  std::lock_guard lock(mutex_);
  if (!is_valid_name(name)) {
    return Error(Code::kInvalidArgument, "a secret's name has letters, digits and ._:/@- only");
  }
  if (value.size() > kMaxValueBytes) {
    return Error(Code::kInvalidArgument, "the secret " + name + " is larger than 64 KiB");
  }
  // A file that cannot be understood is never overwritten.
  auto fresh = refresh();
  if (fresh.has_error()) return fresh;
  if (observer_ && !value.empty()) observer_(value);
  Values next = from_file_;
  if (value.empty()) {
    next.erase(name);
  } else {
    next[name] = std::move(value);
  }
  json::object document;
  for (const auto& [key, text] : next) document[key] = text;
  auto folder = make_private_dir(file_.parent_path());
  if (folder.has_error()) return folder;
  auto text = json::serialize(document) + "\n";
  auto written = write_file_atomically(file_, text, 0600);
  wipe(text);
  if (written.has_error()) return written;
  wipe_all(from_file_);
  from_file_ = std::move(next);
  seen_.reset();  // the new file is read once more, which costs less than a race with its stamp
  return {};
}

std::vector<std::string> SecretStore::names() {
  std::lock_guard lock(mutex_);
  std::vector<std::string> out;
  if (refresh().has_value()) {
    for (const auto& [name, value] : from_file_) out.push_back(name);
  }
  for (const auto& [name, value] : transient_) {
    if (std::find(out.begin(), out.end(), name) == out.end()) out.push_back(name);
  }
  return out;
}

void SecretStore::set_observer(std::function<void(std::string_view)> observer) {
  std::lock_guard lock(mutex_);
  observer_ = std::move(observer);
  show(transient_);
  show(from_file_);
}

}  // namespace openclaw::storage
