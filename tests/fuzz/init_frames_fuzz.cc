// What a broken-out command could send in place of openclaw-sandbox-init: nothing crashes, no frame
// is longer than it may be, and it does not matter where the bytes are cut.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "init_frames.h"

namespace {

using openclaw::docker::InitFrames;

std::string read(std::string_view bytes, std::size_t piece) {
  InitFrames frames;
  std::string said;
  for (std::size_t at = 0; at < bytes.size(); at += piece) {
    frames.append(bytes.substr(at, piece));
    InitFrames::Frame frame{};
    auto found = InitFrames::Found::kBroken;
    while ((found = frames.next(frame)) == InitFrames::Found::kFrame) {
      if (frame.payload.size() > openclaw::sandbox_init::kMaxPiece) std::abort();
      said +=
          std::to_string(static_cast<int>(frame.kind)) + " " + std::to_string(frame.command) + " ";
      said.append(frame.payload).push_back('\n');
    }
    if (found == InitFrames::Found::kBroken) return said + "broken";
  }
  return said;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view bytes(reinterpret_cast<const char*>(data), size);
  if (read(bytes, 1) != read(bytes, size + 1)) std::abort();
  InitFrames frames;
  std::string mark =
      openclaw::docker::init_frame(openclaw::sandbox_init::Kind::kReady, 1, "0123456789abcdef");
  frames.append(bytes);
  bool early = frames.skip_past(mark);
  if (early != (bytes.find(mark) != std::string_view::npos)) std::abort();
  if (early) return 0;
  frames.append(mark);
  if (!frames.skip_past(mark)) std::abort();
  return 0;
}
