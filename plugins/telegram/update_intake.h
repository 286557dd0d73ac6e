// UpdateIntake: updates on their way into the host, whichever way they came. The host's ack says
// that one is on disk. Strand only.
#pragma once

#include <functional>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include <openclaw/plugin.hpp>

#include "bot_api.h"
#include "connection.h"
#include "flow.h"
#include "moved_groups.h"
#include "pasted_text.h"
#include "pauses.h"
#include "settings.h"
#include "update_event.h"

namespace telegram {

// One update for the host.
struct Offer {
  std::string event;
  bool reduced = false;  // to its raw text, since the host would not have it otherwise
};

class UpdateIntake {
 public:
  struct Services {
    openclaw::Plugin& plugin;
    BotApi& api;
    parts::Pauses& pauses;
    const Settings& settings;
    const Connection& connection;
    MovedGroups& moved;
    // Runs a flow beside the caller's, and counts it.
    std::function<void(openclaw::Flow<openclaw::Nothing>)> spawn;
  };
  explicit UpdateIntake(Services services) : s_(std::move(services)) {}

  struct Batch {
    std::vector<Offer> offers;
    std::int64_t last = 0;  // the greatest number; 0: none has one
  };
  // Of updates as the service writes them. What nobody said is left out; a press is answered.
  Batch read(const json::array& updates);
  // Offers each until the host has it. False when the account stops before.
  openclaw::Flow<bool> hand_over(std::vector<Offer> offers);
  // Offers them once, and raw what the host would not have. OC_OK: it has all.
  openclaw::Flow<oc_status> hand_over_once(std::vector<Offer> offers);
  // Ends every wait for the host.
  void stop();

  // What the service is asked for.
  static json::array allowed_updates(const Settings& settings);

 private:
  // The host's answers to several offers. Shared with the acks: they may come after stop() has
  // ended the wait.
  struct Answers : openclaw::Waiter {
    explicit Answers(std::size_t count) : left(count), each(count, OC_UNAVAILABLE) {}
    std::size_t left;
    std::vector<oc_status> each;
  };
  // What the host would have again; nothing when it has all.
  struct Refused {
    std::vector<Offer> offers;
    oc_status why = OC_OK;  // other than for their form
  };
  openclaw::Flow<Refused> offer(std::vector<Offer> offers);
  void refused(Offer offer, oc_status why, Refused& out);
  void name_former(json::object& event) const;
  openclaw::Flow<openclaw::Nothing> answer_callback(std::string id);

  Services s_;
  PastedText pasted_;
  std::set<std::shared_ptr<Answers>> awaited_;
};

}  // namespace telegram
