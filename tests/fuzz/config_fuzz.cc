// Configuration files as an editor or a stranger may leave them: TOML and JSON5 to a checked snapshot, and one
// value changed in place. The first byte chooses the format.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "config/config.h"
#include "config/document.h"
#include "config/toml_edit.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace openclaw;
  if (size == 0) return 0;
  std::string_view text(reinterpret_cast<const char*>(data + 1), size - 1);
  const bool toml = data[0] != 'j';
  auto config = config::parse(text, toml ? "toml" : "json5", toml ? "openclaw.toml" : "openclaw.json", {});
  if (config) {
    (void)config::redacted((*config)->root());
    (void)(*config)->get_int("gateway.port", 18789);
    // An edit that answers a text answers one that can be read again.
    auto edited = toml ? config::toml_with(text, *config::parse_key_path("gateway.port"), json::value(18790)) : Result<std::string>(std::string());
    if (toml && edited) {
      config::Document again;
      config::SyntaxError error;
      if (!config::read_toml(*edited, again, error)) std::abort();
    }
  } else if (config.error().message.empty()) {
    std::abort();
  }
  return 0;
}
