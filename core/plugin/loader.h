// Opens a checked library and takes a copy of its entry. The only user of Boost.DLL.
#pragma once

#include <filesystem>
#include <string>

#include <openclaw/plugin.h>

#include "plugin/trust.h"
#include "result.h"

namespace openclaw::plugin {

struct LoadedLibrary {
  std::filesystem::path path;
  // At least everything up to `cancel`; slots that the plugin does not have are null.
  oc_plugin_entry entry{};
  std::string manifest_json;
};

// Whether a host that offers `host_minor` can use an entry with these numbers. Used before loading,
// on what lies in the file, and after, on what was loaded.
Result<void> check_abi(std::uint32_t magic, std::uint16_t major, std::uint16_t minor,
                       std::uint16_t host_min_minor, int host_minor);

// Loads and never unloads. The path must still be the file that was checked, before and after.
// Static constructors of the library run in here. Blocking; any thread.
Result<LoadedLibrary> load_library(const TrustedFile& file, int host_minor);

}  // namespace openclaw::plugin
