// The turn of a message that was let in: its place among the turns that run at once, what the agent
// is asked, and the draft that is shown meanwhile.
#include <algorithm>
#include <utility>

#include <spdlog/spdlog.h>

#include "channel/intake.h"
#include "json_fields.h"
#include "session/session_key.h"

namespace openclaw::channel {
namespace {

constexpr std::size_t kMaxTurns = 4;

// The person's words, and what they point at, which the agent cannot see otherwise.
std::string text_for_agent(const json::object& event) {
  std::string text = string_or(event, "text", "");
  const std::string note = unfetchable_note(event);
  text += text.empty() && !note.empty() ? note.substr(1) : note;
  const json::object& replied = object_of(event, "replyTo");
  const std::string quoted = string_or(replied, "text", "");
  if (!quoted.empty() && !text.starts_with('/')) {
    const std::string who = bool_or(replied, "toSelf", false)
                                ? "you"
                                : string_or(object_of(replied, "sender"), "name", "someone");
    text += "\n[in reply to " + who + ": \"" + quoted + "\"]";
  }
  return text;
}

Awaitable<Result<void>> note_effects(Store& store, std::int64_t id) {
  auto noted = co_await store.mark_effects(id);
  if (noted.has_error()) co_return noted.error();
  co_return Result<void>();
}

bool streaming_on(const json::object& config) {
  for (const char* key : {"streaming", "streamMode"}) {
    const json::value* v = config.if_contains(key);
    if (v == nullptr) continue;
    if (v->is_bool()) return v->get_bool();
    if (v->is_string()) return v->get_string() != "off";
  }
  return true;
}

}  // namespace

std::string Intake::run_id_of(const InboxRow& row) {
  return row.instance + ":" + row.event_id;
}

agent::TurnRequest Intake::turn_request(const InboxRow& row, const Admitted& admitted) {
  const json::object& conversation = object_of(row.event, "conversation");
  const json::object& sender = object_of(row.event, "sender");
  agent::TurnRequest request;
  request.run_id = run_id_of(row);
  request.session_key = admitted.session_key;
  request.text = text_with_notes(text_for_agent(row.event), admitted.notes);
  request.files = media_.files_of(row);
  request.steer = false;  // what goes into a running turn is steer()'s to say
  request.resume = row.state == InboxState::kRunning;
  request.tools_ran = row.effects;
  request.before_tools = [&store = store_, id = row.id]() -> Awaitable<Result<void>> {
    return note_effects(store, id);
  };
  request.limits.abort = stopping_.signal();
  agent::TurnOrigin& origin = request.origin;
  origin.kind = agent::TurnOrigin::Kind::kChannel;
  origin.channel = admitted.account->plan.channel;
  origin.account = admitted.account->plan.account;
  origin.chat_type = string_or(conversation, "type", "");
  origin.to = string_or(conversation, "id", "");
  origin.thread_id = string_or(conversation, "threadId", "");
  if (origin.chat_type != "direct") origin.group_id = known_id(row, *admitted.account);
  origin.sender_id = string_or(sender, "id", "");
  origin.sender_name = string_or(sender, "name", "");
  origin.sender_username = string_or(sender, "username", "");
  origin.is_owner = admitted.access.is_owner;
  origin.may_command = admitted.access.may_command;
  return request;
}

ReplyDraft::Plan Intake::draft_plan(const InboxRow& row, const Account& account) const {
  const ChannelTraits& traits = account.plan.traits;
  ReplyDraft::Plan plan;
  plan.instance = row.instance;
  plan.conversation = object_of(row.event, "conversation");
  plan.reply_to = reply_target(row, account);
  plan.question_id = string_or(row.event, "messageId", "");
  plan.inbox_id = row.id;
  const bool unknown = row.draft == kDraftUnknown;
  plan.message_id = unknown ? "" : row.draft;
  plan.may_begin = [&delivery = delivery_, lane = row.lane] { return !delivery.is_busy(lane); };
  plan.reply_key = key_of(row, "reply");
  plan.typing_interval_ms = traits.typing_interval_ms;
  const json::object config =
      account_config(*config_.current(), account.plan.channel, account.plan.account);
  // Beside a draft that nobody knows how to edit there must not be a second one.
  if (streaming_on(config) && !unknown) {
    const bool direct = string_or(plan.conversation, "type", "") == "direct";
    plan.edit_interval_ms = direct ? traits.stream_interval_ms : traits.stream_group_interval_ms;
  }
  plan.min_chars = traits.stream_min_chars;
  return plan;
}

std::size_t Intake::most_turns() const {
  return static_cast<std::size_t>(std::clamp<std::int64_t>(
      config_.current()->get_int("agents.defaults.maxConcurrent", kMaxTurns), 1, 64));
}

Awaitable<bool> Intake::acquire_turn() {
  const std::size_t most = most_turns();
  while (turns_ >= most && !stopping_.aborted()) {
    auto event = std::make_shared<Event>(runtime_);
    turn_waiters_.push_back(event);
    (void)co_await event->wait(Deadline::never());
  }
  if (stopping_.aborted()) co_return false;
  ++turns_;
  co_return true;
}

void Intake::release_turn() {
  --turns_;
  if (turn_waiters_.empty()) return;
  const auto next = turn_waiters_.front();
  turn_waiters_.pop_front();
  next->set();
}

void Intake::note_start(const InboxRow& row, Account& account) {
  if (row.came == std::chrono::steady_clock::time_point()) return;  // of the process before
  account.start_times.add(row.stored - row.came, std::chrono::steady_clock::now() - row.came);
}

bool Intake::begin_at_once(InboxRow& row) {
  const auto account = accounts_.find(row.instance);
  if (!account || stopping_.aborted() || turns_ >= most_turns()) return false;
  if (string_or(row.event, "kind", "") != "message" || lanes_.contains(row.lane)) return false;
  // One that is a part of more is not begun before the whole is there.
  if (!string_or(row.event, "groupId", "").empty() || burst_quiet(row, *account) > 0) return false;
  if (is_abort_word(string_or(row.event, "text", ""))) return false;
  lanes_[row.lane];
  row.begun = true;
  row.run_id = run_id_of(row);
  return true;
}

void Intake::forgo(const InboxRow& row) {
  const auto lane = lanes_.find(row.lane);
  if (lane != lanes_.end() && lane->second.rows.empty() && !lane->second.draining)
    lanes_.erase(lane);
}

Awaitable<> Intake::begin_on_disk(const InboxRow& row, const Admitted& admitted,
                                  std::string run_id) {
  if (row.begun && admitted.parts.empty()) {
    store_.record_begun(row.id, admitted.heard);
    co_return;
  }
  std::vector<std::int64_t> ids{row.id};
  std::vector<Heard> heard{admitted.heard};
  for (const InboxRow& part : admitted.parts) {
    ids.push_back(part.id);
    heard.push_back(heard_from(part.instance, part.event));
  }
  auto started = co_await store_.start_inbox(std::move(ids), std::move(run_id), std::move(heard));
  if (started.has_error()) spdlog::error("channel {}: {}", row.instance, started.error().message);
}

Awaitable<> Intake::run_turn(InboxRow row, Admitted admitted) {
  if (!co_await acquire_turn()) co_return;  // the row waits for the next start
  struct Release {
    Intake& intake;
    Account& account;
    ~Release() {
      --account.active_runs;
      intake.release_turn();
    }
  };
  ++admitted.account->active_runs;
  const Release release{*this, *admitted.account};
  admitted.notes = take_notes(row);
  agent::TurnRequest request = turn_request(row, admitted);
  const std::string run_id = request.run_id;
  auto steering = std::make_shared<Steering>(Steering{row.lane,
                                                      request.origin.sender_id,
                                                      admitted.session_key,
                                                      admitted.account,
                                                      admitted.access,
                                                      {},
                                                      row.id});
  request.more = [this, steering] { return steer(steering); };
  Lane& lane = lanes_[row.lane];
  co_await begin_on_disk(row, admitted, run_id);
  if (lane.stopped == row.id) {
    co_await finish_parts(std::move(admitted.notes), "noted");
    co_await finish_parts(std::move(admitted.parts), "stopped");
    co_await finish(std::move(row), "stopped", {});
    co_return;
  }
  auto draft =
      std::make_shared<ReplyDraft>(runtime_, accounts_, store_, draft_plan(row, *admitted.account));
  drafts_[run_id] = draft;
  scope_.spawn("typing", ReplyDraft::keep_typing(draft));
  scope_.spawn("draft", ReplyDraft::keep_streaming(draft));
  if (!is_known_command(request.text)) lane.after_turn = true;
  lane.run_id = run_id;
  note_start(row, *admitted.account);
  agent::TurnResult result = co_await agents_.run(std::move(request));
  lane.run_id.clear();
  drafts_.erase(run_id);
  co_await draft->end();
  // Cut by our own stop: the row stays, and the next start goes on.
  if (stopping_.aborted() && result.status != "ok") co_return;
  co_await finish_parts(std::exchange(admitted.notes, {}), "noted");
  co_await finish_parts(std::exchange(admitted.parts, {}), "joined");
  co_await finish_parts(std::exchange(steering->taken, {}), "steered");
  if (result.status == "cut") {
    co_await report_cut(std::move(row));
    co_return;
  }
  co_await conclude(std::move(row), std::move(admitted), std::move(result), std::move(draft));
}

// A command, while a turn runs in its conversation. After a crash it has its place in the lane.
Awaitable<> Intake::answer_beside(InboxRow row) {
  Admitted admitted;
  admitted.account = accounts_.find(row.instance);
  if (admitted.account) admitted.access = co_await decide(row, admitted.account);
  if (!admitted.account || admitted.access.verdict != Access::Verdict::kAllow ||
      !admitted.access.may_command) {
    enqueue(std::move(row));
    co_return;
  }
  admitted.session_key = session_of(row, *admitted.account);
  std::vector<std::int64_t> ids{row.id};
  std::vector<Heard> heard{heard_from(row.instance, row.event)};
  auto started = co_await store_.start_inbox(std::move(ids), run_id_of(row), std::move(heard));
  if (started.has_error()) spdlog::error("channel {}: {}", row.instance, started.error().message);
  agent::TurnRequest request = turn_request(row, admitted);
  agent::TurnResult result = co_await agents_.run(std::move(request));
  if (stopping_.aborted() && result.status != "ok") co_return;
  auto draft =
      std::make_shared<ReplyDraft>(runtime_, accounts_, store_, draft_plan(row, *admitted.account));
  co_await conclude(std::move(row), std::move(admitted), std::move(result), std::move(draft));
}

}  // namespace openclaw::channel
