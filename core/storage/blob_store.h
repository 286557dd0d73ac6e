// BlobStore: attachments and other large bytes by handle. Small blobs stay in memory, larger ones
// are files under one folder that is emptied at start: a blob does not outlive the process.
//
// Handles are random and fit a JSON number; who has one may read. Calls that touch a file block for
// it, so they belong on a plugin's thread or the blocking pool, not on the loop. [any-thread]
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "result.h"

namespace openclaw::storage {

struct BlobLimits {
  std::size_t memory_bytes = 256 * 1024;  // of one blob, then it becomes a file
  std::uint64_t blob_bytes = 256ull << 20;
  std::uint64_t total_bytes = 2048ull << 20;
  std::size_t blobs = 4096;
  std::chrono::seconds unused{3600};  // since last touched, then it may be dropped
};

class BlobStore {
 public:
  using Clock = std::chrono::steady_clock;
  struct Info {
    std::uint64_t bytes = 0;
    std::string mime;
    bool sealed = false;
  };

  // Touches the folder with the first blob. `now` is for tests.
  explicit BlobStore(std::filesystem::path folder, BlobLimits limits = {},
                     std::function<Clock::time_point()> now = Clock::now);
  ~BlobStore();
  BlobStore(const BlobStore&) = delete;
  BlobStore& operator=(const BlobStore&) = delete;

  Result<std::uint64_t> create(std::string owner, std::string mime);
  // kFailedPrecondition once sealed, kPermissionDenied for another owner.
  Result<void> append(const std::string& owner, std::uint64_t blob, std::string_view bytes);
  Result<void> seal(const std::string& owner, std::uint64_t blob);
  // Sealed blobs only; empty at the end. Shorter than `count` only at the end.
  Result<std::string> read(std::uint64_t blob, std::uint64_t offset, std::uint64_t count);
  Result<Info> info(std::uint64_t blob);
  // Only the owner's; unknown handles are ignored.
  void drop(const std::string& owner, std::uint64_t blob);
  // Whoever owns it: the host took it over.
  void drop(std::uint64_t blob);
  // What `owner` did not seal is of no use to anybody.
  void drop_unsealed(const std::string& owner);

 private:
  struct Blob {
    std::mutex mutex;  // after the store's, never before
    std::string owner, mime, memory;
    std::uint64_t bytes = 0;
    bool spilled = false, sealed = false, dropped = false;
    std::filesystem::path file;
    Clock::time_point touched;
    ~Blob();
  };
  using BlobPtr = std::shared_ptr<Blob>;

  Result<BlobPtr> find(std::uint64_t blob);
  Result<void> open_folder();  // under mutex_
  void drop_unused();          // under mutex_
  void erase(std::map<std::uint64_t, BlobPtr>::iterator at);
  static Result<void> write_file(Blob& blob, std::string_view bytes);

  const std::filesystem::path folder_;
  const BlobLimits limits_;
  const std::function<Clock::time_point()> now_;
  std::mutex mutex_;
  bool folder_ready_ = false;
  std::uint64_t total_ = 0;
  std::map<std::uint64_t, BlobPtr> blobs_;
};

}  // namespace openclaw::storage
