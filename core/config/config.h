// Config: one immutable, validated snapshot of the configuration, and ConfigStore, which holds the
// current one and replaces it atomically on reload.
//
// Sources, strongest first: environment (OPENCLAW_*), the file (openclaw.toml, or an openclaw.json
// as JSON5), defaults of the schema. Paths are dotted as users write them:
// "agents.defaults.sandbox.mode". A key that holds a dot is quoted:
// models.providers."my.host".baseUrl.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "result.h"

namespace openclaw::config {

// Where a value came from; what an error or `sandbox explain` points at.
struct Origin {
  enum class Kind { kDefault, kFile, kEnvironment } kind = Kind::kDefault;
  std::string file;  // path, or the variable's name
  int line = 0;      // 1-based; 0 when not from a file
  int column = 0;
  std::string text() const;  // "openclaw.toml:12:3", "OPENCLAW_GATEWAY_PORT", "default"
};

struct Issue {
  std::string path;     // dotted key
  std::string message;  // one sentence, with a suggestion when there is one
  Origin origin;
};

// Immutable after construction; share it as shared_ptr<const Config> from any thread.
class Config {
 public:
  virtual ~Config() = default;
  // The whole tree, defaults not filled in.
  virtual const json::object& root() const = 0;
  // Null when the key is in no source; schema defaults are not consulted.
  virtual const json::value* find(std::string_view path) const = 0;
  virtual Origin origin(std::string_view path) const = 0;
  // The file this was read from, and whether it exists.
  virtual const std::filesystem::path& file() const = 0;
  virtual bool file_exists() const = 0;
  // SHA-256 (hex) of the file's bytes; of the empty text when there is none.
  virtual const std::string& hash() const = 0;
  virtual const std::vector<Issue>& warnings() const = 0;

  // Typed reads; the type was checked at load, so a mismatch cannot happen for schema keys.
  bool get_bool(std::string_view path, bool otherwise) const;
  std::int64_t get_int(std::string_view path, std::int64_t otherwise) const;
  double get_double(std::string_view path, double otherwise) const;
  std::string get_string(std::string_view path, std::string_view otherwise = {}) const;
  std::vector<std::string> get_strings(std::string_view path) const;
};

using Snapshot = std::shared_ptr<const Config>;

// Paths that depend on the environment only. State directory: OPENCLAW_STATE_DIR or ~/.openclaw.
// Config: OPENCLAW_CONFIG_PATH or <state>/openclaw.toml, else <state>/openclaw.json when only that
// exists.
struct Paths {
  std::filesystem::path state_dir;
  std::filesystem::path config_file;
  std::filesystem::path home;
  static Paths from_environment();
};

// A section that somebody other than core describes: channels.<id>, plugins.entries.<id>.config,
// models.providers.<id>. Filled from plugin manifests before the first load.
struct ForeignSection {
  std::string path;          // dotted path of the object it validates
  json::object json_schema;  // draft-07 subset, from the manifest's configSchema
  std::string owner;         // plugin id, for messages
};

// Pure function of its inputs but for reading `paths.config_file` and the environment.
// On failure the Error's message lists the issues with file:line:column and details.issues has
// them.
Result<Snapshot> load(const Paths& paths, const std::vector<ForeignSection>& foreign);
// Validates text without touching the store: `format` is "toml" or "json5".
Result<Snapshot> parse(std::string_view text, std::string_view format,
                       const std::filesystem::path& name_for_messages,
                       const std::vector<ForeignSection>& foreign);
// For tests and rooms that only need values: takes a JSON object as the whole config. No
// validation.
Snapshot from_json(json::object root);

// Changes one value in the file text, keeping comments and order; "unset" removes the key. Writes
// by temporary file and rename, mode 0600, after validating the result. An openclaw.json is
// converted to openclaw.toml on the first write (the JSON file is kept as openclaw.json.bak).
Result<void> set_value(const Paths& paths, std::string_view path, const json::value& value,
                       const std::vector<ForeignSection>& foreign);
Result<void> unset_value(const Paths& paths, std::string_view path,
                         const std::vector<ForeignSection>& foreign);

// The guard of `gateway run`: an error that names the key unless gateway.mode is "local".
Result<void> require_local_mode(const Config& config);

// The draft-07 schema of everything core knows, and the UI hints beside it.
const json::object& schema();
const json::object& ui_hints();

// `config` with every secret replaced by "__OPENCLAW_REDACTED__".
json::object redacted(const json::object& config);

// Holds the current snapshot. Loop thread only, except current().
class ConfigStore {
 public:
  ConfigStore(Paths paths, std::vector<ForeignSection> foreign, Snapshot first);
  Snapshot current() const;  // [any-thread]
  const Paths& paths() const { return paths_; }
  const std::vector<ForeignSection>& foreign() const { return foreign_; }
  // Reads the file again. Invalid: nothing changes, the error says why. Subscribers run in order of
  // subscription, after the swap, with (old, new).
  Result<void> reload();
  using Listener = std::function<void(const Snapshot& before, const Snapshot& after)>;
  void subscribe(Listener listener);

 private:
  Paths paths_;
  std::vector<ForeignSection> foreign_;
  std::shared_ptr<const Config> current_;  // std::atomic_load / atomic_store
  std::vector<Listener> listeners_;
};

}  // namespace openclaw::config
