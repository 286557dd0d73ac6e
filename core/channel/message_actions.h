// What people (RPC, command line) and agents (the tool `message`) do to messages by hand. What
// makes a message goes through the outbox like any reply; what can be repeated without harm goes
// straight to the plugin. Loop thread only.
#pragma once

#include <memory>
#include <string>

#include "channel/accounts.h"
#include "channel/conversation_reader.h"
#include "channel/delivery.h"
#include "channel/message_action.h"
#include "channel/reply_media.h"
#include "channel/store.h"

namespace openclaw::channel {

class MessageActions {
 public:
  MessageActions(Store& store, Accounts& accounts, Delivery& delivery, ReplyMedia& media)
      : store_(store),
        accounts_(accounts),
        delivery_(delivery),
        media_(media),
        reader_(store, accounts) {}

  // {"messageId"}; of kRead what ConversationReader answers. kInvalidArgument and
  // kFailedPrecondition say what is missing; what the platform refuses has its code.
  Awaitable<Result<json::object>> act(MessageAction action, Limits limits);

  // The account that is named, "default", or the only one of the channel.
  Result<std::shared_ptr<Account>> account_for(const std::string& channel,
                                               const std::string& account) const;

 private:
  Awaitable<Result<json::object>> put_out(std::string instance, MessageAction action,
                                          std::string buttons_only_in, Limits limits);

  Store& store_;
  Accounts& accounts_;
  Delivery& delivery_;
  ReplyMedia& media_;
  ConversationReader reader_;
};

}  // namespace openclaw::channel
