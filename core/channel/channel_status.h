// The channels.status payload: a pure function of the accounts.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "channel/accounts.h"

namespace openclaw::channel {

json::object status_json(const config::Config& config,
                         const std::vector<std::shared_ptr<Account>>& accounts,
                         const std::map<std::string, json::value>& probes);

}  // namespace openclaw::channel
