#include "update_intake.h"

#include <algorithm>
#include <utility>

#include "reduced_event.h"

namespace telegram {
namespace {

using openclaw::Flow;
using openclaw::Nothing;

constexpr std::uint32_t kAnswerMs = 15'000;
constexpr std::uint64_t kHostPauseMs = 500;
constexpr std::uint64_t kLongestHostPauseMs = 60'000;

}  // namespace

json::array UpdateIntake::allowed_updates(const Settings& settings) {
  json::array out{"message", "edited_message", "channel_post", "callback_query", "my_chat_member"};
  if (settings.reactions) out.emplace_back("message_reaction");
  return out;
}

UpdateIntake::Batch UpdateIntake::read(const json::array& updates) {
  Batch out;
  for (const json::value& update : updates) {
    Parsed each = parse_update(update, s_.connection.bot(), s_.settings.account);
    out.last = std::max(out.last, each.update_id);
    // The button goes on turning until it is answered, whatever becomes of the press.
    if (!each.callback_id.empty()) s_.spawn(answer_callback(std::move(each.callback_id)));
    if (!each.group_now.empty()) {
      s_.moved.note(each.group, each.group_now);
    }
    if (each.kind == Parsed::Kind::kIgnored || each.update_id == 0) continue;
    name_former(each.event);
    pasted_.mark(each.event);
    out.offers.push_back({json::serialize(each.event)});
  }
  return out;
}

void UpdateIntake::name_former(json::object& event) const {
  json::value* where = event.if_contains("conversation");
  json::object* conversation = where == nullptr ? nullptr : where->if_object();
  const json::value* id = conversation == nullptr ? nullptr : conversation->if_contains("id");
  if (id == nullptr || !id->is_string()) return;
  std::string former = s_.moved.former(std::string(id->get_string()));
  if (!former.empty()) (*conversation)["formerId"] = std::move(former);
}

void UpdateIntake::stop() {
  const auto all = awaited_;
  for (const std::shared_ptr<Answers>& answers : all) answers->arrived();
}

Flow<UpdateIntake::Refused> UpdateIntake::offer(std::vector<Offer> offers) {
  Refused out;
  if (offers.empty()) co_return out;
  const auto answers = std::make_shared<Answers>(offers.size());
  awaited_.insert(answers);
  for (std::size_t i = 0; i < offers.size(); ++i) {
    openclaw::Ack ack = [answers, i](oc_status status) {
      answers->each[i] = status;
      if (--answers->left == 0) answers->arrived();
    };
    (void)s_.plugin.channel_host().inbound(offers[i].event, std::move(ack));
  }
  Answers& all = *answers;  // g++ 12 would wait on a copy of *answers
  co_await all;
  awaited_.erase(answers);
  for (std::size_t i = 0; i < offers.size(); ++i) {
    if (answers->each[i] != OC_OK) refused(std::move(offers[i]), answers->each[i], out);
  }
  co_return out;
}

// What the host would not have: again, or raw, or not at all, so that one update cannot stop all.
void UpdateIntake::refused(Offer offer, oc_status why, Refused& out) {
  if (why == OC_INVALID_ARGUMENT && offer.reduced) {
    s_.plugin.log().error("an update was refused by the host, also raw, and is left out");
    return;
  }
  if (why == OC_INVALID_ARGUMENT) {
    offer.event = parts::reduced_event(offer.event);
    offer.reduced = true;
  } else {
    out.why = why;
  }
  out.offers.push_back(std::move(offer));
}

Flow<bool> UpdateIntake::hand_over(std::vector<Offer> offers) {
  for (std::uint64_t pause = kHostPauseMs;; pause = std::min(pause * 2, kLongestHostPauseMs)) {
    Flow<Refused> offering = offer(std::move(offers));
    Refused left = co_await std::move(offering);
    if (left.offers.empty()) co_return true;
    offers = std::move(left.offers);
    if (s_.connection.stopping()) co_return false;
    s_.plugin.log().warn(std::to_string(offers.size()) +
                         " updates could not be stored; they are offered again");
    Flow<Nothing> waiting = s_.pauses.wait(pause);
    co_await std::move(waiting);
    if (s_.connection.stopping()) co_return false;
  }
}

Flow<oc_status> UpdateIntake::hand_over_once(std::vector<Offer> offers) {
  while (!offers.empty()) {
    Flow<Refused> offering = offer(std::move(offers));
    Refused left = co_await std::move(offering);
    if (left.why != OC_OK) co_return left.why;
    offers = std::move(left.offers);  // raw now: at most one more round
  }
  co_return OC_OK;
}

Flow<Nothing> UpdateIntake::answer_callback(std::string id) {
  json::object params{{"callback_query_id", std::move(id)}};
  BotApi::Options options;
  options.timeout_ms = kAnswerMs;
  Flow<Reply> flow = s_.api.call("answerCallbackQuery", std::move(params), options);
  (void)co_await std::move(flow);  // too late is no harm
  co_return Nothing{};
}

}  // namespace telegram
