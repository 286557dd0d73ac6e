// Delivery: brings outbox rows to their platforms. One ordered lane for each conversation, lanes in
// parallel. A row is `sending` on disk before the plugin is called and `sent` after its answer, so
// at every moment the disk says what may have gone out. Loop thread only.
#pragma once

#include <list>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "async/task_scope.h"
#include "channel/accounts.h"
#include "channel/reply_media.h"
#include "channel/store.h"

namespace openclaw::channel {

// Whether a send that failed with this code may still be seen. See PAYLOADS.md, channel.
bool may_have_been_sent(Code code);

class Delivery {
 public:
  Delivery(Runtime& runtime, Store& store, Accounts& accounts, ReplyMedia& media)
      : runtime_(runtime), store_(store), accounts_(accounts), media_(media), scope_(runtime) {}

  // Nothing stands between this row and its platform: stored as `sending`, it needs no commit more.
  bool sends_at_once(const OutboxRow& row) const;
  // A row that is in the store already.
  void enqueue(OutboxRow row);
  // What a restart found.
  Awaitable<> resume(std::vector<OutboxRow> rows);
  void account_up(const std::string& instance);
  // The conversation is gone (blocked, removed): its rows become dead letters.
  void drop_lane(const std::string& lane, const std::string& reason);
  // A row that waits for its time is tried now.
  void hurry(std::int64_t id);
  // Takes a row that waits out of its lane. False: it is being sent.
  bool drop(std::int64_t id);
  // Waits for the row's end: {"messageId"} or why it did not go out.
  Awaitable<Result<json::object>> wait(OutboxRow row, Limits limits);
  // Lets what is being sent end, within the deadline; the rest waits on disk.
  Awaitable<> stop(Deadline deadline);
  std::size_t waiting() const;
  // Something for this conversation is waiting or under way.
  bool is_busy(const std::string& lane) const { return lanes_.contains(lane); }

 private:
  struct Lane {
    std::list<OutboxRow> rows;  // what is being sent is referred to while others come and go
    bool draining = false;
    std::string dropped;          // reason; empty = none
    std::shared_ptr<Event> wake;  // while the lane waits for its time or its account
  };
  enum class Step { kDone, kAgain };

  void tell(std::int64_t id, const Result<json::object>& end);
  Awaitable<> drain(std::string key);
  Awaitable<Step> attempt(Lane& lane);
  Awaitable<Result<bool>> mark_sending(OutboxRow& row);
  Awaitable<> wait_after_all(OutboxRow& row);
  Awaitable<> pause(Lane& lane, std::int64_t until_ms);
  Awaitable<Step> settle(OutboxRow& row, Result<json::value> answer);
  Awaitable<Step> finish(OutboxRow& row, OutboxState state, std::string error);
  plugin::ProgressSink note_progress(OutboxRow& row);
  bool idempotent(const OutboxRow& row) const;

  Runtime& runtime_;
  Store& store_;
  Accounts& accounts_;
  ReplyMedia& media_;
  TaskScope scope_;
  AbortSource stopping_;
  std::shared_ptr<Event> idle_;  // set when the last lane has stopped
  std::size_t draining_ = 0;
  std::map<std::string, std::unique_ptr<Lane>> lanes_;
  std::map<std::int64_t, std::vector<Completer<json::object>>> waiters_;
};

}  // namespace openclaw::channel
