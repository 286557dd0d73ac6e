#include "image_source.h"

#include <dlfcn.h>

#include <array>
#include <filesystem>
#include <string_view>
#include <system_error>

namespace openclaw::docker {

namespace {

struct Source {
  std::string_view repository, script;
};
constexpr std::array kSources = {
    Source{"openclaw-sandbox", "scripts/sandbox-setup.sh"},
    Source{"openclaw-sandbox-common", "scripts/sandbox-common-setup.sh"},
    Source{"openclaw-sandbox-browser", "scripts/sandbox-browser-setup.sh"},
};

std::string path_of(std::string_view script) {
  Dl_info info{};
  if (::dladdr(reinterpret_cast<const void*>(&how_to_get), &info) == 0 || !info.dli_fname)
    return std::string(script);
  std::error_code failed;
  auto library = std::filesystem::canonical(info.dli_fname, failed);
  auto installed =
      std::filesystem::canonical(library.parent_path() / OPENCLAW_DATA_FROM_PLUGIN / script, failed);
  return failed ? std::string(script) : installed.string();
}

}  // namespace

std::string how_to_get(const std::string& image) {
  std::string_view repository = std::string_view(image).substr(0, image.find(':'));
  for (const auto& source : kSources) {
    if (repository != source.repository) continue;
    bool usual = image == std::string(repository) + ":bookworm-slim";
    return path_of(source.script) + (usual ? "" : " " + image);
  }
  return "docker pull " + image;
}

}  // namespace openclaw::docker
