// Webhooks: opens an account's route and brings what comes in by it to the plugin. Loop thread
// only.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "async/runtime.h"
#include "channel/account_plan.h"
#include "plugin/host_services.h"
#include "webhook/listeners.h"

namespace openclaw::channel {

class Webhooks {
 public:
  // The plugin's slot `webhook`; it ends when the events are on disk.
  using Call = std::function<Awaitable<Result<json::value>>(std::string request_json,
                                                            std::string body, Limits limits)>;
  Webhooks(Runtime& runtime, plugin::HostServices& services);

  // The text that requests must show. Blocks nothing; fails with what to type.
  Awaitable<Result<std::string>> secret(AccountPlan plan);
  // Puts a reference in the place of the secret in the config that the plugin gets. Its name
  // changes with the value, so that the plugin can see that the platform has to be told the new
  // one.
  void refer_to_secret(const AccountPlan& plan, const std::string& secret, json::object& config);
  // An error is for people: it names the key and the port.
  Result<std::unique_ptr<webhook::Lease>> open(const AccountPlan& plan, std::string secret,
                                               Call call);
  Awaitable<> stop(Deadline deadline) { return listeners_.stop(deadline); }

 private:
  Runtime& runtime_;
  plugin::HostServices& services_;
  webhook::Listeners listeners_;
};

// What the platform is answered.
webhook::Answer answer_to(const Result<json::value>& result);

}  // namespace openclaw::channel
