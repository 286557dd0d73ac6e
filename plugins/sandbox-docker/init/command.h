// Command: one command of the sandbox, its streams and its keeper.
#pragma once

#include <cstddef>
#include <cstdint>

#include "keeper.h"
#include "protocol.h"
#include "run_request.h"

namespace openclaw::sandbox_init {

struct Command {
  std::uint32_t id = 0;
  bool used = false;
  Keeper* keeper = nullptr;
  int in_fd = -1, out_fd = -1, err_fd = -1;  // a terminal's other end is out_fd, and a copy in_fd
  bool terminal = false;
  bool ended = false;  // the command itself; what it started may go on
  bool reported =
      false;  // its kExit was sent: more output goes nowhere, so that who writes it lives on
  ExitReport report{};
  std::int64_t killed_at_ms = 0;     // 0: it was not
  bool all_gone = false;             // everything that the command had started
  std::int64_t linger_until_ms = 0;  // output that still comes from others is waited for until then
  std::uint32_t window = kOutputWindow;
  char* input = nullptr;  // kInputWindow bytes once there is input
  std::size_t input_from = 0, input_size = 0;
  bool input_ends = false;
};

// 0, or the errno of what failed; nothing is left then.
int start_command(Command& command, const RunRequest& request);

// Puts as much input as the command takes now. Answers how many bytes that were.
std::size_t feed_command(Command& command);

void close_fd(int& fd);
// Frees everything but the processes.
void release_command(Command& command);

}  // namespace openclaw::sandbox_init
