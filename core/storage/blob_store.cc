#include "storage/blob_store.h"

#include <fcntl.h>
#include <sys/random.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <system_error>

#include "storage/atomic_file.h"

namespace openclaw::storage {
namespace {

Error file_error(int number, const std::filesystem::path& file) {
  auto code = number == ENOSPC || number == EDQUOT ? Code::kResourceExhausted : Code::kInternal;
  return Error(code, "the blob file " + file.string() +
                         " failed: " + std::error_code(number, std::generic_category()).message());
}

Error unknown_blob() {
  return Error(Code::kNotFound, "there is no such blob");
}

// 53 bits: exact in every JSON reader.
std::uint64_t random_handle() {
  std::uint64_t value = 0;
  while (value == 0) {
    if (::getrandom(&value, sizeof value, 0) != sizeof value) value = 0;
    value &= (std::uint64_t{1} << 53) - 1;
  }
  return value;
}

}  // namespace

BlobStore::Blob::~Blob() {
  if (spilled) ::unlink(file.c_str());
}

BlobStore::BlobStore(std::filesystem::path folder, BlobLimits limits,
                     std::function<Clock::time_point()> now)
    : folder_(std::move(folder)), limits_(limits), now_(std::move(now)) {}

BlobStore::~BlobStore() = default;

Result<void> BlobStore::open_folder() {
  if (folder_ready_) return {};
  auto made = make_private_dir(folder_);
  if (made.has_error()) return made;
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator(folder_, ignored)) {
    // Only names that this class gives: a folder that was set wrongly keeps its files.
    auto name = entry.path().filename().string();
    if (name.rfind("blob-", 0) == 0) ::unlink(entry.path().c_str());
  }
  folder_ready_ = true;
  return {};
}

void BlobStore::erase(std::map<std::uint64_t, BlobPtr>::iterator at) {
  auto blob = at->second;
  blobs_.erase(at);
  std::lock_guard lock(blob->mutex);
  blob->dropped = true;
  total_ -= blob->bytes;
}

void BlobStore::drop_unused() {
  auto oldest = now_() - limits_.unused;
  for (auto at = blobs_.begin(); at != blobs_.end();) {
    auto next = std::next(at);
    bool stale = false;
    {
      std::lock_guard lock(at->second->mutex);
      stale = at->second->touched < oldest;
    }
    if (stale) erase(at);
    at = next;
  }
}

Result<std::uint64_t> BlobStore::create(std::string owner, std::string mime) {
  std::lock_guard lock(mutex_);
  auto ready = open_folder();
  if (ready.has_error()) return ready.error();
  drop_unused();
  if (blobs_.size() >= limits_.blobs) {
    return Error(Code::kResourceExhausted,
                 "there are " + std::to_string(blobs_.size()) + " blobs; drop some first");
  }
  auto handle = random_handle();
  while (blobs_.count(handle) != 0) handle = random_handle();
  auto blob = std::make_shared<Blob>();
  blob->owner = std::move(owner);
  blob->mime = mime.substr(0, 200);
  blob->touched = now_();
  char name[32];
  std::snprintf(name, sizeof name, "blob-%014llx", static_cast<unsigned long long>(handle));
  blob->file = folder_ / name;
  blobs_.emplace(handle, std::move(blob));
  return handle;
}

Result<BlobStore::BlobPtr> BlobStore::find(std::uint64_t handle) {
  std::lock_guard lock(mutex_);
  auto found = blobs_.find(handle);
  if (found == blobs_.end()) return unknown_blob();
  return found->second;
}

