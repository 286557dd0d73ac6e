// The sidecar manifest openclaw.plugin.json: what a plugin is, provides and asks for, known without
// running it. Pure functions; any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "plugin/instance_context.h"
#include "plugin/plugin_host.h"
#include "result.h"

namespace openclaw::plugin {

inline constexpr std::string_view kManifestFile = "openclaw.plugin.json";
inline constexpr std::uint64_t kMaxManifestBytes = 256 * 1024;

// The manifest with what only this room needs.
struct ManifestFile {
  Manifest manifest;
  Permissions permissions;
  std::string library;    // plain file name beside the manifest
  std::string isolation;  // "in-process" or "process"
};

// Messages name the key; the caller names the file.
Result<ManifestFile> parse_manifest(std::string_view text);

// Letters, digits, '-' and '_', at most 59: an id is part of paths, config keys and the ELF note.
bool valid_plugin_id(std::string_view id) noexcept;

// The same JSON, whatever the white space and the order of keys.
bool same_manifest(const json::object& sidecar, std::string_view in_library);

}  // namespace openclaw::plugin
