// Reads what was said in a conversation: from the platform where its plugin can, else from the
// record of what came in and went out (conversation_record.h). Loop thread only.
#pragma once

#include <memory>
#include <string>

#include "channel/accounts.h"
#include "channel/message_action.h"
#include "channel/store.h"

namespace openclaw::channel {

// {"id","threadId"?} of what an action is about.
json::object target_conversation(const MessageAction& action);

class ConversationReader {
 public:
  ConversationReader(Store& store, Accounts& accounts) : store_(store), accounts_(accounts) {}

  // {"accountId","target","source":"platform"|"record","note"?,"messages":[{"messageId","own",
  // "senderId","senderName","text","timestampMs","threadId"?}]}, the oldest first. `note` says why
  // the platform was not read although it could be.
  Awaitable<Result<json::object>> read(std::shared_ptr<Account> account, MessageAction action,
                                       Limits limits);

 private:
  Awaitable<Result<json::array>> ask_platform(std::string instance, json::object conversation,
                                              std::int64_t limit, Limits limits);

  Store& store_;
  Accounts& accounts_;
};

}  // namespace openclaw::channel
