// Poller: what people write. One long poll at a time; its offset, which tells the service to forget
// what came before, moves only after the host has said of every update that it is on disk.
// Strand only.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include <openclaw/plugin.hpp>

#include "bot_api.h"
#include "flow.h"
#include "pauses.h"
#include "settings.h"
#include "update_event.h"

namespace telegram {

class Poller {
 public:
  struct Services {
    openclaw::Plugin& plugin;
    BotApi& api;
    parts::Pauses& pauses;
    const Settings& settings;
    // Runs a flow beside the poller's, and counts it.
    std::function<void(openclaw::Flow<openclaw::Nothing>)> spawn;
  };
  explicit Poller(Services services) : s_(std::move(services)), random_(std::random_device{}()) {}

  // Connects, then polls until stop() or until the token turns out to be worthless. `started` ends
  // when the bot is known, when it cannot be, or when the service is out of reach for now.
  openclaw::Flow<openclaw::Nothing> run(std::optional<openclaw::Completion> started);
  void stop();
  void cancel_start(oc_op op);
  // Something that cannot go on: the host starts the account anew.
  void failed(const std::string& why);
  bool lost() const { return lost_; }
  // The service refused the token elsewhere.
  void token_lost(const std::string& why);

  const Bot& bot() const { return bot_; }
  bool connected() const { return bot_.id != 0; }

 private:
  enum class Next { kGoOn, kEnd };
  // One update on its way into the host.
  struct Offer {
    std::string event;
    bool reduced = false;  // to its raw text, since the host would not have it otherwise
  };
  // The host's answers to several offers. Shared with the acks: they may come after stop() has
  // ended the wait.
  struct Answers : openclaw::Waiter {
    explicit Answers(std::size_t count) : left(count), each(count, OC_UNAVAILABLE) {}
    std::size_t left;
    std::vector<oc_status> each;
  };

  openclaw::Flow<Next> connect();
  openclaw::Flow<openclaw::Nothing> load_offset();
  openclaw::Flow<openclaw::Nothing> store_offset();
  openclaw::Flow<openclaw::Nothing> confirm();
  openclaw::Flow<Next> poll_once();
  openclaw::Flow<bool> take(json::array updates);
  openclaw::Flow<bool> hand_over(std::vector<Offer> offers);
  void refused(Offer offer, oc_status why, std::vector<Offer>& again);
  openclaw::Flow<openclaw::Nothing> answer_callback(std::string id);
  openclaw::Flow<Next> after_failure(Reply reply);
  openclaw::Flow<Next> after_conflict(Reply reply);
  Next give_up(const std::string& why);
  openclaw::Flow<openclaw::Nothing> back_off(std::uint64_t first_ms, std::uint64_t most_ms,
                                             std::uint64_t least_ms = 0);

  void report(std::string_view state, std::string_view reason = {}, std::string_view message = {});
  void settle_start(oc_status status, const std::string& message);

  Services s_;
  std::minstd_rand random_;
  std::optional<openclaw::Completion> started_;
  Bot bot_;
  std::int64_t offset_ = 0;     // 0: the oldest that the service has
  std::int64_t confirmed_ = 0;  // what the last answered poll told the service
  int failures_ = 0;            // in a row
  std::shared_ptr<Answers> awaited_;
  bool webhook_removed_ = false;
  bool stopping_ = false, lost_ = false;
  std::string state_, reason_;
};

}  // namespace telegram
