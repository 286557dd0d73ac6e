#include "cli/plugin_install.h"

#include <sys/stat.h>

#include <algorithm>

#include <openclaw/plugin.h>

#include "identity/device_identity.h"
#include "plugin/catalog.h"
#include "plugin/manifest.h"
#include "plugin/trust.h"
#include "storage/atomic_file.h"

namespace openclaw::cli {

namespace fs = std::filesystem;

namespace {

constexpr std::uint64_t kMaxLibraryBytes = 512 * 1024 * 1024;

bool same_folder(const fs::path& a, const fs::path& b) {
  std::error_code failed;
  return fs::equivalent(a, b, failed) && !failed;
}

// A plugin that is found where it is: copying it would make a second one of the same id.
bool lies_in_place(const config::Paths& paths, const config::Config& config,
                   const fs::path& folder) {
  if (same_folder(folder.parent_path(), paths.state_dir / "plugins")) return true;
  for (const char* key : {"plugins.paths", "plugins.load.paths"}) {
    for (const auto& root : config.get_strings(key)) {
      if (same_folder(folder, root) || same_folder(folder.parent_path(), root)) return true;
    }
  }
  return false;
}

Result<void> copy_into(const fs::path& from, const fs::path& to, const std::string& digest) {
  auto bytes = storage::read_file_bounded(from, kMaxLibraryBytes);
  if (bytes.has_error()) return bytes.error();
  // What was looked at is what is installed, whatever happened to the file since.
  if (identity::sha256_hex(*bytes) != digest) {
    return make_error(Code::kFailedPrecondition,
                      from.string() + " changed while it was being installed; start again");
  }
  return storage::write_file_atomically(to, *bytes, 0600);
}

json::array without(const config::Config& config, std::string_view path, const std::string& id) {
  json::array out;
  for (const auto& entry : config.get_strings(path)) {
    if (entry != id) out.emplace_back(entry);
  }
  return out;
}

}  // namespace

Result<InstallSource> read_install_source(const fs::path& given) {
  std::error_code failed;
  auto path = fs::canonical(given, failed);
  if (failed) return make_error(Code::kNotFound, "There is no file " + given.string() + ".");
  auto folder = fs::is_directory(path, failed) ? path : path.parent_path();
  auto text = storage::read_file_bounded(folder / plugin::kManifestFile, plugin::kMaxManifestBytes);
  if (text.has_error()) {
    return make_error(text.error().code, folder.string() + " holds no plugin: " +
                                             std::string(plugin::kManifestFile) +
                                             " cannot be read (" + text.error().message + ").");
  }
  auto manifest = plugin::parse_manifest(*text);
  if (manifest.has_error()) {
    return make_error(manifest.error().code,
                      (folder / plugin::kManifestFile).string() + ": " + manifest.error().message);
  }
  auto library = storage::read_file_bounded(folder / manifest->library, kMaxLibraryBytes);
  if (library.has_error()) return library.error();
  InstallSource out;
  out.folder = folder;
  out.id = manifest->manifest.id;
  out.version = manifest->manifest.version;
  out.library = manifest->library;
  out.library_sha256 = identity::sha256_hex(*library);
  out.manifest_sha256 = identity::sha256_hex(*text);
  out.manifest = manifest->manifest.raw;
  return out;
}

Result<fs::path> install_plugin(const config::Paths& paths, const config::Snapshot& config,
                                const InstallSource& source) {
  auto target = source.folder;
  if (!lies_in_place(paths, *config, source.folder)) {
    target = paths.state_dir / "plugins" / source.id;
    for (const auto& folder : {paths.state_dir / "plugins", target}) {
      if (auto made = storage::make_private_dir(folder); made.has_error()) return made.error();
    }
    auto manifest = std::string(plugin::kManifestFile);
    auto library = copy_into(source.folder / source.library, target / source.library,
                             source.library_sha256);
    if (library.has_error()) return library.error();
    auto copied = copy_into(source.folder / manifest, target / manifest, source.manifest_sha256);
    if (copied.has_error()) return copied.error();
  }
  auto checked = plugin::examine(target.parent_path(), target.filename().string(), false,
                                 OC_ABI_MINOR);
  if (checked.info.state == plugin::State::kRefused) {
    std::error_code ignored;
    if (target != source.folder) fs::remove_all(target, ignored);
    return make_error(Code::kFailedPrecondition, checked.info.reason);
  }
  auto recorded = plugin::write_install_record(
      paths.state_dir, source.id,
      {source.library_sha256, source.manifest_sha256, source.version});
  if (recorded.has_error()) return recorded.error();
  return target;
}

Result<bool> allow_plugin(const config::Paths& paths, const config::Config& config,
                          const std::string& id) {
  auto listed = config.get_strings("plugins.allow");
  if (std::find(listed.begin(), listed.end(), id) != listed.end()) return false;
  auto list = without(config, "plugins.allow", id);
  list.emplace_back(id);
  auto saved = config::set_value(paths, "plugins.allow", list, {});
  if (saved.has_error()) return saved.error();
  return true;
}

Result<void> uninstall_plugin(const config::Paths& paths, const config::Config& config,
                              const std::string& id) {
  auto record = plugin::find_install_record(paths.state_dir, id);
  if (record.has_error()) return record.error();
  auto folder = paths.state_dir / "plugins" / id;
  std::error_code failed;
  bool there = plugin::valid_plugin_id(id) && fs::exists(folder / plugin::kManifestFile, failed);
  if (!record->has_value() && !there) {
    return make_error(Code::kNotFound, "No plugin \"" + id +
                                           "\" is installed; see: openclaw plugins list");
  }
  auto listed = config.get_strings("plugins.allow");
  if (std::find(listed.begin(), listed.end(), id) != listed.end()) {
    auto list = without(config, "plugins.allow", id);
    auto saved = list.empty() ? config::unset_value(paths, "plugins.allow", {})
                              : config::set_value(paths, "plugins.allow", list, {});
    if (saved.has_error()) return saved.error();
  }
  if (auto erased = plugin::erase_install_record(paths.state_dir, id); erased.has_error()) {
    return erased.error();
  }
  if (there) fs::remove_all(folder, failed);
  if (failed) {
    return make_error(Code::kUnavailable,
                      "cannot remove " + folder.string() + ": " + failed.message());
  }
  return {};
}

}  // namespace openclaw::cli
