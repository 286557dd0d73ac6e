// SecretStore: secrets by name, from <state>/secrets.json (0600) and from this process only.
//
// The file is read on first use and again whenever it has changed, so a secret that was rotated by
// another process counts from the next get(). Reading it blocks for a small file's time.
// [any-thread]
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "result.h"

namespace openclaw::storage {

// Overwrites the characters before they are given back to the heap.
void wipe(std::string& text) noexcept;

class SecretStore {
 public:
  explicit SecretStore(std::filesystem::path file);
  ~SecretStore();
  SecretStore(const SecretStore&) = delete;
  SecretStore& operator=(const SecretStore&) = delete;

  // Transient values win over the file. kNotFound when unknown; the file's own trouble (loose mode,
  // not JSON) with the command to type, also for names that are not in it.
  Result<std::string> get(std::string_view name);
  void put_transient(std::string name, std::string value);
  // Durable when it returns. Blocks for an fsync. An empty value removes the name.
  Result<void> put(std::string name, std::string value);
  std::vector<std::string> names();

  // Told of every value there is now and comes later, each before anyone can get it. It runs under
  // the store's lock: it must not call back.
  void set_observer(std::function<void(std::string_view secret)> observer);

  // [A-Za-z0-9._:/@-], 1 to 200 characters.
  static bool is_valid_name(std::string_view name);

 private:
  struct Stamp {
    std::uint64_t inode = 0;
    std::int64_t seconds = 0, nanoseconds = 0, bytes = -1;
    mode_t mode = 0;
    bool operator==(const Stamp&) const = default;
  };
  using Values = std::map<std::string, std::string, std::less<>>;

  Result<void> refresh();  // under mutex_
  Result<Values> parse() const;
  void show(const Values& values) const;
  static void wipe_all(Values& values);

  const std::filesystem::path file_;
  std::mutex mutex_;
  Values from_file_;
  Values transient_;
  std::optional<Stamp> seen_;
  std::function<void(std::string_view)> observer_;
};

}  // namespace openclaw::storage
