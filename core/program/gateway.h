// Gateway: owns every component of the running program, their order of start and stop, and nothing else.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "config/config.h"

namespace openclaw::gateway {

// From the command line; they win over environment and file for this run.
struct RunOptions {
  std::optional<std::uint16_t> port;
  std::string bind;         // mode name; empty = gateway.bind
  std::string token;        // empty = gateway.auth.token
  bool allow_unconfigured = false;
  bool verbose = false;
};

// Runs until SIGINT or SIGTERM. Answers the exit code: 0, 1 (could not start), 78 (configuration). Prints one
// line with address and token source when ready. Blocks the calling thread, which becomes the loop.
int run_gateway(const config::Paths& paths, const RunOptions& options);

}  // namespace openclaw::gateway
