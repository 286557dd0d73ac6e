#include "workspace/media_pickup.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <utility>

#include "workspace/media_name.h"
#include "workspace/text_window.h"

namespace openclaw::workspace {
namespace {

// As much as was there when it was opened: a file that grows meanwhile does not go on for ever.
MediaSource source_of_file(Handle file, std::uint64_t size) {
  MediaSource out;
  out.bytes = size;
  auto held = std::make_shared<Handle>(std::move(file));
  out.read = [held, size](std::uint64_t offset, std::uint64_t count) -> Result<std::string> {
    if (offset >= size) return std::string();
    std::string piece(static_cast<std::size_t>(std::min(count, size - offset)), '\0');
    ssize_t got = -1;
    do {
      got = ::pread(held->get(), piece.data(), piece.size(), static_cast<off_t>(offset));
    } while (got < 0 && errno == EINTR);
    if (got < 0) return Error(Code::kUnavailable, "the file cannot be read");
    piece.resize(static_cast<std::size_t>(got));
    return piece;
  };
  return out;
}

std::string kind_of(std::string_view mime) {
  if (mime == "image/jpeg" || mime == "image/png" || mime == "image/webp") return "photo";
  if (mime == "audio/ogg") return "voice";
  if (mime.starts_with("audio/")) return "audio";
  if (mime.starts_with("video/")) return "video";
  return "document";
}

// "/workspace/a/b" is "a/b" for who works in /workspace.
std::string below(const std::string& path, const sandbox::View& view) {
  std::string dir = view.sandboxed ? view.workdir : view.host_workspace.string();
  while (dir.size() > 1 && dir.back() == '/') dir.pop_back();
  return path.starts_with(dir + "/") ? path.substr(dir.size() + 1) : path;
}

}  // namespace

Result<PickedFile> pick_up(const sandbox::View& view, const std::string& path) {
  const std::string label = view.sandboxed ? view.workdir : "the workspace";
  const std::string relative = below(path, view);
  if (relative.starts_with('/'))
    return Error(Code::kPermissionDenied, path + " is outside of " + label);
  RootOptions options;
  options.read_only = true;
  options.no_links = true;
  auto root = RootedDir::open(view.host_workspace.string(), label, options);
  if (!root) return root.error();
  struct stat info {};
  auto file = root->open_file(relative, &info);
  if (!file) return file.error();
  const auto size = static_cast<std::uint64_t>(info.st_size);
  if (size == 0) return Error(Code::kFailedPrecondition, path + " is empty");
  if (size > kMaxMediaBytes) {
    return Error(Code::kResourceExhausted,
                 path + " has " + std::to_string(size) + " bytes, more than the " +
                     std::to_string(kMaxMediaBytes >> 20) + " MiB that are sent");
  }
  PickedFile out;
  out.name = harmless_name(relative, "", "");
  out.source = source_of_file(std::move(*file), size);
  auto head = out.source.read(0, 16);
  if (!head) return head.error();
  const std::string_view image = image_type(*head);
  out.mime = image.empty() ? mime_of(out.name) : std::string(image);
  // A name that calls something an image does not make it one.
  if (image.empty() && out.mime.starts_with("image/")) out.mime = "application/octet-stream";
  out.kind = kind_of(out.mime);
  return out;
}

}  // namespace openclaw::workspace
