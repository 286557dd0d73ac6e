// History: what a channel holds, read on demand. Nothing is written by it, but that the direct chat
// with a person has to be opened before it has an id. Strand only.
#pragma once

#include <functional>
#include <map>
#include <string>

#include <openclaw/plugin.hpp>

#include "flow.h"
#include "rest_api.h"

namespace discord {

class History {
 public:
  struct Services {
    RestApi& api;
    std::function<std::string()> bot_id;
    std::function<void(const std::string& why)> token_lost;
  };
  explicit History(Services services) : s_(std::move(services)) {}

  // Ends the Completion with {"messages"}. The caller keeps the flow's count.
  openclaw::Flow<openclaw::Nothing> read(openclaw::Completion done, std::string payload);
  void cancel(oc_op op);

 private:
  openclaw::Flow<Reply> messages_in(std::string channel, std::int64_t limit,
                                    RestApi::Options options);
  openclaw::Flow<Reply> messages_with(std::string user, std::int64_t limit,
                                      RestApi::Options options);
  void fail(openclaw::Completion& done, const Reply& reply);

  Services s_;
  std::map<oc_op, CallHold> holds_;
};

}  // namespace discord
