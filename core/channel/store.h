// Store: the durable inbox and outbox of all channels, <state>/channels.db.
//
// Inbox: queued -> running -> done; running from the first when its turn can begin at once. An
// event is in the inbox before its platform hears that it was received; (instance, event id) is
// unique, so an event that comes twice is stored once, also across restarts. Outbox: queued ->
// sending -> sent | ambiguous | dead. A reply is stored in the transaction that finishes its inbox
// row, so there is neither a finished row without its reply nor a reply twice. What was given up
// stays for a week: people look it up, send it again (`queued` anew) or drop it. `sending` is
// written before the plugin is called: what is found in that state after a crash may or may not
// have gone out; it is sent again, and `ambiguous` counts such tries.
//
// An inbox row loses its text when it ends. Of messages that access let in a bounded record stays
// beside it: conversation_record.h.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "channel/conversation_record.h"
#include "channel/database.h"

namespace openclaw::channel {

enum class InboxState : std::int64_t { kQueued = 0, kRunning = 1, kDone = 2 };
enum class OutboxState : std::int64_t {
  kQueued = 0,
  kSending = 1,
  kSent = 2,
  kAmbiguous = 3,
  kDead = 4,
  kDropped = 5  // by hand
};

struct InboxRow {
  std::int64_t id = 0;
  std::string instance, event_id, lane;
  json::object event;
  InboxState state = InboxState::kQueued;
  std::string run_id;
  std::int64_t attempts = 0;
  bool effects = false;  // a tool ran in this row's turn: running it again could repeat them
  std::string draft;     // message id of the streamed draft; empty = none; see kDraftUnknown
  std::int64_t received_ms = 0;
  // In this process; not on disk. `begun`: stored as running, with its run id, while `state` says
  // what is true of it, that no turn has had it yet.
  bool begun = false;
  std::chrono::steady_clock::time_point came = {}, stored = {};
};

struct OutboxRow {
  std::int64_t id = 0;
  std::string instance, lane, idempotency_key;
  json::object message;   // the plugin's `send` payload
  json::object progress;  // what a partial send has reported
  OutboxState state = OutboxState::kQueued;
  std::int64_t attempts = 0;
  std::int64_t ambiguous = 0;  // tries that ended without an answer: each may have been seen
  std::int64_t created_ms = 0, not_before_ms = 0, expires_ms = 0;
  std::string message_id, error;
  bool begun = false;  // stored as `sending` from the first; not on disk
};

struct Added {
  std::int64_t id = 0;
  bool duplicate = false;
};

class Store {
 public:
  using Clock = std::function<std::int64_t()>;  // ms since the epoch
  Store(Runtime& runtime, Clock clock) : database_(runtime), clock_(std::move(clock)) {}

  Result<void> open(const std::filesystem::path& path, std::string& set_aside);  // blocks
  void close() { database_.close(); }                                            // blocks

  Awaitable<Result<Added>> add_inbound(InboxRow row);
  Awaitable<Result<std::vector<InboxRow>>> unfinished();
  // One run for all of them, in one transaction: a restart finds them together (run_id). `heard`:
  // of each, what goes on record, since access let it in; or of none.
  Awaitable<Result<bool>> start_inbox(std::vector<std::int64_t> ids, std::string run_id,
                                      std::vector<Heard> heard = {});
  // Puts a message on record that was stored as begun. On disk with what is stored next.
  void record_begun(std::int64_t id, Heard heard);
  Awaitable<Result<bool>> mark_effects(std::int64_t id);
  Awaitable<Result<bool>> set_draft(std::int64_t id, std::string message_id);
  Awaitable<Result<bool>> replace_event(std::int64_t id, json::object event);
  // Marks the row done and stores its replies in one transaction, as `sending` those that say
  // `begun`. Answers the replies as stored; `begun` is left of those that were new.
  Awaitable<Result<std::vector<OutboxRow>>> finish_inbox(std::int64_t id, std::string outcome,
                                                         std::vector<OutboxRow> replies);
  // A row with the same idempotency key is answered as it is, and nothing is added.
  Awaitable<Result<OutboxRow>> add_outbox(OutboxRow row);
  Awaitable<Result<std::vector<OutboxRow>>> undelivered();
  Awaitable<Result<OutboxRow>> outbox_row(std::int64_t id);
  // What is neither sent nor dropped, the newest first: at most so many of those before an id.
  Awaitable<Result<std::vector<OutboxRow>>> unsent(std::int64_t before_id, std::int64_t most);
  // One that was given up waits again, with a new lifetime and the key it had. Its tries of unknown
  // end count as one.
  Awaitable<Result<bool>> set_again(std::int64_t id);
  // False: it was sent meanwhile, or dropped before.
  Awaitable<Result<bool>> set_dropped(std::int64_t id);
  Awaitable<Result<bool>> set_sending(std::int64_t id);
  Awaitable<Result<bool>> set_progress(std::int64_t id, json::object progress);
  // The lane that a message of ours went to; empty when it is none of the last week. `near`: a lane
  // of the same conversation, whatever its thread. Of a text in pieces only the first one is known.
  Awaitable<Result<std::string>> lane_of_sent(std::string instance, std::string near,
                                              std::string message_id);
  // Rows that a restart found `sending` and that their platform would show twice: they wait again,
  // with one more try of unknown end. One commit for all.
  Awaitable<Result<bool>> set_cut(std::vector<std::int64_t> ids, std::string error);
  Awaitable<Result<bool>> set_sent(std::int64_t id, std::string message_id);
  Awaitable<Result<bool>> set_waiting(std::int64_t id, std::int64_t not_before_ms, bool ambiguous,
                                      std::string error);
  Awaitable<Result<bool>> set_final(std::int64_t id, OutboxState state, std::string error);
  // Ends replies that are older than their lifetime and forgets what ended long ago. Answers how
  // many outbox rows expired. Messages that waited too long are ended by Intake, which says so.
  Awaitable<Result<std::int64_t>> prune();

  // The record of conversations: see conversation_record.h. What the bot said is read from the
  // outbox, but for pairing codes.
  Awaitable<Result<std::vector<RecordedMessage>>> messages_of(RecordQuery query);
  // A message that is on record was changed, or deleted by hand.
  Awaitable<Result<bool>> amend(std::string instance, std::string chat, std::string message_id,
                                std::string text);
  Awaitable<Result<bool>> forget(std::string instance, std::string chat, std::string message_id);
  // Of one account, the last seen first.
  Awaitable<Result<std::vector<Peer>>> peers(std::string instance);

  // {"inbox":{"queued","running"},"outbox":{"queued","sending","ambiguous","dead"}}
  Awaitable<Result<json::object>> counts();

  std::int64_t now() const { return clock_(); }
  std::uint64_t commits() const { return database_.commits(); }

 private:
  Awaitable<Result<bool>> change(const char* sql, std::vector<Connection::Value> values);
  Database database_;
  Clock clock_;
};

// In InboxRow::draft: a draft was being sent, and what came of it is not known.
inline constexpr const char* kDraftUnknown = "?";

// How long an entry may wait before it is dropped with a note instead of being handled late.
inline constexpr std::int64_t kEntryLifetimeMs = 24LL * 60 * 60 * 1000;

}  // namespace openclaw::channel
