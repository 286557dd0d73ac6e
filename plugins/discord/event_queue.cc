#include "event_queue.h"

#include <algorithm>
#include <utility>

#include "reduced_event.h"

namespace discord {
namespace {

using openclaw::Flow;
using openclaw::Nothing;

constexpr std::size_t kMostQueued = 2'000;
constexpr std::size_t kMostQueuedBytes = 32U << 20;
constexpr std::size_t kBatch = 64;
constexpr std::uint64_t kFirstPauseMs = 500;
constexpr std::uint64_t kLongestPauseMs = 60'000;
constexpr std::uint64_t kLongestAskPauseMs = 15'000;
constexpr std::uint64_t kSaveEveryMs = 5'000;  // when nothing came that the host has to store
constexpr int kTries = 4;

bool is_message(std::string_view type) {
  return type == "MESSAGE_CREATE" || type == "MESSAGE_UPDATE";
}

// A replayed event has the same one.
std::string replay_key(const Dispatch& dispatch) {
  return dispatch.session_id + ":" + std::to_string(dispatch.seq);
}

}  // namespace

bool EventQueue::push(Dispatch dispatch) {
  const std::size_t bytes = waiting_bytes_ + dispatch.bytes;
  if (waiting_.size() >= kMostQueued || (bytes > kMostQueuedBytes && !waiting_.empty()))
    return false;
  waiting_bytes_ = bytes;
  waiting_.push_back(std::move(dispatch));
  if (more_ != nullptr) more_->arrived();
  return true;
}

void EventQueue::drop_waiting() {
  waiting_.clear();
  waiting_bytes_ = 0;
}

void EventQueue::stop() {
  stopping_ = true;
  if (more_ != nullptr) more_->arrived();
  if (const std::shared_ptr<Answers> awaited = awaited_) awaited->arrived();
}

Flow<Nothing> EventQueue::wait_for_more() {
  openclaw::Waiter more;
  more_ = &more;
  co_await more;
  more_ = nullptr;
  co_return Nothing{};
}

Flow<Nothing> EventQueue::run(std::string bot_id) {
  directory_ = Directory(std::move(bot_id));
  for (const auto& [id, seen] : s_.store.last_seen()) {
    if (!seen.guild_id.empty() && !seen.parent_id.empty())
      directory_.add_channel(id, Channel{seen.guild_id, seen.parent_id, "", false, false});
  }
  while (!stopping_) {
    if (waiting_.empty()) {
      Flow<Nothing> waiting = wait_for_more();
      co_await std::move(waiting);
      continue;
    }
    std::vector<Dispatch> batch;
    while (!waiting_.empty() && batch.size() < kBatch) {
      waiting_bytes_ -= std::min(waiting_bytes_, waiting_.front().bytes);
      batch.push_back(std::move(waiting_.front()));
      waiting_.pop_front();
    }
    handing_over_ = true;
    Flow<bool> handling = handle(std::move(batch));
    (void)co_await std::move(handling);
    handing_over_ = false;
  }
  Flow<Nothing> saving = s_.store.save();
  co_return co_await std::move(saving);
}

// False when the account stops before all of it is in the host's hands.
Flow<bool> EventQueue::handle(std::vector<Dispatch> batch) {
  std::vector<Offer> offers;
  for (const Dispatch& dispatch : batch) {
    if (dispatch.type == "READY") {
      // A new session knows nothing of what came before it: that is older, so it goes first.
      Flow<bool> catching = catch_up();
      if (!co_await std::move(catching)) co_return false;
    }
    Flow<Nothing> reading = read(dispatch, offers);
    co_await std::move(reading);
    if (stopping_) co_return false;
  }
  const bool any = !offers.empty();
  Flow<bool> handing = hand_over(std::move(offers));
  if (!co_await std::move(handing)) co_return false;
  for (const Dispatch& dispatch : batch) s_.store.commit(dispatch.session_id, dispatch.seq);
  if (any || clock_ms() > saved_at_ms_ + kSaveEveryMs) {
    saved_at_ms_ = clock_ms();
    Flow<Nothing> saving = s_.store.save();
    co_await std::move(saving);
  }
  co_return true;
}

Flow<Nothing> EventQueue::read(const Dispatch& dispatch, std::vector<Offer>& offers) {
  if (dispatch.type == "INTERACTION_CREATE") {
    // It brings its channel along, which may be a thread that nobody wrote in before.
    const json::object* interaction = dispatch.data.if_object();
    const json::object* channel =
        interaction == nullptr ? nullptr : parts::object_in(*interaction, "channel");
    if (channel != nullptr)
      directory_.add_channel(*channel, parts::text_in(*interaction, "guild_id"));
    const Parsed parsed = parse_interaction(dispatch.data, directory_, s_.settings.account);
    if (parsed.kind == Parsed::Kind::kEvent) offers.push_back({json::serialize(parsed.event), {}});
    co_return Nothing{};
  }
  if (dispatch.type == "MESSAGE_REACTION_ADD") {
    Flow<Nothing> reading = read_reaction(dispatch, offers);
    co_return co_await std::move(reading);
  }
  if (!is_message(dispatch.type)) {
    directory_.learn(dispatch.type, dispatch.data);
    co_return Nothing{};
  }
  Flow<Nothing> reading = read_message(dispatch.type, dispatch.data, replay_key(dispatch), offers);
  co_return co_await std::move(reading);
}

Flow<Nothing> EventQueue::read_message(std::string type, const json::value& message,
                                       std::string key, std::vector<Offer>& offers) {
  Unknown unknown = unknown_in(message, directory_);
  if (!unknown.channel_id.empty() || !unknown.guild_id.empty()) {
    Flow<Nothing> learning = learn(std::move(unknown));
    co_await std::move(learning);
  }
  add_offer(type, message, key, offers);
  co_return Nothing{};
}

// A busy server has far more reactions than messages: what nobody wants to know is not stored.
Flow<Nothing> EventQueue::read_reaction(const Dispatch& dispatch, std::vector<Offer>& offers) {
  const std::string key = replay_key(dispatch);
  Parsed parsed = parse_reaction(dispatch.data, directory_, s_.settings.account, key);
  if (parsed.kind != Parsed::Kind::kEvent) co_return Nothing{};
  const bool to_others = !parts::bool_in(parsed.event, "toSelf", true);
  if (to_others && !s_.settings.reactions_to_others) co_return Nothing{};
  if (directory_.channel(parsed.channel_id) == nullptr) {
    Unknown unknown;
    unknown.channel_id = parsed.channel_id;
    Flow<Nothing> learning = learn(std::move(unknown));
    co_await std::move(learning);
    parsed = parse_reaction(dispatch.data, directory_, s_.settings.account, key);
  }
  offers.push_back({json::serialize(parsed.event), {}});
  co_return Nothing{};
}

void EventQueue::add_offer(std::string_view type, const json::value& message,
                           const std::string& key, std::vector<Offer>& offers) {
  Parsed parsed = parse_message(type, message, directory_, s_.settings.account, key);
  if (parsed.kind == Parsed::Kind::kIgnored) return;
  Offer offer;
  offer.event = json::serialize(parsed.event);
  if (type == "MESSAGE_CREATE") {
    offer.channel_id = std::move(parsed.channel_id);
    offer.seen = {std::move(parsed.message_id), std::move(parsed.guild_id),
                  std::move(parsed.parent_id)};
  }
  offers.push_back(std::move(offer));
}

// A call that is tried again for a while when the service is out of reach, or wants a pause.
Flow<Reply> EventQueue::ask(Call call, bool large, std::uint64_t until_ms) {
  RestApi::Options options;
  options.large = large;
  std::uint64_t pause = kFirstPauseMs;
  for (int tries = 1;; ++tries, pause = std::min(pause * 2, kLongestAskPauseMs)) {
    Flow<Reply> asking = s_.api.call(call, options);
    Reply reply = co_await std::move(asking);
    if (reply.ok() || (reply.refused() && !reply.limited()) || stopping_) co_return reply;
    if (tries >= kTries && clock_ms() >= until_ms) co_return reply;
    const std::uint64_t wanted = std::min(reply.retry_after_ms, kLongestPauseMs);
    Flow<Nothing> waiting = s_.pauses.wait(std::max(pause, wanted));
    co_await std::move(waiting);
    if (stopping_) co_return reply;
  }
}

Flow<Nothing> EventQueue::learn(Unknown unknown) {
  if (!unknown.channel_id.empty()) {
    Flow<Reply> asking = ask(channel_call("GET", unknown.channel_id, "", ""), false);
    const Reply reply = co_await std::move(asking);
    if (const json::object* channel = reply.result.if_object()) directory_.add_channel(*channel);
  }
  if (!unknown.guild_id.empty()) {
    Call call;
    call.path = "/guilds/" + unknown.guild_id + "/roles";
    call.route = {"GET /guilds/:id/roles", unknown.guild_id};
    Flow<Reply> asking = ask(std::move(call), true);
    const Reply reply = co_await std::move(asking);
    const json::array none;
    const json::array* roles = reply.result.if_array();
    if (reply.ok() || reply.refused())
      directory_.add_roles(unknown.guild_id, roles == nullptr ? none : *roles);
  }
  co_return Nothing{};
}

// Offers each until the host has it. False when the account stops before.
Flow<bool> EventQueue::hand_over(std::vector<Offer> offers) {
  for (std::uint64_t pause = kFirstPauseMs; !offers.empty();
       pause = std::min(pause * 2, kLongestPauseMs)) {
    const auto answers = std::make_shared<Answers>(offers.size());
    awaited_ = answers;
    for (std::size_t i = 0; i < offers.size(); ++i) {
      openclaw::Ack ack = [answers, i](oc_status status) {
        answers->each[i] = status;
        if (--answers->left == 0) answers->arrived();
      };
      (void)s_.plugin.channel_host().inbound(offers[i].event, std::move(ack));
    }
    Answers& all = *answers;  // g++ 12 would wait on a copy of *answers
    co_await all;
    awaited_.reset();
    std::vector<Offer> again;
    for (std::size_t i = 0; i < offers.size(); ++i) {
      if (answers->each[i] == OC_OK) {
        if (!offers[i].channel_id.empty() && !offers[i].seen.message_id.empty())
          s_.store.note_message(offers[i].channel_id, offers[i].seen);
      } else {
        refused(std::move(offers[i]), answers->each[i], again);
      }
    }
    offers = std::move(again);
    if (offers.empty()) break;
    if (stopping_) co_return false;
    s_.plugin.log().warn(std::to_string(offers.size()) +
                         " messages could not be stored; they are offered again");
    Flow<Nothing> waiting = s_.pauses.wait(pause);
    co_await std::move(waiting);
    if (stopping_) co_return false;
  }
  co_return true;
}

// What the host would not have: again, or raw, or not at all, so that one event cannot stop all.
void EventQueue::refused(Offer offer, oc_status why, std::vector<Offer>& again) {
  if (why == OC_INVALID_ARGUMENT && offer.reduced) {
    s_.plugin.log().error("a message was refused by the host, also raw, and is left out");
    return;
  }
  if (why == OC_INVALID_ARGUMENT) {
    offer.event = parts::reduced_event(offer.event);
    offer.reduced = true;
  }
  again.push_back(std::move(offer));
}

}  // namespace discord