Result<void> BlobStore::write_file(Blob& blob, std::string_view bytes) {
  int flags = O_WRONLY | O_CLOEXEC | O_NOFOLLOW | (blob.spilled ? O_APPEND : O_CREAT | O_EXCL);
  int fd = ::open(blob.file.c_str(), flags, 0600);
  if (fd < 0) return file_error(errno, blob.file);
  blob.spilled = true;
  Result<void> result;
  while (!bytes.empty()) {
    auto n = ::write(fd, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) {
      result = file_error(errno, blob.file);
      break;
    }
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
  ::close(fd);
  return result;
}

Result<void> BlobStore::append(const std::string& owner, std::uint64_t handle,
                               std::string_view bytes) {
  auto found = find(handle);
  if (found.has_error()) return found.error();
  auto& blob = **found;
  // Room is reserved first, under the store's lock alone, so that writing does not hold it.
  {
    std::scoped_lock lock(mutex_, blob.mutex);
    if (blob.dropped) return unknown_blob();
    if (blob.owner != owner) return Error(Code::kPermissionDenied, "the blob belongs to another");
    if (blob.sealed) return Error(Code::kFailedPrecondition, "the blob is sealed");
    if (blob.bytes + bytes.size() > limits_.blob_bytes) {
      return Error(Code::kResourceExhausted,
                   "a blob may have " + std::to_string(limits_.blob_bytes) + " bytes");
    }
    if (total_ + bytes.size() > limits_.total_bytes) {
      return Error(Code::kResourceExhausted,
                   "all blobs together may have " + std::to_string(limits_.total_bytes) + " bytes");
    }
    total_ += bytes.size();
    blob.bytes += bytes.size();
    blob.touched = now_();
    if (!blob.spilled && blob.bytes <= limits_.memory_bytes) {
      blob.memory.append(bytes);
      return {};
    }
  }
  std::lock_guard lock(blob.mutex);
  if (!blob.spilled) {
    auto moved = write_file(blob, blob.memory);
    if (moved.has_error()) return moved;
    blob.memory = std::string();
  }
  return write_file(blob, bytes);
}

Result<void> BlobStore::seal(const std::string& owner, std::uint64_t handle) {
  auto found = find(handle);
  if (found.has_error()) return found.error();
  std::lock_guard lock((*found)->mutex);
  if ((*found)->owner != owner)
    return Error(Code::kPermissionDenied, "the blob belongs to another");
  (*found)->sealed = true;
  return {};
}

Result<BlobStore::Info> BlobStore::info(std::uint64_t handle) {
  auto found = find(handle);
  if (found.has_error()) return found.error();
  std::lock_guard lock((*found)->mutex);
  return Info{(*found)->bytes, (*found)->mime, (*found)->sealed};
}

Result<std::string> BlobStore::read(std::uint64_t handle, std::uint64_t offset,
                                    std::uint64_t count) {
  auto found = find(handle);
  if (found.has_error()) return found.error();
  auto& blob = **found;
  std::lock_guard lock(blob.mutex);
  if (!blob.sealed) return Error(Code::kFailedPrecondition, "the blob is not sealed yet");
  blob.touched = now_();
  if (offset >= blob.bytes) return std::string();
  auto size = static_cast<std::size_t>(std::min(count, blob.bytes - offset));
  if (!blob.spilled) return blob.memory.substr(static_cast<std::size_t>(offset), size);
  int fd = ::open(blob.file.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  if (fd < 0) return file_error(errno, blob.file);
  std::string out(size, '\0');
  std::size_t used = 0;
  int failure = 0;
  while (used < size) {
    auto n = ::pread(fd, out.data() + used, size - used, static_cast<off_t>(offset + used));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) {
      failure = n < 0 ? errno : EIO;
      break;
    }
    used += static_cast<std::size_t>(n);
  }
  ::close(fd);
  if (failure != 0) return file_error(failure, blob.file);
  return out;
}

void BlobStore::drop(const std::string& owner, std::uint64_t handle) {
  std::lock_guard lock(mutex_);
  auto found = blobs_.find(handle);
  if (found != blobs_.end() && found->second->owner == owner) erase(found);
}

void BlobStore::drop(std::uint64_t handle) {
  std::lock_guard lock(mutex_);
  auto found = blobs_.find(handle);
  if (found != blobs_.end()) erase(found);
}

void BlobStore::drop_unsealed(const std::string& owner) {
  std::lock_guard lock(mutex_);
  for (auto at = blobs_.begin(); at != blobs_.end();) {
    auto next = std::next(at);
    bool useless = false;
    {
      std::lock_guard inner(at->second->mutex);
      useless = at->second->owner == owner && !at->second->sealed;
    }
    if (useless) erase(at);
    at = next;
  }
}

}  // namespace openclaw::storage
