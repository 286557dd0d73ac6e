// EventQueue: gateway events on their way into the host, in order. The number from which the
// service would replay moves only after the host has said of everything before it that it is on
// disk. Strand only.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <openclaw/plugin.hpp>

#include "directory.h"
#include "flow.h"
#include "message_event.h"
#include "pauses.h"
#include "rest_api.h"
#include "session_store.h"
#include "settings.h"

namespace discord {

struct Dispatch {
  std::string session_id;
  std::int64_t seq = 0;
  std::string type;
  json::value data;
  std::size_t bytes = 0;  // as it came, for the bound
};

class EventQueue {
 public:
  struct Services {
    openclaw::Plugin& plugin;
    RestApi& api;
    parts::Pauses& pauses;
    const Settings& settings;
    SessionStore& store;
  };
  explicit EventQueue(Services services) : s_(std::move(services)), directory_("") {}

  // False: too much waits already. What is not taken is replayed by a resumed connection.
  bool push(Dispatch dispatch);
  // A resumed session replays what the host does not have, so what waits is let go.
  void drop_waiting();
  bool busy() const { return handing_over_ || !waiting_.empty(); }

  // Until stop().
  openclaw::Flow<openclaw::Nothing> run(std::string bot_id);
  void stop();

 private:
  // One event on its way into the host.
  struct Offer {
    std::string event;
    std::string channel_id;  // empty: not to be remembered
    LastSeen seen = {};
    bool reduced = false;  // to its raw text, since the host would not have it otherwise
  };
  // The host's answers to several offers. Shared with the acks: they may come after stop() has
  // ended the wait.
  struct Answers : openclaw::Waiter {
    explicit Answers(std::size_t count) : left(count), each(count, OC_UNAVAILABLE) {}
    std::size_t left;
    std::vector<oc_status> each;
  };

  openclaw::Flow<openclaw::Nothing> wait_for_more();
  openclaw::Flow<bool> handle(std::vector<Dispatch> batch);
  openclaw::Flow<openclaw::Nothing> read(const Dispatch& dispatch, std::vector<Offer>& offers);
  openclaw::Flow<openclaw::Nothing> read_reaction(const Dispatch& dispatch,
                                                  std::vector<Offer>& offers);
  // Learns first what has to be known for it.
  openclaw::Flow<openclaw::Nothing> read_message(std::string type, const json::value& message,
                                                 std::string key, std::vector<Offer>& offers);
  void add_offer(std::string_view type, const json::value& message, const std::string& key,
                 std::vector<Offer>& offers);
  openclaw::Flow<openclaw::Nothing> learn(Unknown unknown);
  // Until `until_ms` of the monotonic clock, and some times in any case.
  openclaw::Flow<Reply> ask(Call call, bool large, std::uint64_t until_ms = 0);
  openclaw::Flow<bool> hand_over(std::vector<Offer> offers);
  void refused(Offer offer, oc_status why, std::vector<Offer>& again);
  // What was written while no session was there to replay it.
  openclaw::Flow<bool> catch_up();
  openclaw::Flow<bool> catch_up_channel(std::string channel_id, LastSeen seen,
                                        std::uint64_t until_ms);
  // The history does not say what the service knows of an author in the server: name and roles.
  openclaw::Flow<openclaw::Nothing> add_member(json::object& message, const std::string& guild_id);

  Services s_;
  Directory directory_;
  std::deque<Dispatch> waiting_;
  std::size_t waiting_bytes_ = 0;
  openclaw::Waiter* more_ = nullptr;
  std::shared_ptr<Answers> awaited_;
  std::map<std::string, json::value> members_;  // while missed messages are read: by server and id
  std::uint64_t saved_at_ms_ = 0;
  bool handing_over_ = false, stopping_ = false;
};

}  // namespace discord
