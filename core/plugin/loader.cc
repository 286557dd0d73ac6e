#include "plugin/loader.h"

#include <map>
#include <mutex>

#include <boost/dll/shared_library.hpp>

#include "plugin/tables.h"

namespace openclaw::plugin {
namespace {

// Libraries stay mapped for the life of the process: pointers into them may lie in timers,
// thread-local destructors and other libraries' exit lists. Deliberately never destroyed.
struct Mapped {
  std::mutex mutex;
  std::map<std::filesystem::path, boost::dll::shared_library> libraries;
};
Mapped& mapped() {
  static auto* const all = new Mapped;
  return *all;
}

Error changed(const std::filesystem::path& path) {
  return make_error(Code::kPermissionDenied,
                    path.string() +
                        " was replaced while it was being loaded; find out by "
                        "whom, then start again");
}

Result<const oc_plugin_entry*> open_entry(const std::filesystem::path& path) {
  Mapped& all = mapped();
  const std::lock_guard lock(all.mutex);
  auto found = all.libraries.find(path);
  if (found == all.libraries.end()) {
    std::error_code failure;
    boost::dll::shared_library library;
    library.load(path, boost::dll::load_mode::rtld_now | boost::dll::load_mode::rtld_local,
                 failure);
    if (failure) {
      // The dynamic linker's own text says which symbol or library is missing.
      const char* detail = dlerror();
      return make_error(Code::kFailedPrecondition, "the dynamic linker refused " + path.string() +
                                                       ": " +
                                                       (detail ? detail : failure.message()));
    }
    found = all.libraries.emplace(path, std::move(library)).first;
  }
  if (!found->second.has("openclaw_plugin_v1")) {
    return make_error(Code::kInvalidArgument, path.string() + " exports no openclaw_plugin_v1");
  }
  return &found->second.get<const oc_plugin_entry>("openclaw_plugin_v1");
}

}  // namespace

Result<void> check_abi(std::uint32_t magic, std::uint16_t major, std::uint16_t minor,
                       std::uint16_t host_min_minor, int host_minor) {
  auto number = [](auto value) { return std::to_string(value); };
  if (magic != OC_ABI_MAGIC) {
    return make_error(Code::kInvalidArgument,
                      "wrong magic number " + number(magic) + " in openclaw_plugin_v1, not " +
                          number(OC_ABI_MAGIC) + ": it is no openclaw plugin");
  }
  if (major != OC_ABI_MAJOR) {
    return make_error(Code::kFailedPrecondition,
                      "built for plugin ABI " + number(major) + "." + number(minor) +
                          ", this host offers " + number(OC_ABI_MAJOR) + "." + number(host_minor) +
                          "; get a build for ABI " + number(OC_ABI_MAJOR));
  }
  if (host_min_minor > host_minor) {
    return make_error(Code::kFailedPrecondition,
                      "needs a host of plugin ABI " + number(major) + "." + number(host_min_minor) +
                          " or later, this one offers " + number(OC_ABI_MAJOR) + "." +
                          number(host_minor) + "; update openclaw");
  }
  return {};
}

Result<LoadedLibrary> load_library(const TrustedFile& file, int host_minor) {
  auto before = identify(file.path);
  if (!before) return before.error();
  if (!(*before == file.identity)) return changed(file.path);
  auto entry = open_entry(file.path);
  if (!entry) return entry.error();
  auto after = identify(file.path);
  if (!after) return after.error();
  if (!(*after == file.identity)) return changed(file.path);

  LoadedLibrary out;
  out.path = file.path;
  constexpr std::size_t kLeast = offsetof(oc_plugin_entry, cancel) + sizeof(out.entry.cancel);
  // struct_size is not the first field of the entry, so its head is read on its own.
  oc_plugin_entry head{};
  std::memcpy(&head, *entry, offsetof(oc_plugin_entry, manifest_json));
  if (auto checked =
          check_abi(head.magic, head.abi_major, head.abi_minor, head.host_min_minor, host_minor);
      !checked) {
    return checked.error();
  }
  if (head.struct_size < kLeast) {
    return make_error(Code::kInvalidArgument, "its entry has " + std::to_string(head.struct_size) +
                                                  " bytes, fewer than ABI 1.0 asks for");
  }
  std::memcpy(&out.entry, *entry, std::min<std::size_t>(head.struct_size, sizeof out.entry));
  const oc_plugin_entry& e = out.entry;
  if (!e.create || !e.destroy || !e.get_interface || !e.start || !e.stop || !e.cancel) {
    return make_error(Code::kInvalidArgument, "its entry leaves a required function empty");
  }
  out.manifest_json = std::string(text_of(e.manifest_json));
  return out;
}

}  // namespace openclaw::plugin
