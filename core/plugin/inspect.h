// `openclaw plugins inspect FILE`: everything that can be said about a plugin without running it.
#pragma once

#include <filesystem>

#include "result.h"

namespace openclaw::plugin {

// `file` is the library, its manifest or the folder of both.
// {"file","id","version","abi","note","entry","exports",
// "manifest","sha256":{"library","manifest"},"trust":{"ok","reason"}}. With a state directory the
// verdict includes the install record. Fails only when there is no such file.
Result<json::value> inspect(const std::filesystem::path& file,
                            const std::filesystem::path& state_dir = {});

}  // namespace openclaw::plugin
