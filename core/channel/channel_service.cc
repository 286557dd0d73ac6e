#include "channel/channel_service.h"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <optional>
#include <set>

#include <spdlog/spdlog.h>

#include "channel/access.h"
#include "channel/accounts.h"
#include "channel/channel_status.h"
#include "channel/delivery.h"
#include "channel/intake.h"
#include "channel/logout.h"
#include "channel/message_actions.h"
#include "channel/message_queue.h"
#include "channel/peer_lookup.h"
#include "channel/store.h"
#include "channel/webhooks.h"
#include "storage/atomic_file.h"

namespace openclaw::channel {
namespace {

using std::chrono::milliseconds;

constexpr std::size_t kMaxBacklog = 10'000;
constexpr milliseconds kFirstResultsTime{2'000};
constexpr milliseconds kProbeTime{10'000};
constexpr milliseconds kStopStepTime{4'000};
constexpr milliseconds kPruneEvery{60LL * 60 * 1000};

std::int64_t wall_clock_ms() {
  return std::chrono::duration_cast<milliseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

std::optional<std::string> environment(const std::string& name) {
  const char* value = ::secure_getenv(name.c_str());
  return value == nullptr ? std::nullopt : std::optional<std::string>(value);
}

class Service final : public ChannelService {
 public:
  Service(Runtime& runtime, config::ConfigStore& config, plugin::PluginHost& plugins,
          plugin::HostServices& services, sandbox::SandboxManager& sandboxes,
          agent::AgentService& agents)
      : runtime_(runtime),
        config_(config),
        plugins_(plugins),
        store_(runtime, wall_clock_ms),
        webhooks_(runtime, services),
        accounts_(runtime, plugins, webhooks_, wall_clock_ms),
        reply_media_(runtime, sandboxes, services),
        delivery_(runtime, store_, accounts_, reply_media_),
        actions_(store_, accounts_, delivery_, reply_media_),
        queue_(store_, accounts_, delivery_),
        media_(runtime, accounts_, services),
        intake_(runtime, config, agents, store_, accounts_, delivery_, media_),
        scope_(runtime) {
    accounts_.on_up([this](const std::string& instance) { delivery_.account_up(instance); });
  }
  ~Service() override { plugins_.set_channel_events(nullptr); }

  Awaitable<Result<void>> start() override;
  Awaitable<> stop(Deadline deadline) override;
  Awaitable<> apply_config() override;
  Awaitable<json::object> first_result(std::string channel, std::string account,
                                       Deadline deadline) override;
  Awaitable<Result<json::object>> link(LinkRequest request, Deadline deadline) override;
  Awaitable<json::object> status(bool probe, Limits limits) override;
  std::vector<std::string> failing() const override;
  Awaitable<Result<json::object>> act(MessageAction action, Limits limits) override {
    co_return co_await actions_.act(std::move(action), limits);
  }
  Awaitable<Result<json::object>> queue(QueueRequest request) override {
    co_return co_await queue_.handle(std::move(request));
  }
  Awaitable<Result<json::object>> resolve(ResolveRequest request) override;
  Awaitable<Result<json::object>> logout(std::string channel, std::string account) override;

  void inbound(plugin::PluginInstance& from, json::object event,
               std::function<void(Code)> ack) override;
  void link_state(plugin::PluginInstance& from, json::object state) override;

 private:
  Awaitable<> take_in(std::string instance, json::object event, std::function<void(Code)> ack);
  void pass_on(InboxRow row);
  void note(InboxRow row);
  Awaitable<> amend(std::string instance, json::object event);
  Awaitable<> keep_pruned();

  Runtime& runtime_;
  config::ConfigStore& config_;
  plugin::PluginHost& plugins_;
  Store store_;
  Webhooks webhooks_;
  Accounts accounts_;
  ReplyMedia reply_media_;
  Delivery delivery_;
  MessageActions actions_;
  MessageQueue queue_;
  MediaFetch media_;
  Intake intake_;
  TaskScope scope_;
  std::map<std::string, json::value> probes_;
  bool open_ = false;
  bool planned_ = false;             // it is known which accounts there are
  bool resumed_ = false;             // what the last process left stands in its lanes
  std::vector<InboxRow> early_;      // came in before that, and has its place behind it
  std::shared_ptr<Event> applying_;  // set when the configuration is applied
  bool config_changed_ = false;
};

Awaitable<Result<void>> Service::start() {
  const std::filesystem::path state = config_.paths().state_dir;
  auto set_aside = std::make_shared<std::string>();
  std::function<Result<void>()> work = [this, state, set_aside]() -> Result<void> {
    if (auto made = storage::make_private_dir(state); made.has_error()) return made.error();
    return store_.open(state / "channels.db", *set_aside);
  };
  Limits none;
  auto opened = co_await run_blocking<void>(runtime_, none, work);
  if (opened.has_error()) co_return opened.error();
  open_ = true;
  if (!set_aside->empty()) {
    spdlog::error(
        "the channel store could not be read and was kept as {}; messages that waited in it are "
        "there",
        *set_aside);
  }
  auto pruned = co_await store_.prune();
  if (pruned.has_error()) co_return pruned.error();
  if (pruned.value() > 0)
    spdlog::warn("{} messages were older than their lifetime and are not sent", pruned.value());
  auto inbox = co_await store_.unfinished();
  if (inbox.has_error()) co_return inbox.error();
  auto outbox = co_await store_.undelivered();
  if (outbox.has_error()) co_return outbox.error();
  plugins_.set_channel_events(this);
  co_await apply_config();
  planned_ = true;
  co_await delivery_.resume(std::move(outbox.value()));
  intake_.resume(std::move(inbox.value()));
  resumed_ = true;
  for (InboxRow& row : std::exchange(early_, {})) pass_on(std::move(row));
  scope_.spawn("prune the channel store", keep_pruned());
  co_await accounts_.first_results(Deadline::after(kFirstResultsTime));
  co_return Result<void>();
}

Awaitable<> Service::keep_pruned() {
  Limits limits{Deadline::after(kPruneEvery), scope_.abort()};
  while ((co_await sleep_until(runtime_, limits)).has_value()) {
    auto pruned = co_await store_.prune();
    if (pruned.has_error()) spdlog::error("{}", pruned.error().message);
    limits.deadline = Deadline::after(kPruneEvery);
  }
}

Awaitable<> Service::stop(Deadline deadline) {
  // No new events, then no new turns, then nothing on its way, then the accounts.
  co_await intake_.stop(deadline.earlier(Deadline::after(kStopStepTime)));
  co_await delivery_.stop(deadline.earlier(Deadline::after(kStopStepTime)));
  co_await accounts_.stop(deadline);
  co_await webhooks_.stop(deadline);
  plugins_.set_channel_events(nullptr);
  (void)co_await scope_.stop(deadline);
  if (!open_) co_return;
  open_ = false;
  std::function<Result<void>()> work = [this]() -> Result<void> {
    store_.close();
    return {};
  };
  Limits none;
  (void)co_await run_blocking<void>(runtime_, none, work);
}

// One at a time: two at once would both start an account that one of them has just ended.
Awaitable<> Service::apply_config() {
  config_changed_ = true;
  if (const auto under_way = applying_) {  // it goes round once more
    (void)co_await under_way->wait(Deadline::never());
    co_return;
  }
  applying_ = std::make_shared<Event>(runtime_);
  while (std::exchange(config_changed_, false)) {
    const config::Snapshot config = config_.current();
    std::vector<plugin::PluginInfo> infos = plugins_.list();
    std::vector<AccountPlan> plans = plan_accounts(*config, infos, environment);
    co_await accounts_.apply(std::move(plans));
  }
  std::exchange(applying_, nullptr)->set();
}

void Service::inbound(plugin::PluginInstance& from, json::object event,
                      std::function<void(Code)> ack) {
  if (scope_.abort().aborted() || !open_) return ack(Code::kUnavailable);
  // The platform keeps what is refused here and offers it again.
  if (intake_.backlog() >= kMaxBacklog) return ack(Code::kResourceExhausted);
  scope_.spawn("inbound " + from.id(), take_in(from.id(), std::move(event), std::move(ack)));
}

Awaitable<> Service::take_in(std::string instance, json::object event,
                             std::function<void(Code)> ack) {
  InboxRow row;
  row.came = std::chrono::steady_clock::now();
  row.instance = std::move(instance);
  row.event_id = string_or(event, "eventId", "");
  if (row.event_id.empty() || row.event_id.size() > 512) {
    spdlog::error("channel {}: an event without an eventId was refused", row.instance);
    ack(Code::kInvalidArgument);
    co_return;
  }
  const json::value* conversation = event.if_contains("conversation");
  if (conversation != nullptr && conversation->is_object())
    row.lane = lane_of(row.instance, conversation->get_object());
  row.event = std::move(event);
  const std::string kind = string_or(row.event, "kind", "");
  const bool to_read =
      !row.lane.empty() && (kind == "message" || kind == "callback" || kind == "reaction");
  row.state = to_read ? InboxState::kQueued : InboxState::kDone;
  const bool begins = resumed_ && to_read && intake_.begin_at_once(row);
  auto added = co_await store_.add_inbound(row);
  if (begins && (added.has_error() || added.value().duplicate)) intake_.forgo(row);
  if (added.has_error()) {
    spdlog::error("channel {}: {}", row.instance, added.error().message);
    ack(added.error().code);
    co_return;
  }
  ack(Code::kOk);
  if (added.value().duplicate) co_return;
  if (const auto account = accounts_.find(row.instance)) account->last_inbound_ms = store_.now();
  row.id = added.value().id;
  row.received_ms = store_.now();
  row.stored = std::chrono::steady_clock::now();
  if (resumed_) {
    pass_on(std::move(row));
  } else {
    early_.push_back(std::move(row));
  }
}

void Service::pass_on(InboxRow row) {
  if (row.state == InboxState::kQueued) {
    intake_.accept(std::move(row));
  } else {
    note(std::move(row));
  }
}

// Events that are no messages.
void Service::note(InboxRow row) {
  const std::string kind = string_or(row.event, "kind", "");
  if (kind == "edit") {
    std::string message_id = string_or(row.event, "messageId", "");
    scope_.spawn("amend the record", amend(row.instance, row.event));
    (void)intake_.correct(row.lane, message_id, std::move(row.event));
  } else if (kind == "membership") {
    if (!bool_or(row.event, "present", true)) {
      delivery_.drop_lane(row.lane, "the bot was blocked or removed from this chat");
    }
  } else if (kind == "unparsed") {
    spdlog::warn("channel {}: the event {} could not be read and was put aside", row.instance,
                 row.event_id);
  }
}

// Only what was let in is on record, so an edit by a stranger finds nothing.
Awaitable<> Service::amend(std::string instance, json::object event) {
  Heard changed = heard_from(instance, event);
  auto done = co_await store_.amend(std::move(changed.instance), std::move(changed.chat),
                                    std::move(changed.message_id), std::move(changed.text));
  if (done.has_error()) spdlog::error("{}", done.error().message);
}

Awaitable<Result<json::object>> Service::resolve(ResolveRequest request) {
  auto account = actions_.account_for(request.channel, request.account);
  if (account.has_error()) co_return account.error();
  const std::string name = account.value()->plan.account;
  auto peers = co_await store_.peers(account.value()->plan.instance_id());
  if (peers.has_error()) co_return peers.error();
  json::array results;
  for (const std::string& entry : request.entries)
    results.push_back(resolve_entry(entry, request.kind, request.channel, peers.value()));
  co_return json::object{{"accountId", name}, {"results", std::move(results)}};
}

Awaitable<Result<json::object>> Service::logout(std::string channel, std::string account) {
  std::optional<ChannelTraits> traits;
  for (const plugin::PluginInfo& info : plugins_.list()) {
    const auto& names = info.manifest.channels;
    if (std::find(names.begin(), names.end(), channel) != names.end())
      traits = channel_traits(info.manifest, channel);
  }
  if (!traits) co_return make_error(Code::kInvalidArgument, "unsupported channel: " + channel);
  const config::Snapshot config = config_.current();
  auto planned = plan_logout(*config, channel, account, *traits, environment);
  if (planned.has_error()) co_return planned.error();
  auto logout = std::make_shared<Logout>(std::move(planned.value()));
  std::function<Result<void>()> work = [logout, paths = config_.paths(),
                                        foreign = config_.foreign()] {
    return carry_out(*logout, paths, foreign);
  };
  // The account ends whatever becomes of the caller: half a logout would be none.
  Limits none;
  auto done = co_await run_blocking<void>(runtime_, none, std::move(work));
  if (done.has_error()) co_return done.error();
  if (auto reloaded = config_.reload(); reloaded.has_error()) co_return reloaded.error();
  co_await apply_config();
  spdlog::info("channel {}: the account {} was logged out", channel, account);
  co_return logout_json(*logout, channel, account);
}

void Service::link_state(plugin::PluginInstance& from, json::object state) {
  accounts_.link_state(from.id(), std::move(state));
}

Awaitable<Result<json::object>> Service::link(LinkRequest request, Deadline deadline) {
  const std::string key = request.channel + "/" + request.account;
  const auto account_of = [this, &request]() -> std::shared_ptr<Account> {
    for (const auto& each : accounts_.all()) {
      if (each->plan.channel == request.channel && each->plan.account == request.account)
        return each;
    }
    return nullptr;
  };
  auto account = account_of();
  if (!account) {
    co_return make_error(Code::kNotFound, "there is no account \"" + request.account + "\" of " +
                                              request.channel + "; see: openclaw channels list");
  }
  if (account->plan.traits.link_prompt.empty()) {
    co_return make_error(Code::kFailedPrecondition,
                         account->plan.traits.label + " links no accounts by code");
  }
  accounts_.start_now(key);
  co_await accounts_.next_link_step(key, request.seen, deadline);
  account = account_of();
  if (!account) co_return make_error(Code::kNotFound, "the account was removed");
  json::object out{{"connected", account->connected()},
                   {"prompt", account->plan.traits.link_prompt},
                   {"error", nullptr}};
  if (const std::string state = account->link_name(); !state.empty()) out["linkState"] = state;
  if (!account->link_code().empty()) {
    for (const char* name : {"qr", "code", "expiresMs"}) {
      if (const json::value* value = account->link.if_contains(name)) out[name] = *value;
    }
  } else if (!account->connected() && !account->last_error.empty()) {
    out["error"] = account->last_error;
  }
  co_return out;
}

Awaitable<json::object> Service::first_result(std::string channel, std::string account,
                                              Deadline deadline) {
  const std::string key = channel + "/" + account;
  accounts_.start_now(key);
  co_await accounts_.first_results(deadline, key);
  json::object out{{"connected", false}, {"error", nullptr}};
  for (const auto& each : accounts_.all()) {
    if (each->plan.channel != channel || each->plan.account != account) continue;
    out["connected"] = each->connected();
    if (const std::string state = each->link_name(); !state.empty()) out["linkState"] = state;
    if (!each->last_error.empty()) out["error"] = each->last_error;
  }
  co_return out;
}

Awaitable<json::object> Service::status(bool probe, Limits limits) {
  if (probe) {
    for (const auto& account : accounts_.all()) {
      if (!account->started) continue;
      const std::string instance = account->plan.instance_id();
      auto answer = co_await accounts_.call(instance, "channel.probe", "",
                                            limits.with_deadline(Deadline::after(kProbeTime)));
      account->last_probe_ms = store_.now();
      probes_[instance] =
          answer.has_value()
              ? std::move(answer.value())
              : json::value(json::object{{"ok", false}, {"error", answer.error().message}});
    }
  }
  const config::Snapshot config = config_.current();
  co_return status_json(*config, accounts_.all(), probes_);
}

std::vector<std::string> Service::failing() const {
  if (!planned_) return {"channels"};
  std::set<std::string> names;
  for (const auto& account : accounts_.all()) {
    if (account->plan.enabled && account->plan.configured && !account->connected())
      names.insert(account->plan.channel);
  }
  return {names.begin(), names.end()};
}

}  // namespace

std::unique_ptr<ChannelService> ChannelService::create(Runtime& runtime,
                                                       config::ConfigStore& config,
                                                       plugin::PluginHost& plugins,
                                                       plugin::HostServices& services,
                                                       sandbox::SandboxManager& sandboxes,
                                                       agent::AgentService& agents) {
  return std::make_unique<Service>(runtime, config, plugins, services, sandboxes, agents);
}

}  // namespace openclaw::channel
