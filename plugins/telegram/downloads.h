// Downloads: the files that people sent, fetched by the ids in their messages. Strand only.
#pragma once

#include <functional>
#include <map>
#include <string>

#include <openclaw/plugin.hpp>

#include "bot_api.h"
#include "flow.h"

namespace telegram {

class Downloads {
 public:
  Downloads(openclaw::Plugin& plugin, BotApi& api,
            std::function<void(const std::string& why)> token_lost)
      : plugin_(plugin), api_(api), token_lost_(std::move(token_lost)) {}

  // Ends the Completion with {"blob"}. The caller keeps the flow's count.
  openclaw::Flow<openclaw::Nothing> fetch(openclaw::Completion done, std::string payload);
  void cancel(oc_op op);

 private:
  struct Job {
    std::uint64_t http = 0;
    bool cancelled = false;
  };
  void fail(openclaw::Completion& done, const Reply& reply);

  openclaw::Plugin& plugin_;
  BotApi& api_;
  std::function<void(const std::string&)> token_lost_;
  std::map<oc_op, Job> jobs_;
};

}  // namespace telegram
