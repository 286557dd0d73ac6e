#include "config/config.h"

namespace openclaw::config {

ConfigStore::ConfigStore(Paths paths, std::vector<ForeignSection> foreign, Snapshot first)
    : paths_(std::move(paths)), foreign_(std::move(foreign)), current_(std::move(first)) {}

Snapshot ConfigStore::current() const {
  return std::atomic_load(&current_);
}

Result<void> ConfigStore::reload() {
  auto loaded = load(paths_, foreign_);
  if (!loaded) return loaded.error();
  Snapshot before = current();
  // Editors remove and rename; an absent file must not reset a running gateway to defaults.
  if (before && before->file_exists() && !(*loaded)->file_exists()) {
    return Error(Code::kNotFound, "the configuration file " + (*loaded)->file().string() +
                                      " is gone; the running configuration stays as it is");
  }
  // The same bytes under the same environment mean the same configuration.
  if (before && before->hash() == (*loaded)->hash() && before->root() == (*loaded)->root()) {
    return {};
  }
  std::atomic_store(&current_, *loaded);
  // A listener may subscribe another one; that one begins with the next change.
  std::vector<Listener> listeners = listeners_;
  for (const Listener& listener : listeners) listener(before, *loaded);
  return {};
}

void ConfigStore::subscribe(Listener listener) {
  listeners_.push_back(std::move(listener));
}

}  // namespace openclaw::config
