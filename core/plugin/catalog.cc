#include "plugin/catalog.h"

#include <algorithm>
#include <set>

#include "plugin/loader.h"

namespace openclaw::plugin {
namespace {

constexpr std::uint64_t kMaxLibraryBytes = 512 * 1024 * 1024;
constexpr std::size_t kMaxFolders = 1024;

Scope scope_of(bool bundled) {
  return bundled ? Scope::kFromRoot : Scope::kWholePath;
}

std::string version_text(int major, int minor) {
  return std::to_string(major) + "." + std::to_string(minor);
}

Error about(const std::filesystem::path& path, const Error& error) {
  Error out = error;
  out.message = path.string() + ": " + error.message;
  return out;
}

Result<void> read_manifest_file(const TrustedDir& dir, Candidate& out) {
  auto file = open_trusted_file(dir, kManifestFile);
  if (!file) return file.error();
  auto text = read_all(*file, kMaxManifestBytes);
  if (!text) return text.error();
  auto parsed = parse_manifest(*text);
  if (!parsed) return about(file->path, parsed.error());
  out.file = std::move(*parsed);
  out.info.id = out.file.manifest.id;
  out.info.version = out.file.manifest.version;
  out.info.manifest = out.file.manifest;
  out.info.library = dir.path / out.file.library;
  return {};
}

// The note, the head of the entry and the manifest must tell the same story.
Result<void> check_facts(const Candidate& candidate, int host_minor) {
  const ElfFacts& f = candidate.facts;
  if (!f.has_entry) return make_error(Code::kInvalidArgument, "it exports no openclaw_plugin_v1");
  if (auto abi = check_abi(f.entry_magic, f.entry_abi_major, f.entry_abi_minor,
                           f.entry_host_min_minor, host_minor);
      !abi) {
    return abi.error();
  }
  if (!f.has_note)
    return make_error(Code::kInvalidArgument, "it has no openclaw note (OC_PLUGIN_NOTE)");
  if (f.note_id != candidate.info.id) {
    return make_error(Code::kInvalidArgument, "its note says it is \"" + f.note_id +
                                                  "\", the manifest says \"" + candidate.info.id +
                                                  "\"");
  }
  if (f.note_abi_major != f.entry_abi_major || f.note_abi_minor != f.entry_abi_minor) {
    return make_error(Code::kInvalidArgument, "its note and its entry name different ABI versions");
  }
  return {};
}

Result<void> read_library(const TrustedDir& dir, Candidate& out, int host_minor) {
  auto file = open_trusted_file(dir, out.file.library);
  if (!file) return file.error();
  if (static_cast<std::uint64_t>(file->identity.size) > kMaxLibraryBytes) {
    return make_error(Code::kResourceExhausted, file->path.string() + " is larger than 512 MiB");
  }
  auto facts = read_elf(DescriptorSource(file->fd.get()));
  if (!facts) return about(file->path, facts.error());
  out.facts = std::move(*facts);
  out.info.abi = version_text(out.facts.entry_abi_major, out.facts.entry_abi_minor);
  if (auto checked = check_facts(out, host_minor); !checked)
    return about(file->path, checked.error());
  if (out.file.isolation == "process") {
    return make_error(Code::kUnimplemented,
                      "its manifest asks for a process of its own, which this version does not "
                      "offer; with native.isolation \"in-process\" it runs inside the gateway");
  }
  return {};
}

void apply_policy(Candidate& c, const HostOptions& options) {
  auto listed = [&](const std::vector<std::string>& ids) {
    return std::find(ids.begin(), ids.end(), c.info.id) != ids.end() ||
           std::find(ids.begin(), ids.end(), "*") != ids.end();
  };
  c.info.state = State::kDisabled;
  const bool off = std::find(options.off.begin(), options.off.end(), c.info.id) != options.off.end();
  if (listed(options.deny)) {
    c.info.reason = "plugins.deny names it; run: openclaw config get plugins.deny";
  } else if (off) {
    c.info.reason = "plugins.entries." + c.info.id +
                    ".enabled is false; run: openclaw plugins enable " + c.info.id;
  } else if (options.only_bundled && !c.bundled) {
    c.info.reason =
        "plugins.enabled is false, so only what ships with the program is used; run: openclaw "
        "config set plugins.enabled true";
  } else if (!c.bundled && std::find(options.allow.begin(), options.allow.end(), c.info.id) ==
                               options.allow.end()) {
    c.info.reason =
        "plugins.allow does not name it, and nothing is loaded because it lies in a folder; to "
        "allow it, "
        "add \"" +
        c.info.id + "\" to the list: openclaw config set plugins.allow '[\"" + c.info.id + "\"]'";
  } else {
    c.info.usable = true;
    c.info.reason = "nothing in the configuration uses it";
  }
}

std::vector<std::string> folders_of(const std::filesystem::path& root) {
  std::vector<std::string> names;
  std::error_code failure;
  if (std::filesystem::exists(root / kManifestFile, failure)) return {""};
  for (std::filesystem::directory_iterator at(root, failure), end; !failure && at != end;
       at.increment(failure)) {
    std::error_code ignored;
    if (names.size() < kMaxFolders &&
        std::filesystem::exists(at->path() / kManifestFile, ignored)) {
      names.push_back(at->path().filename().string());
    }
  }
  std::sort(names.begin(), names.end());
  return names;
}

Result<void> compare_digest(const TrustedFile& file, const std::string& recorded) {
  auto digest = sha256_of(file);
  if (!digest) return digest.error();
  if (*digest == recorded) return {};
  return make_error(Code::kPermissionDenied,
                    file.path.string() + " is not the file that was installed (SHA-256 " +
                        digest->substr(0, 16) + "..., recorded " + recorded.substr(0, 16) +
                        "...); if you changed it yourself, run: openclaw plugins install " +
                        file.path.parent_path().string());
}

}  // namespace

Candidate examine(const std::filesystem::path& root, const std::string& folder, bool bundled,
                  int host_minor) {
  Candidate out;
  out.root = root;
  out.folder = folder;
  out.bundled = bundled;
  out.info.id = folder.empty() ? root.filename().string() : folder;
  out.info.library = root / folder;
  out.info.origin = bundled ? "bundled" : "path";
  auto refuse = [&](const Error& error) {
    out.info.state = State::kRefused;
    out.info.reason = error.message;
    return std::move(out);
  };
  auto dir = open_trusted_dir(root, folder, scope_of(bundled));
  if (!dir) return refuse(dir.error());
  if (auto read = read_manifest_file(*dir, out); !read) return refuse(read.error());
  if (auto read = read_library(*dir, out, host_minor); !read) return refuse(read.error());
  return out;
}

std::vector<Candidate> scan_plugins(const HostOptions& options) {
  std::vector<Candidate> all;
  std::set<std::string> seen;
  auto scan = [&](const std::filesystem::path& root, bool bundled) {
    for (const auto& folder : folders_of(root)) {
      Candidate found = examine(root, folder, bundled, options.offer_abi_minor);
      if (!bundled && root == options.state_dir / "plugins") found.info.origin = "installed";
      if (found.info.state != State::kRefused) {
        if (seen.insert(found.info.id).second) {
          apply_policy(found, options);
        } else {
          found.info.state = State::kRefused;
          found.info.reason =
              "another plugin has the id \"" + found.info.id + "\" already; remove one of the two";
        }
      }
      all.push_back(std::move(found));
    }
  };
  for (const auto& root : options.bundled_dirs) scan(root, true);
  for (const auto& root : options.plugin_dirs) scan(root, false);
  return all;
}

Result<TrustedFile> verify(const Candidate& candidate, const std::filesystem::path& state_dir) {
  auto dir = open_trusted_dir(candidate.root, candidate.folder, scope_of(candidate.bundled));
  if (!dir) return dir.error();
  auto library = open_trusted_file(*dir, candidate.file.library);
  if (!library) return library.error();
  if (candidate.bundled) return library;
  auto record = find_install_record(state_dir, candidate.info.id);
  if (!record) return record.error();
  if (!record->has_value()) {
    return make_error(Code::kPermissionDenied,
                      "there is no install record for it, so nobody has vouched for the file; "
                      "run: openclaw plugins install " +
                          dir->path.string());
  }
  if (auto same = compare_digest(*library, (*record)->library_sha256); !same) return same.error();
  auto manifest = open_trusted_file(*dir, kManifestFile);
  if (!manifest) return manifest.error();
  if (auto same = compare_digest(*manifest, (*record)->manifest_sha256); !same) return same.error();
  return library;
}

}  // namespace openclaw::plugin
