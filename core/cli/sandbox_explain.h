// sandbox explain: the sandbox of a session and the verdict about each tool, from the configuration
// alone.
#pragma once

#include <string>

#include "config/config.h"
#include "result.h"

namespace openclaw::cli {

struct ExplainQuestion {
  std::string session, agent;
  std::string tool;    // empty: all
  std::string sender;  // empty: the owner at this machine
};

// sandbox::explain_json with "caller" and "tools" beside it.
Result<json::object> explain_sandbox(const config::Paths& paths, const config::Snapshot& config,
                                     const ExplainQuestion& question);

}  // namespace openclaw::cli
