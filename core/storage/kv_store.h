// KvStore: small values by scope and key in one SQLite file (WAL, 0600).
//
// Requests run on the blocking pool in the order they came. Those that wait together share a
// transaction, and each is answered after the commit: an answered put survives power loss. Answers
// come on a thread of the pool. [any-thread]
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "async/runtime.h"
#include "result.h"

namespace openclaw::storage {

struct KvLimits {
  std::size_t key_bytes = 1024;
  std::size_t value_bytes = 1u << 20;
  std::int64_t scope_bytes = 64 << 20;
  std::size_t waiting = 4096;
  std::size_t scan_keys = 100'000;
};

class KvStore {
 public:
  // Opens the file with the first request.
  KvStore(Runtime& runtime, std::filesystem::path file, KvLimits limits = {});
  ~KvStore();
  KvStore(const KvStore&) = delete;
  KvStore& operator=(const KvStore&) = delete;

  // kNotFound when absent.
  void get(std::string scope, std::string key, std::function<void(Result<std::string>)> done);
  void put(std::string scope, std::string key, std::string value,
           std::function<void(Result<void>)> done);
  // Success also when absent.
  void erase(std::string scope, std::string key, std::function<void(Result<void>)> done);
  // Keys that begin with `prefix`, sorted.
  void scan(std::string scope, std::string prefix,
            std::function<void(Result<std::vector<std::string>>)> done);
  bool used();
  // Finishes what waits and closes the file; later requests get kCancelled. Blocks.
  void close();

 private:
  class Database;
  struct Outcome {
    std::string value;
    std::vector<std::string> keys;
  };
  struct Request {
    enum Kind { kGet, kPut, kErase, kScan } kind;
    std::string scope, key, value;
    std::function<void(Result<Outcome>)> done;
    bool writes() const { return kind == kPut || kind == kErase; }
  };

  void enqueue(Request request);
  void drain();
  void run_batch(std::vector<Request> batch);
  Result<Outcome> run_one(Request& request);

  Runtime& runtime_;
  const std::filesystem::path file_;
  const KvLimits limits_;
  std::mutex mutex_;
  std::condition_variable idle_;
  std::deque<Request> waiting_;
  bool used_ = false, draining_ = false, closed_ = false;
  std::unique_ptr<Database> database_;  // the draining thread's
};

}  // namespace openclaw::storage
