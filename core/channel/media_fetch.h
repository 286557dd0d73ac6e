// MediaFetch: the bytes behind the attachments of an event, fetched by the account's plugin when
// the event has its turn. Nothing is kept between: after a crash they are fetched again. Loop
// thread only.
#pragma once

#include <string>
#include <vector>

#include "agent/agent_service.h"
#include "channel/accounts.h"
#include "channel/store.h"
#include "plugin/host_services.h"

namespace openclaw::channel {

class MediaFetch {
 public:
  MediaFetch(Runtime& runtime, Accounts& accounts, plugin::HostServices& services)
      : runtime_(runtime), accounts_(accounts), services_(services) {}

  // Those that can be asked for. They borrow this object.
  std::vector<agent::IncomingFile> files_of(const InboxRow& row);

 private:
  using Source = Result<workspace::MediaSource>;
  Awaitable<Source> fetch(std::string instance, json::object request, Limits limits);
  Source content_of(const json::value& answer);

  Runtime& runtime_;
  Accounts& accounts_;
  plugin::HostServices& services_;
};

// What the agent is told of attachments that no plugin could fetch: kinds without a "ref".
std::string unfetchable_note(const json::object& event);

}  // namespace openclaw::channel
