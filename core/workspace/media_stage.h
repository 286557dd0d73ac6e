// MediaStage: puts files into the workspace that a session's tools see: such as people send to the
// agent into `media/inbound/`, such as an operator sends out into `media/outbound/`. The sandbox
// may have prepared those folders: nothing in them is followed, opened or replaced. Blocking; for
// the blocking pool.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "result.h"
#include "sandbox/sandbox_manager.h"
#include "workspace/rooted_dir.h"

namespace openclaw::workspace {

// The largest upload a bot of the big platforms may make, and more than any lets it download; it
// is copied in pieces, so the bound is one of disk space.
inline constexpr std::uint64_t kMaxMediaBytes = 50ull << 20;
// Of one message. Albums have ten; the worst message may take a gigabyte of disk, not more.
inline constexpr std::size_t kMaxMediaFiles = 20;

// Bytes that are somewhere else: in memory, in a blob, in another file.
struct MediaSource {
  std::uint64_t bytes = 0;
  // Up to `count` bytes from `offset` on; empty at the end. Blocking.
  std::function<Result<std::string>(std::uint64_t offset, std::uint64_t count)> read = {};
};
MediaSource source_of(std::string bytes);
// All of it. kResourceExhausted: more than `most`.
Result<std::string> read_all(const MediaSource& source, std::uint64_t most);

enum class MediaFolder { kInbound, kOutbound };

struct StagedFile {
  std::string path;  // relative to the session's working directory
  std::uint64_t bytes = 0;
};

class MediaStage {
 public:
  // Makes the workspace when it is missing. Makes no folder in it yet.
  static Result<MediaStage> open(const sandbox::View& view,
                                 MediaFolder folder = MediaFolder::kInbound);

  // A new file with a harmless form of the name; marked when that name is taken. What could not be
  // copied whole is removed again. kResourceExhausted: larger than kMaxMediaBytes.
  Result<StagedFile> add(std::string_view name, std::string_view kind, std::string_view mime,
                         const MediaSource& source);

 private:
  MediaStage(RootedDir root, std::string folder)
      : root_(std::move(root)), folder_(std::move(folder)) {}
  Result<void> fill(const Handle& file, const std::string& path, const MediaSource& source) const;
  RootedDir root_;
  std::string folder_;  // "media/inbound"
};

}  // namespace openclaw::workspace
