// The messages that are not sent, for the people who run the gateway: what waits, what was given up
// and why, and the two things to do about it: send it after all, or drop it. RPC
// `message.queue.list`, `.retry` and `.drop`. Loop thread only.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "channel/accounts.h"
#include "channel/delivery.h"
#include "channel/queue_request.h"
#include "channel/store.h"

namespace openclaw::channel {

class MessageQueue {
 public:
  MessageQueue(Store& store, Accounts& accounts, Delivery& delivery)
      : store_(store), accounts_(accounts), delivery_(delivery) {}

  // list: {"ts","entries","truncated"}. retry: {"retried":[{"id","mayHaveBeenSent"}],"skipped":
  // [{"id","error"}]}; an id that cannot be tried again is an error instead. drop: {"dropped":ID}.
  Awaitable<Result<json::object>> handle(QueueRequest request);

 private:
  Awaitable<Result<void>> for_each(const QueueRequest& request,
                                   std::function<bool(const OutboxRow&)> each);
  Awaitable<Result<json::object>> list(QueueRequest request);
  Awaitable<Result<json::object>> retry(QueueRequest request);
  Awaitable<Result<void>> retry_one(OutboxRow row);
  Awaitable<Result<json::object>> drop(std::int64_t id);
  Awaitable<Result<OutboxRow>> unsent_row(std::int64_t id);
  bool concerns(const OutboxRow& row, const QueueRequest& request) const;
  json::object entry(const OutboxRow& row) const;

  Store& store_;
  Accounts& accounts_;
  Delivery& delivery_;
};

}  // namespace openclaw::channel
