// Accounts: runs one plugin instance for each configured account, restarts what fails with a
// growing pause, and is the only way to call an instance: a call never meets one that is being
// removed. Loop thread only.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "async/task_scope.h"
#include "channel/account_plan.h"
#include "channel/start_times.h"
#include "channel/store.h"
#include "channel/webhooks.h"

namespace openclaw::channel {

struct Account {
  AccountPlan plan;
  plugin::PluginInstance* instance = nullptr;  // null while it may not be called
  bool started = false;
  json::object link;  // the last link_state
  std::string last_error;
  std::int64_t restarts = 0;
  std::int64_t last_start_ms = 0, last_stop_ms = 0, last_connected_ms = 0;
  std::int64_t last_inbound_ms = 0, last_outbound_ms = 0, last_probe_ms = 0;
  std::size_t active_runs = 0;
  StartTimes start_times;

  std::string link_name() const;  // "online", ...; empty before the first report
  std::string link_code() const;  // to link it by, while it is "pairing"; never logged or listed
  // It is off, or waits before its next start: last_error says why.
  bool is_down() const { return ended || (again != nullptr && !again->is_set()); }
  bool connected() const { return started && link_name() == "online"; }

 private:
  friend class Accounts;
  AbortSource stop;              // ends the account
  std::unique_ptr<Event> fault;  // the instance has to be started anew
  std::unique_ptr<Event> again;  // ends the pause before the next start; null while there is none
  std::size_t calls = 0;         // under way in the plugin
  std::unique_ptr<Event> calls_done;
  AbortSource calls_stop;
  bool ended = false;
  std::unique_ptr<webhook::Lease> webhook;
};

class Accounts {
 public:
  Accounts(Runtime& runtime, plugin::PluginHost& host, Webhooks& webhooks, Store::Clock clock);
  // Called when an account can be sent to (again).
  void on_up(std::function<void(const std::string& instance)> listener) {
    up_ = std::move(listener);
  }

  // Starts what is new, restarts what changed, ends what is gone; leaves the rest alone. Returns
  // when the old ones have ended; new ones go on starting by themselves.
  Awaitable<> apply(std::vector<AccountPlan> plans);
  // An account ("channel/account") that is off, or waits before its next start, starts now.
  void start_now(const std::string& key);
  // Waits until each account, or only "channel/account", has come up or failed once.
  Awaitable<> first_results(Deadline deadline, std::string only = {});
  // Waits until the account is connected, shows another code than `seen` to link it by, or can do
  // neither for now; or until the deadline.
  Awaitable<> next_link_step(std::string key, std::string seen, Deadline deadline);
  Awaitable<> stop(Deadline deadline);

  void link_state(const std::string& instance, json::object state);
  std::shared_ptr<Account> find(const std::string& instance) const;
  std::vector<std::shared_ptr<Account>> all() const;
  bool is_up(const std::string& instance) const;
  // kUnavailable when the account is not running.
  Awaitable<Result<json::value>> call(std::string instance, std::string slot, std::string payload,
                                      Limits limits, plugin::ProgressSink progress = {});

 private:
  class UnderWay;
  Awaitable<> run(std::shared_ptr<Account> account);
  Awaitable<Result<void>> run_once(std::shared_ptr<Account> account);
  Awaitable<Result<json::object>> plugin_config(AccountPlan plan);
  // One request of the platform, on its way into the plugin.
  Awaitable<Result<json::value>> bring(std::shared_ptr<Account> account, std::string request_json,
                                       std::string body, Limits limits);
  Result<void> open_webhook(const std::shared_ptr<Account>& account, std::string secret);
  Awaitable<> end(std::shared_ptr<Account> account, Deadline deadline);
  Awaitable<> take_down(std::shared_ptr<Account> account);

  Runtime& runtime_;
  plugin::PluginHost& host_;
  Webhooks& webhooks_;
  Store::Clock clock_;
  TaskScope scope_;
  std::function<void(const std::string&)> up_;
  std::map<std::string, std::shared_ptr<Account>> accounts_;  // by "<channel>/<account>"
  // Set when some account comes up, fails or ends. Shared: several wait on one, each change makes a
  // new one.
  std::shared_ptr<Event> changed_;
  std::shared_ptr<Event> next_change();
  void notify();
};

}  // namespace openclaw::channel
