// What becomes of an account that was just added or changed, in the gateway that runs.
#pragma once

#include <cstdint>
#include <string>

#include "cli/cli.h"

namespace openclaw::cli {

struct AccountOutcome {
  bool connected = false;
  std::string error;  // why it is not; empty: it is not known yet
};

// Asks the gateway until the account, started after `since_ms` (of the epoch), is connected or says
// why not; fifteen seconds at most. Empty: the gateway does not answer, which was said.
std::optional<AccountOutcome> await_account(Context& context, const std::string& channel,
                                            const std::string& account, std::int64_t since_ms);

}  // namespace openclaw::cli
