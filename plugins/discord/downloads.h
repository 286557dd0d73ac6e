// Downloads: the files that people sent. The address of a file is good for about a day, and a
// message may wait longer for its turn, so the message is asked for again and gives a fresh one.
// Strand only.
#pragma once

#include <functional>
#include <map>
#include <string>

#include <openclaw/plugin.hpp>

#include "flow.h"
#include "rest_api.h"
#include "settings.h"

namespace discord {

class Downloads {
 public:
  Downloads(openclaw::Plugin& plugin, RestApi& api,
            std::function<void(const std::string& why)> token_lost)
      : plugin_(plugin), api_(api), token_lost_(std::move(token_lost)) {}

  // Ends the Completion with {"blob"}. The caller keeps the flow's count.
  openclaw::Flow<openclaw::Nothing> fetch(openclaw::Completion done, std::string payload);
  void cancel(oc_op op);

 private:
  void fail(openclaw::Completion& done, const Reply& reply);

  openclaw::Plugin& plugin_;
  RestApi& api_;
  std::function<void(const std::string&)> token_lost_;
  std::map<oc_op, CallHold> holds_;
};

}  // namespace discord
