// Connection: the account as the service knows it. Which bot it is, whether its token is any good,
// and what the host is told of both. Poller and Webhook are the two ways to its updates. Strand
// only.
#pragma once

#include <functional>
#include <optional>
#include <random>
#include <string>
#include <string_view>

#include <openclaw/plugin.hpp>

#include "bot_api.h"
#include "flow.h"
#include "pauses.h"
#include "settings.h"
#include "start_answer.h"
#include "update_event.h"

namespace telegram {

class Connection {
 public:
  struct Services {
    openclaw::Plugin& plugin;
    BotApi& api;
    parts::Pauses& pauses;
    const Settings& settings;
  };
  enum class Next { kGoOn, kEnd };

  explicit Connection(Services services) : s_(services), random_(std::random_device{}()) {}

  // `started` ends when the bot is known, when it cannot be, or when the service is out of reach
  // for now.
  void begin(std::optional<openclaw::Completion> started);
  // Asks who the bot is until that is known, or cannot be.
  openclaw::Flow<Next> connect();
  void stop() { stopping_ = true; }
  void cancel_start(oc_op op) { start_.cancel(op); }
  void settle_start(oc_status status, const std::string& message) {
    start_.settle(status, message);
  }

  const Bot& bot() const { return bot_; }
  bool connected() const { return bot_.id != 0; }
  bool stopping() const { return stopping_; }
  bool lost() const { return lost_; }
  bool over() const { return stopping_ || lost_; }

  // Something that cannot go on: the host starts the account anew.
  void failed(const std::string& why);
  // The service refused the token elsewhere.
  void token_lost(const std::string& why);
  // What no start mends before the configuration changes.
  void refused(std::string_view reason, const std::string& message);

  void report(std::string_view state, std::string_view reason = {}, std::string_view message = {});
  // @BotFather's privacy mode as it is now; reported when it has changed.
  void reads_groups(bool all);
  // In a row; set to 0 by what worked.
  int failures() const { return failures_; }
  void count_failure() { ++failures_; }
  void worked() { failures_ = 0; }
  // Reports it and waits.
  openclaw::Flow<Next> after_failure(Reply reply);
  openclaw::Flow<Next> back_off(std::uint64_t first_ms, std::uint64_t most_ms,
                                std::uint64_t least_ms = 0);

 private:
  Next give_up(const std::string& why);

  Services s_;
  std::minstd_rand random_;
  parts::StartAnswer start_;
  Bot bot_;
  int failures_ = 0;
  bool stopping_ = false, lost_ = false;
  std::string state_, reason_;
};

}  // namespace telegram
