#include "workspace/media_stage.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <memory>
#include <system_error>
#include <utility>

#include "sandbox/workspace_setup.h"
#include "storage/random_hex.h"
#include "workspace/media_name.h"

namespace openclaw::workspace {
namespace {

constexpr std::uint64_t kPieceBytes = 1u << 20;
constexpr int kTries = 8;  // with random names: that all are taken is no accident

// The reader of the files is whoever the sandbox's commands run as.
RootOptions options_for(const sandbox::View& view) {
  RootOptions options;
  if (!view.sandboxed) return options;
  const auto user = sandbox::sandbox_user(view);
  if (user) options.owner = Owner{user->user, user->group};
  // A name is nobody that this process knows, and only root can give a file away.
  const bool own = user && (::geteuid() == 0 || user->user == ::geteuid());
  options.readable_by_all = !own;
  return options;
}

// What stands in the place of the folder was put there by somebody; it is theirs to remove.
Error blocked(Error error, const std::string& label, const std::string& folder) {
  error.message += ". media and " + folder + " must be real folders of " + label +
                   ", or missing; look with: ls -ld media " + folder;
  return error;
}

}  // namespace

MediaSource source_of(std::string bytes) {
  MediaSource out;
  out.bytes = bytes.size();
  auto held = std::make_shared<const std::string>(std::move(bytes));
  out.read = [held](std::uint64_t offset, std::uint64_t count) -> Result<std::string> {
    if (offset >= held->size()) return std::string();
    return held->substr(static_cast<std::size_t>(offset), static_cast<std::size_t>(count));
  };
  return out;
}

Result<std::string> read_all(const MediaSource& source, std::uint64_t most) {
  std::string out;
  for (;;) {
    auto piece = source.read(out.size(), kPieceBytes);
    if (!piece) return piece.error();
    if (piece->empty()) return out;
    out += *piece;
    if (out.size() > most)
      return Error(Code::kResourceExhausted,
                   "it is larger than " + std::to_string(most) + " bytes");
  }
}

Result<MediaStage> MediaStage::open(const sandbox::View& view, MediaFolder folder) {
  const std::string workspace = view.host_workspace.string();
  if (view.sandboxed) {
    if (auto ready = sandbox::prepare_workspace(view); !ready) return ready.error();
  } else {
    std::error_code failed;
    std::filesystem::create_directories(view.host_workspace, failed);
    if (failed) {
      return Error(Code::kFailedPrecondition,
                   "cannot make the workspace " + workspace + ": " + failed.message());
    }
  }
  auto root = RootedDir::open(workspace, view.sandboxed ? view.workdir : "the workspace",
                              options_for(view));
  if (!root) return root.error();
  return MediaStage(std::move(*root),
                    folder == MediaFolder::kInbound ? "media/inbound" : "media/outbound");
}

Result<void> MediaStage::fill(const Handle& file, const std::string& path,
                              const MediaSource& source) const {
  for (std::uint64_t offset = 0;;) {
    auto piece = source.read(offset, kPieceBytes);
    if (!piece) return piece.error();
    if (piece->empty()) return {};
    offset += piece->size();
    // What the source said about its size is not relied on.
    if (offset > kMaxMediaBytes) {
      return Error(Code::kResourceExhausted, "it is larger than " +
                                                 std::to_string(kMaxMediaBytes >> 20) +
                                                 " MiB, the most that is taken");
    }
    if (!write_all(file, *piece)) {
      return Error(
          Code::kResourceExhausted,
          "cannot write " + path + ": " + std::generic_category().message(errno) + "; see: df -h");
    }
  }
}

Result<StagedFile> MediaStage::add(std::string_view name, std::string_view kind,
                                   std::string_view mime, const MediaSource& source) {
  if (source.bytes > kMaxMediaBytes) {
    return Error(Code::kResourceExhausted,
                 "it has " + std::to_string(source.bytes) + " bytes, more than the " +
                     std::to_string(kMaxMediaBytes >> 20) + " MiB that are taken");
  }
  const std::string wanted = harmless_name(name, kind, mime);
  StagedFile out;
  Result<Handle> file = Error(Code::kAlreadyExists, "");
  for (int tries = 0; tries < kTries && !file && file.error().code == Code::kAlreadyExists;
       ++tries) {
    out.path = folder_ + "/" + (tries == 0 ? wanted : marked_name(wanted, storage::random_hex(4)));
    file = root_.create(out.path);
  }
  if (!file) {
    const Code code = file.error().code;
    const bool in_the_way = code == Code::kPermissionDenied || code == Code::kFailedPrecondition;
    return in_the_way ? blocked(file.error(), root_.label(), folder_) : file.error();
  }
  if (auto filled = fill(*file, out.path, source); !filled) {
    (void)root_.remove(out.path);
    return filled.error();
  }
  struct stat info {};
  if (::fstat(file->get(), &info) == 0) out.bytes = static_cast<std::uint64_t>(info.st_size);
  return out;
}

}  // namespace openclaw::workspace
