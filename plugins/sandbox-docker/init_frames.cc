#include "init_frames.h"

namespace openclaw::docker {

namespace {

using namespace sandbox_init;

// Of what the helper may send; 0: it may not.
std::size_t longest(Kind kind) {
  if (kind == Kind::kStdout || kind == Kind::kStderr) return kMaxPiece;
  if (kind == Kind::kInputTaken) return 4;
  if (kind == Kind::kExit) return sizeof(ExitReport);
  return 0;
}

}  // namespace

void InitFrames::drop_read() {
  bytes_.erase(0, read_);
  read_ = 0;
}

bool InitFrames::skip_past(std::string_view mark) {
  auto at = bytes_.find(mark);
  if (at != std::string::npos) {
    read_ = at + mark.size();
    return true;
  }
  if (bytes_.size() > mark.size()) bytes_.erase(0, bytes_.size() - mark.size());
  return false;
}

InitFrames::Found InitFrames::next(Frame& frame) {
  if (bytes_.size() - read_ < kHeadSize) {
    drop_read();
    return Found::kIncomplete;
  }
  const char* head = bytes_.data() + read_;
  frame.kind = static_cast<Kind>(head[0]);
  frame.command = get_u32(head + 4);
  std::size_t size = get_u32(head + 8);
  bool exact = frame.kind == Kind::kInputTaken || frame.kind == Kind::kExit;
  bool padded = head[1] == 0 && head[2] == 0 && head[3] == 0;
  if (!padded || longest(frame.kind) == 0 || size > longest(frame.kind) ||
      (exact && size != longest(frame.kind)))
    return Found::kBroken;
  if (bytes_.size() - read_ < kHeadSize + size) {
    drop_read();
    return Found::kIncomplete;
  }
  frame.payload = std::string_view(bytes_).substr(read_ + kHeadSize, size);
  read_ += kHeadSize + size;
  return Found::kFrame;
}

std::string init_frame(Kind kind, std::uint32_t command, std::string_view payload) {
  std::string out(kHeadSize, '\0');
  put_head(kind, command, static_cast<std::uint32_t>(payload.size()), out.data());
  return out.append(payload);
}

}  // namespace openclaw::docker
