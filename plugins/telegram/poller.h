// Poller: what people write, asked for. One long poll at a time; its offset, which tells the
// service to forget what came before, moves only after the host has said of every update that it is
// on disk. Strand only.
#pragma once

#include <string>

#include <openclaw/plugin.hpp>

#include "bot_api.h"
#include "connection.h"
#include "flow.h"
#include "poll_seat.h"
#include "settings.h"
#include "update_intake.h"

namespace telegram {

class Poller {
 public:
  struct Services {
    openclaw::Plugin& plugin;
    BotApi& api;
    const Settings& settings;
    Connection& connection;
    UpdateIntake& intake;
  };
  explicit Poller(Services services) : s_(services) {}

  // Polls until the account stops or its token turns out to be worthless.
  openclaw::Flow<openclaw::Nothing> run();

 private:
  using Next = Connection::Next;
  openclaw::Flow<Next> take_seat();
  openclaw::Flow<openclaw::Nothing> load_offset();
  openclaw::Flow<openclaw::Nothing> store_offset();
  openclaw::Flow<openclaw::Nothing> confirm();
  openclaw::Flow<Next> poll_once();
  openclaw::Flow<bool> take(json::array updates);
  openclaw::Flow<Next> after_failure(Reply reply);
  openclaw::Flow<Next> after_conflict(Reply reply);

  Services s_;
  PollSeat seat_;
  std::int64_t offset_ = 0;     // 0: the oldest that the service has
  std::int64_t confirmed_ = 0;  // what the last answered poll told the service
  bool webhook_removed_ = false;
};

}  // namespace telegram
