// What the plugin and openclaw-sandbox-init say to each other over the standard input and output of
// the container.
//
// A frame is a head of 12 bytes (kind, three zeros, command, length; little-endian) and a payload.
// Zero bytes between frames are padding: a plugin that takes over a container sends kMaxPayload +
// kHeadSize of them before its Hello, so that whatever was cut off when its predecessor died is
// complete, and thrown away.
//
// Streams have windows: each side sends only what the other one has room for, so no command holds
// up another.
#pragma once

#include <cstddef>
#include <cstdint>

namespace openclaw::sandbox_init {

inline constexpr std::uint32_t kVersion = 1;
inline constexpr std::size_t kHeadSize = 12;
inline constexpr std::size_t kMaxPayload = 256 * 1024;
inline constexpr std::size_t kMaxPiece = 32 * 1024;  // of output, in one frame
inline constexpr std::uint32_t kOutputWindow =
    512 * 1024;  // bytes of a command that may be under way to the plugin
inline constexpr std::uint32_t kInputWindow = 64 * 1024;  // and to the command
inline constexpr std::size_t kNonceSize = 16;
inline constexpr std::size_t kMaxCommands = 100;  // at once, in one container

enum class Kind : std::uint8_t {
  kPadding = 0,
  // to the helper
  kHello = 1,  // command = kVersion, payload = nonce. Ends what an earlier plugin left running.
  kRun = 2,    // payload: see RunHead
  kInput = 3,  // for the command's standard input, within the window
  kInputEnd = 4,
  kSignal = 5,  // payload: signal number, u32; for every process of the command
  kTaken = 6,   // payload: u32, bytes of output the plugin has room for again
  // to the plugin
  kReady = 16,  // command = kVersion, payload = the nonce of Hello
  kStdout = 17,
  kStderr = 18,
  kInputTaken = 19,  // payload: u32
  kExit = 20,        // payload: ExitReport. The last of a command.
};

// Then cwd, the arguments and the environment ("NAME=value"), each ended by a zero byte.
struct RunHead {
  std::uint32_t flags;
  std::uint32_t arguments;
  std::uint32_t variables;
};
static_assert(sizeof(RunHead) == 12);
inline constexpr std::uint32_t kTerminal = 1;
inline constexpr std::uint32_t kWithInput = 2;

struct ExitReport {
  std::uint32_t how;  // 0: exit code, 1: signal, 2: never started, `value` is an errno
  std::uint32_t value;
};

inline void put_u32(std::uint32_t value, char* out) {
  for (int i = 0; i < 4; ++i) out[i] = static_cast<char>(value >> (8 * i));
}
inline std::uint32_t get_u32(const char* in) {
  std::uint32_t value = 0;
  for (int i = 0; i < 4; ++i)
    value |= static_cast<std::uint32_t>(static_cast<unsigned char>(in[i])) << (8 * i);
  return value;
}
inline void put_head(Kind kind, std::uint32_t command, std::uint32_t length, char* out) {
  out[0] = static_cast<char>(kind);
  out[1] = out[2] = out[3] = 0;
  put_u32(command, out + 4);
  put_u32(length, out + 8);
}

}  // namespace openclaw::sandbox_init
