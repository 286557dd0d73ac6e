// Gateway: what people write. Keeps one gateway connection up: resumes a session as long as the
// service knows it, begins a new one within the service's limits, and ends the account when no
// retry can mend it. Strand only.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <random>
#include <string>

#include <openclaw/plugin.hpp>

#include "event_queue.h"
#include "flow.h"
#include "gateway_link.h"
#include "interactions.h"
#include "pauses.h"
#include "rest_api.h"
#include "session_store.h"
#include "settings.h"
#include "start_answer.h"

namespace discord {

struct Bot {
  std::string id, username;
};

class Gateway {
 public:
  struct Services {
    openclaw::Plugin& plugin;
    RestApi& api;
    parts::Pauses& pauses;
    const Settings& settings;
    Interactions& interactions;
    // Runs a flow beside this one, and counts it.
    std::function<void(openclaw::Flow<openclaw::Nothing>)> spawn;
  };
  explicit Gateway(Services services);

  // Until stop(), or until something is wrong that no retry mends. `started` ends when a session
  // is up, when it cannot be, or when the service is out of reach for now.
  openclaw::Flow<openclaw::Nothing> run(std::optional<openclaw::Completion> started);
  void stop();
  void cancel_start(oc_op op) { start_.cancel(op); }
  // Something that cannot go on: the host starts the account anew.
  void failed(const std::string& why);
  // The switch that the account may wait for was seen to be on.
  void intents_granted() { s_.pauses.wake(intents_pause_); }
  // The service refused the token elsewhere.
  void token_lost(const std::string& why);
  bool lost() const { return lost_; }
  const std::string& why_lost() const { return why_lost_; }
  bool token_is_wrong() const { return token_is_wrong_; }
  // The bot is known, so that it can be written with.
  bool connected() const { return !bot_.id.empty(); }
  const Bot& bot() const { return bot_; }

 private:
  enum class Next { kGoOn, kEnd };

  openclaw::Flow<Next> find_bot();
  openclaw::Flow<Next> connect_once();
  // Where to connect for a new session, once one may be begun; empty when the account ends.
  openclaw::Flow<std::string> permit_to_begin();
  // The API's answer; a good one has an address, which is kept.
  openclaw::Flow<Reply> ask_for_gateway();
  openclaw::Flow<Next> after_failure(std::string what, const Reply& reply);
  openclaw::Flow<Next> after_end(LinkEnd end, bool resumed, std::uint64_t up_ms);
  openclaw::Flow<Next> after_fatal(std::uint32_t code);
  openclaw::Flow<Next> wait_for_intents();
  openclaw::Flow<openclaw::Nothing> back_off(std::uint64_t least_ms = 0);
  openclaw::Flow<openclaw::Nothing> pause_until_drained();
  GatewayLink::Handlers handlers(bool resuming);
  void greet(GatewayLink& link, bool resuming);
  bool take(Payload payload, std::size_t bytes);
  void session_is_up();
  void start_takes_long();
  void tell_presence();

  Next give_up(oc_status status, const std::string& reason, const std::string& message);
  Next give_up_token(const std::string& why);
  void report(std::string_view state, std::string_view reason = {}, std::string_view message = {});

  Services s_;
  SessionStore store_;
  EventQueue queue_;
  std::minstd_rand random_;
  parts::StartAnswer start_;
  std::shared_ptr<GatewayLink> link_;
  Bot bot_;
  int failures_ = 0;         // connections in a row that did not last
  int failed_resumes_ = 0;   // in a row, of those that the service had greeted
  int unreached_ = 0;        // connections in a row that were not greeted
  std::string gateway_url_;  // the last one that the API named
  std::uint64_t intents_pause_ = 0, start_timer_ = 0;
  bool presence_told_ = false;  // the session shows what is configured
  bool stopping_ = false, lost_ = false, token_is_wrong_ = false;
  std::string state_, reason_, why_lost_;
};

}  // namespace discord
