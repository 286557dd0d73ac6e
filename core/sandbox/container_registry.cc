#include "sandbox/container_registry.h"

#include <cstdlib>
#include <set>

#include <spdlog/spdlog.h>

#include "json_fields.h"
#include "storage/atomic_file.h"

namespace openclaw::sandbox {

namespace {

constexpr std::uint64_t kMaxFileBytes = 8 * 1024 * 1024;
// How often the time of last use alone is worth a write.
constexpr std::int64_t kTouchSaveMs = 10'000;

std::filesystem::path file_in(const config::Paths& paths, std::string_view name) {
  return paths.state_dir / "sandbox" / name;
}

std::string file_text(const std::map<std::string, RegistryEntry>& entries) {
  json::array list;
  for (const auto& [name, entry] : entries) {
    list.push_back({{"containerName", entry.container_name},
                    {"sessionKey", entry.session_key},
                    {"createdAtMs", entry.created_at_ms},
                    {"lastUsedAtMs", entry.last_used_at_ms},
                    {"image", entry.image},
                    {"configHash", entry.config_hash},
                    {"execPath", entry.exec_path},
                    {"execPathWhy", entry.exec_path_why},
                    {"backend", entry.backend}});
  }
  return json::serialize(json::object{{"entries", std::move(list)}}) + "\n";
}

}  // namespace

ContainerRegistry::ContainerRegistry(Runtime& runtime, const config::Paths& paths, Clock steady_ms,
                                     std::string_view file)
    : runtime_(runtime), steady_ms_(std::move(steady_ms)), file_(file_in(paths, file)) {
  for (auto& entry : read(paths, file)) entries_[entry.container_name] = std::move(entry);
}

std::vector<RegistryEntry> ContainerRegistry::read(const config::Paths& paths,
                                                   std::string_view file) {
  std::vector<RegistryEntry> out;
  auto text = storage::read_file_bounded(file_in(paths, file), kMaxFileBytes);
  if (text.has_error()) return out;
  boost::system::error_code failure;
  json::value parsed = json::parse(*text, failure);
  const json::object* root = failure ? nullptr : parsed.if_object();
  const json::value* list = root ? root->if_contains("entries") : nullptr;
  if (!list || !list->is_array()) return out;
  for (const auto& item : list->get_array()) {
    const json::object* object = item.if_object();
    if (!object || text_of(*object, "containerName").empty()) continue;
    out.push_back({text_of(*object, "containerName"), text_of(*object, "sessionKey"),
                   text_of(*object, "image"), text_of(*object, "configHash"),
                   number_of(*object, "createdAtMs"), number_of(*object, "lastUsedAtMs"),
                   text_of(*object, "execPath"), text_of(*object, "execPathWhy"),
                   text_of(*object, "backend"), std::nullopt});
  }
  return out;
}

const RegistryEntry* ContainerRegistry::find(const std::string& container_name) const {
  auto found = entries_.find(container_name);
  return found == entries_.end() ? nullptr : &found->second;
}

std::vector<std::string> ContainerRegistry::backends() const {
  std::set<std::string> ids;
  for (const auto& [name, entry] : entries_) ids.insert(entry.backend);
  ids.erase("");  // of a file that an earlier version wrote
  return {ids.begin(), ids.end()};
}

void ContainerRegistry::put(RegistryEntry entry) {
  auto name = entry.container_name;
  last_saved_ms_ = entry.last_used_at_ms;
  entry.used_steady_ms = steady_ms_();
  entries_[name] = std::move(entry);
  save();
}

void ContainerRegistry::touch(const std::string& container_name, std::int64_t now_ms) {
  auto found = entries_.find(container_name);
  if (found == entries_.end()) return;
  found->second.last_used_at_ms = now_ms;
  found->second.used_steady_ms = steady_ms_();
  if (std::abs(now_ms - last_saved_ms_) < kTouchSaveMs) return;
  last_saved_ms_ = now_ms;
  save();
}

std::int64_t ContainerRegistry::last_used_ms(const RegistryEntry& entry,
                                             std::int64_t now_ms) const {
  if (!entry.used_steady_ms) return entry.last_used_at_ms;
  return now_ms - (steady_ms_() - *entry.used_steady_ms);
}

void ContainerRegistry::erase(const std::string& container_name) {
  if (entries_.erase(container_name) > 0) save();
}

void ContainerRegistry::save() {
  std::string text = file_text(entries_);
  if (writing_->busy) {
    writing_->next = std::move(text);
    return;
  }
  writing_->busy = true;
  write(runtime_, file_, std::move(text), writing_);
}

// Owns itself by the shared state: a write that is under way survives the registry.
void ContainerRegistry::write(Runtime& runtime, std::filesystem::path file, std::string text,
                              std::shared_ptr<Writing> writing) {
  runtime.post_blocking([&runtime, file, text = std::move(text), writing] {
    auto made = storage::make_private_dir(file.parent_path());
    auto written = made.has_error() ? made : storage::write_file_atomically(file, text);
    runtime.post([&runtime, writing, written, file] {
      if (written.has_error()) {
        spdlog::warn("cannot write {}: {}", file.string(), written.error().message);
      }
      if (!writing->next.empty()) {
        return write(runtime, file, std::exchange(writing->next, {}), writing);
      }
      writing->busy = false;
      for (auto& waiter : std::exchange(writing->waiters, {})) waiter.now({});
    });
  });
}

Awaitable<> ContainerRegistry::flush(Deadline deadline) {
  if (entries_.empty() && !writing_->busy) co_return;  // never used: no file
  save();
  std::function<void(Completer<void>)> start = [writing = writing_](Completer<void> done) {
    writing->waiters.push_back(std::move(done));
  };
  Limits limits{deadline, {}};
  co_await suspend<void>(runtime_, limits, std::move(start));
}

}  // namespace openclaw::sandbox
