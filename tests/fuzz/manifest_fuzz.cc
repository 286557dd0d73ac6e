// Manifests and ELF files as a hostile plugin folder would hold them. The first byte chooses the
// reader.
#include <cstddef>
#include <cstdint>
#include <span>

#include "plugin/config_check.h"
#include "plugin/elf_file.h"
#include "plugin/manifest.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace openclaw::plugin;
  if (size == 0) return 0;
  const std::span<const std::uint8_t> rest(data + 1, size - 1);
  if (data[0] == 'E') {
    (void)read_elf(MemorySource(std::as_bytes(rest)));
    return 0;
  }
  const std::string_view text(reinterpret_cast<const char*>(rest.data()), rest.size());
  if (auto manifest = parse_manifest(text)) {
    (void)same_manifest(manifest->manifest.raw, text);
    (void)check_config(manifest->manifest.config_schema, {}, "fuzz");
  }
  return 0;
}
