// A patch as a model writes it, applied to a text. The input is split at the first NUL: patch, then text.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "workspace/patch.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace openclaw::workspace;
  std::string_view all(reinterpret_cast<const char*>(data), size);
  auto split = all.find('\0');
  auto patch = parse_patch(all.substr(0, split));
  if (patch.has_error()) return 0;
  std::string_view text = split == std::string_view::npos ? std::string_view() : all.substr(split + 1);
  for (const auto& file : *patch) {
    if (file.path.empty()) std::abort();
    if (file.kind != PatchFile::Kind::kUpdate) continue;
    auto changed = apply_hunks(text, file.hunks);
    // What was not there cannot have been taken from the text.
    if (changed && changed->size() > text.size() + size + file.hunks.size() + 1) std::abort();
  }
  return 0;
}
