// Webhook: what people write, brought by the service to the host's door. Tells the service where
// the door is, sees that this stays so, and answers each request after the host has its update on
// disk. The door itself, and who may come through, is the host's. Strand only.
#pragma once

#include <string>
#include <string_view>

#include <openclaw/plugin.hpp>

#include "bot_api.h"
#include "connection.h"
#include "flow.h"
#include "pauses.h"
#include "settings.h"
#include "update_intake.h"

namespace telegram {

class Webhook {
 public:
  struct Services {
    openclaw::Plugin& plugin;
    BotApi& api;
    parts::Pauses& pauses;
    const Settings& settings;
    Connection& connection;
    UpdateIntake& intake;
  };
  explicit Webhook(Services services) : s_(services) {}

  // Sets the webhook where it differs and looks after it until the account stops.
  openclaw::Flow<openclaw::Nothing> run();
  // One request of the service: an update.
  openclaw::Flow<openclaw::Nothing> take(openclaw::Completion done, std::string body);

 private:
  using Next = Connection::Next;
  openclaw::Flow<Next> see_to_it();
  openclaw::Flow<Reply> set();
  openclaw::Flow<Next> set_failed(Reply reply);
  bool is_set(const json::value& info) const;
  json::object params() const;
  void note_trouble(const json::value& info);

  Services s_;
  std::string certificate_;
  std::string wanted_, told_;  // all that the service is told, as text; what it was told last
  std::int64_t trouble_at_ = 0;
};

// What getWebhookInfo says, for people: {"url","pendingUpdates","lastError"?,"lastErrorAt"?}.
json::object webhook_status(const json::object& info);
// That the service has trouble with the door now; empty when it has none.
std::string webhook_trouble(const json::object& info, std::int64_t now_s);

}  // namespace telegram
