// Linking an account by a code that a person scans or types on their phone: RPC `web.login.start`
// and `.wait`.
#pragma once

#include <string>

namespace openclaw::channel {

struct LinkRequest {
  std::string channel, account = "default";
  std::string seen = {};  // the code that the caller shows already
};

}  // namespace openclaw::channel
