// ContainerRegistry: <state>/sandbox/containers.json, the containers this gateway made and when
// each was last used; browsers.json is the same of sandbox browsers. The file is what `sandbox
// list` reads without a gateway.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "async/runtime.h"
#include "config/config.h"
#include "result.h"

namespace openclaw::sandbox {

struct RegistryEntry {
  std::string container_name, session_key, image, config_hash;
  std::int64_t created_at_ms = 0, last_used_at_ms = 0;
  std::string exec_path,
      exec_path_why;  // how commands get in, in the backend's words; may be empty
  std::string backend;
  std::optional<std::int64_t> used_steady_ms = {};  // by a clock that nobody sets; not in the file
};

// Loop thread only; the file is written on the blocking pool, one write at a time.
class ContainerRegistry {
 public:
  using Clock = std::function<std::int64_t()>;

  ContainerRegistry(Runtime& runtime, const config::Paths& paths, Clock steady_ms,
                    std::string_view file = "containers.json");

  // Entries of the file; a file that cannot be read counts as empty.
  // `file` is "containers.json" or "browsers.json".
  static std::vector<RegistryEntry> read(const config::Paths& paths,
                                         std::string_view file = "containers.json");

  const RegistryEntry* find(const std::string& container_name) const;
  const std::map<std::string, RegistryEntry>& entries() const { return entries_; }
  // Who made them, whatever the settings say by now.
  std::vector<std::string> backends() const;
  void put(RegistryEntry entry);
  void touch(const std::string& container_name, std::int64_t now_ms);
  // By the clock of `now_ms`, as if it had never been set since.
  std::int64_t last_used_ms(const RegistryEntry& entry, std::int64_t now_ms) const;
  void erase(const std::string& container_name);
  // Waits until the file holds what is known now.
  Awaitable<> flush(Deadline deadline);

 private:
  void save();

  Runtime& runtime_;
  Clock steady_ms_;
  std::filesystem::path file_;
  std::map<std::string, RegistryEntry> entries_;
  std::int64_t last_saved_ms_ = 0;
  // Shared with the write that is under way, which may outlive the registry.
  struct Writing {
    bool busy = false;
    std::string next;  // text that came in the meantime; empty when none did
    std::vector<Completer<void>> waiters;
  };
  static void write(Runtime& runtime, std::filesystem::path file, std::string text,
                    std::shared_ptr<Writing> writing);
  std::shared_ptr<Writing> writing_ = std::make_shared<Writing>();
};

}  // namespace openclaw::sandbox
