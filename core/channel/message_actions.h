// What people (RPC, command line) and agents (the tool `message`) do to messages by hand. What
// makes a message goes through the outbox like any reply; what can be repeated without harm goes
// straight to the plugin. Loop thread only.
#pragma once

#include <memory>
#include <string>

#include "channel/accounts.h"
#include "channel/delivery.h"
#include "channel/message_action.h"
#include "channel/store.h"

namespace openclaw::channel {

class MessageActions {
 public:
  MessageActions(Store& store, Accounts& accounts, Delivery& delivery)
      : store_(store), accounts_(accounts), delivery_(delivery) {}

  // {"messageId"}. kInvalidArgument and kFailedPrecondition say what is missing; what the platform
  // refuses has its code.
  Awaitable<Result<json::object>> act(MessageAction action, Limits limits);

 private:
  Result<std::shared_ptr<Account>> account_for(const MessageAction& action) const;
  Awaitable<Result<json::object>> put_out(std::string instance, MessageAction action,
                                          std::string buttons_only_in, Limits limits);

  Store& store_;
  Accounts& accounts_;
  Delivery& delivery_;
};

}  // namespace openclaw::channel
