// Sender: everything the account says. One channel's messages go out one at a time and in order;
// what the service refuses for a reason that can be mended is mended and sent. A message carries a
// nonce that follows from the outbox's key, so that a repeat is answered with the first message;
// after the minutes for which that holds, the channel itself is looked at before anything is sent
// again. Strand only.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include <openclaw/plugin.hpp>

#include "flow.h"
#include "interactions.h"
#include "outgoing.h"
#include "pauses.h"
#include "rest_api.h"
#include "settings.h"

namespace discord {

class Sender {
 public:
  struct Services {
    openclaw::Plugin& plugin;
    RestApi& api;
    const Settings& settings;
    Interactions& interactions;
    std::function<std::string()> bot_id;
    std::function<void(const std::string& why)> token_lost;
  };
  explicit Sender(Services services) : s_(std::move(services)) {}

  // Each ends its Completion. The caller keeps the flow's count.
  openclaw::Flow<openclaw::Nothing> say(openclaw::Completion done, std::string payload,
                                        bool is_edit);
  openclaw::Flow<openclaw::Nothing> remove(openclaw::Completion done, std::string payload);
  openclaw::Flow<openclaw::Nothing> react(openclaw::Completion done, std::string payload);
  openclaw::Flow<openclaw::Nothing> presence(openclaw::Completion done, std::string payload);
  void cancel(oc_op op);
  // Ends every wait; calls under way are the RestApi's to end.
  void close();

 private:
  struct Job {
    explicit Job(openclaw::Completion c) : done(std::move(c)) {}
    openclaw::Completion done;
    std::string channel, lane;
    parts::Turnstile::Ticket ticket;
    CallHold hold;
  };
  using JobPtr = std::shared_ptr<Job>;
  // While an operation is under way: it can be cancelled, and its channel's next one waits.
  class Stay {
   public:
    Stay(Sender& sender, JobPtr job);
    Stay(const Stay&) = delete;
    Stay& operator=(const Stay&) = delete;
    ~Stay();

   private:
    Sender& sender_;
    JobPtr job_;
    const oc_op op_;
  };
  // How one message went: the one that shows it, or the service's answer.
  struct Put {
    Reply reply;
    std::string message_id = {};
  };
  using PutFlow = openclaw::Flow<Put>;

  openclaw::Flow<openclaw::Nothing> run(JobPtr job, Outgoing message);
  openclaw::Flow<Reply> find_channel(JobPtr job, Target target);
  // The content of one message.
  struct Parcel {
    json::object body;
    std::vector<parts::FormFile> files = {};
  };
  PutFlow put(JobPtr job, const Outgoing& message, std::size_t index);
  PutFlow show(JobPtr job, const Outgoing& message, std::size_t index, Parcel parcel);
  PutFlow post(JobPtr job, Parcel parcel);
  // Nothing is sent, and the id is empty, when there is no such interaction to be answered.
  PutFlow answer(JobPtr job, std::string interaction_id, Parcel parcel);
  PutFlow edit(JobPtr job, std::string message_id, Parcel parcel);
  openclaw::Flow<Reply> ask(JobPtr job, Call call, const Parcel& parcel);
  PutFlow seen_already(JobPtr job, std::string nonce, std::string text, std::int64_t since_ms);
  // A call that is neither queued nor repeated.
  openclaw::Flow<openclaw::Nothing> simple(openclaw::Completion done, Target target, Call call,
                                           std::function<bool(const Reply&)> as_good);
  openclaw::Flow<Reply> own_reactions(JobPtr job, std::string message_id);

  json::object body_of(const Outgoing& message, std::size_t index) const;
  Parcel parcel_of(const Outgoing& message, std::size_t index) const;
  void note_progress(Job& job, const Outgoing& message, std::size_t sent, const std::string& first);
  RestApi::Options options_for(Job& job) const;
  void fail(Job& job, const Reply& reply);
  bool is_closed_to_us(const std::string& channel);

  Services s_;
  std::map<oc_op, JobPtr> jobs_;
  std::map<std::string, parts::Turnstile> lanes_;  // by channel, or by person
  std::map<std::string, std::string> chats_;       // by person: the direct chat
  std::map<std::string, std::uint64_t> refused_;   // by channel: when it was last refused with 403
  bool closed_ = false;
};

}  // namespace discord
