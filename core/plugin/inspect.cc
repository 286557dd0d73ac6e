#include "plugin/inspect.h"

#include <openclaw/plugin.h>

#include "plugin/catalog.h"

namespace openclaw::plugin {
namespace {

std::string dotted(unsigned major, unsigned minor) {
  return std::to_string(major) + "." + std::to_string(minor);
}

json::value digest_of(const TrustedDir& dir, std::string_view name) {
  auto file = open_trusted_file(dir, name);
  if (!file) return nullptr;
  auto digest = sha256_of(*file);
  if (!digest) return nullptr;
  return json::value(*digest);
}

json::object digests(const Candidate& plugin) {
  auto dir = open_trusted_dir(plugin.root, plugin.folder, Scope::kFromRoot);
  if (!dir) return {};
  return {{"library", digest_of(*dir, plugin.file.library)},
          {"manifest", digest_of(*dir, kManifestFile)}};
}

// Why it would not be loaded; empty when nothing speaks against it.
std::string verdict(const Candidate& plugin, const std::filesystem::path& state_dir) {
  if (plugin.info.state == State::kRefused) return plugin.info.reason;
  if (state_dir.empty()) return {};
  auto verified = verify(plugin, state_dir);
  return verified ? std::string() : verified.error().message;
}

}  // namespace

Result<json::value> inspect(const std::filesystem::path& file,
                            const std::filesystem::path& state_dir) {
  std::error_code failure;
  const auto path = std::filesystem::absolute(file, failure);
  if (failure || !std::filesystem::exists(path, failure)) {
    return make_error(Code::kNotFound, "there is no file " + file.string());
  }
  const bool is_folder = std::filesystem::is_directory(path, failure);
  const auto folder = is_folder ? path : path.parent_path();
  const Candidate plugin = examine(folder, "", false, OC_ABI_MINOR);
  const ElfFacts& facts = plugin.facts;
  json::object out{{"file", plugin.info.library.string()},
                   {"id", plugin.info.id},
                   {"version", plugin.info.version},
                   {"abi", plugin.info.abi},
                   {"note", nullptr},
                   {"entry", nullptr},
                   {"exports", json::value_from(facts.exports)},
                   {"manifest", plugin.file.manifest.raw}};
  if (facts.has_note) {
    out["note"] = {{"id", facts.note_id},
                   {"abi", dotted(facts.note_abi_major, facts.note_abi_minor)}};
  }
  if (facts.has_entry) {
    out["entry"] = {{"magic", facts.entry_magic},
                    {"abi", dotted(facts.entry_abi_major, facts.entry_abi_minor)},
                    {"bytes", facts.entry_size},
                    {"hostMinMinor", facts.entry_host_min_minor}};
  }
  out["sha256"] = digests(plugin);
  const std::string against = verdict(plugin, state_dir);
  out["trust"] = {{"ok", against.empty()}, {"reason", against}};
  return json::value(std::move(out));
}

}  // namespace openclaw::plugin
