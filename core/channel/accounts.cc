#include "channel/accounts.h"

#include <algorithm>
#include <random>

#include <spdlog/spdlog.h>

#include "channel/access.h"
#include "storage/atomic_file.h"

namespace openclaw::channel {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kStartTime{30'000};
constexpr milliseconds kStopTime{8'000};
constexpr milliseconds kCallsTime{3'000};
constexpr milliseconds kAccountEndTime = kStopTime + 2 * kCallsTime + milliseconds(1'000);
constexpr std::int64_t kFirstPauseMs = 1'000;
constexpr std::int64_t kLongestRestartPauseMs = 5LL * 60 * 1000;
constexpr std::uint64_t kMaxTokenFile = 4096;

// What a new start cannot mend; a change of the configuration can.
bool is_fatal(Code code) {
  switch (code) {
    case Code::kUnauthenticated:
    case Code::kInvalidArgument:
    case Code::kPermissionDenied:
    case Code::kNotFound:
    case Code::kFailedPrecondition:
    case Code::kUnimplemented:
      return true;
    default:
      return false;
  }
}

milliseconds pause_before(std::int64_t restart) {
  const std::int64_t whole =
      std::min(kLongestRestartPauseMs, kFirstPauseMs << std::min<std::int64_t>(restart, 20));
  static std::minstd_rand random{std::random_device{}()};
  std::uniform_int_distribution<std::int64_t> spread(whole / 2, whole);
  return milliseconds(spread(random));
}

Result<std::string> read_token_file(const std::string& path) {
  auto text = storage::read_file_bounded(path, kMaxTokenFile);
  if (text.has_error()) {
    return Error(Code::kFailedPrecondition, "cannot read the token file: " + text.error().message);
  }
  std::string token = std::move(text.value());
  while (!token.empty() && (token.back() == '\n' || token.back() == '\r' || token.back() == ' '))
    token.pop_back();
  if (token.empty())
    return Error(Code::kFailedPrecondition, "the token file " + path + " is empty");
  return token;
}

std::string key_of(const AccountPlan& plan) {
  return plan.channel + "/" + plan.account;
}

}  // namespace

// A call into an instance: take_down() waits for it, and cuts it short when that takes too long.
class Accounts::UnderWay {
 public:
  UnderWay(Account& account, const Limits& limits)
      : account_(account), deadline_(limits.deadline), signal_(limits.abort) {
    ++account_.calls;
    by_caller_ = signal_.on_abort([this] { both_.abort(signal_.reason()); });
    by_account_ =
        account_.calls_stop.signal().on_abort([this] { both_.abort("the account is stopping"); });
  }
  UnderWay(const UnderWay&) = delete;
  UnderWay& operator=(const UnderWay&) = delete;
  ~UnderWay() {
    if (--account_.calls == 0 && account_.calls_done) account_.calls_done->set();
  }
  Limits limits() const { return {deadline_, both_.signal()}; }

 private:
  Account& account_;
  const Deadline deadline_;
  const AbortSignal signal_;
  AbortSource both_;
  AbortSignal::Registration by_caller_, by_account_;
};

std::string Account::link_name() const {
  return string_or(link, "state", "");
}

std::string Account::link_code() const {
  if (link_name() != "pairing") return {};
  const std::string qr = string_or(link, "qr", "");
  return qr.empty() ? string_or(link, "code", "") : qr;
}

Accounts::Accounts(Runtime& runtime, plugin::PluginHost& host, Webhooks& webhooks,
                   Store::Clock clock)
    : runtime_(runtime),
      host_(host),
      webhooks_(webhooks),
      clock_(std::move(clock)),
      scope_(runtime) {}

void Accounts::notify() {
  if (const auto event = std::move(changed_)) event->set();
}

std::shared_ptr<Event> Accounts::next_change() {
  if (!changed_) changed_ = std::make_shared<Event>(runtime_);
  return changed_;
}

std::shared_ptr<Account> Accounts::find(const std::string& instance) const {
  for (const auto& [key, account] : accounts_) {
    if (account->plan.instance_id() == instance) return account;
  }
  return nullptr;
}

std::vector<std::shared_ptr<Account>> Accounts::all() const {
  std::vector<std::shared_ptr<Account>> out;
  for (const auto& [key, account] : accounts_) out.push_back(account);
  return out;
}

bool Accounts::is_up(const std::string& instance) const {
  const auto account = find(instance);
  return account && account->instance != nullptr && account->started;
}

void Accounts::link_state(const std::string& instance, json::object state) {
  const auto account = find(instance);
  if (!account) return;
  const std::string before = account->link_name();
  account->link = std::move(state);
  const std::string now = account->link_name();
  const std::string message = string_or(account->link, "message", "");
  if (now == "online") {
    account->last_connected_ms = clock_();
    account->last_error.clear();
    account->restarts = 0;
    if (before != "online" && up_) up_(instance);
  } else if (!message.empty()) {
    account->last_error = message;
  }
  if (now != before)
    spdlog::info("channel {}: {}{}", instance, now, message.empty() ? "" : ": " + message);
  if (now == "failed" && account->fault) account->fault->set();
  notify();
}

Awaitable<> Accounts::apply(std::vector<AccountPlan> plans) {
  std::vector<std::shared_ptr<Account>> leaving;
  std::map<std::string, AccountPlan> wanted;
  for (AccountPlan& plan : plans) {
    std::string key = key_of(plan);
    wanted.insert_or_assign(std::move(key), std::move(plan));
  }
  for (auto it = accounts_.begin(); it != accounts_.end();) {
    const auto found = wanted.find(it->first);
    if (found != wanted.end() && found->second.runs_like(it->second->plan)) {
      it->second->plan = std::move(found->second);
      wanted.erase(found);
      ++it;
      continue;
    }
    leaving.push_back(it->second);
    it = accounts_.erase(it);
  }
  // The old must be gone before the new start: one platform session each.
  for (const auto& account : leaving) co_await end(account, Deadline::after(kAccountEndTime));
  for (auto& [key, plan] : wanted) {
    auto account = std::make_shared<Account>();
    account->plan = std::move(plan);
    accounts_[key] = account;
    if (account->plan.enabled && account->plan.configured) {
      scope_.spawn("channel account " + key, run(account));
    } else {
      account->ended = true;
      account->last_error = account->plan.enabled ? account->plan.problem : "";
    }
  }
}

void Accounts::start_now(const std::string& key) {
  const auto found = accounts_.find(key);
  if (found == accounts_.end() || !found->second->again) return;
  found->second->last_error.clear();  // of the start before
  found->second->again->set();
}

Awaitable<> Accounts::first_results(Deadline deadline, std::string only) {
  const auto settled = [this, &only] {
    return std::all_of(accounts_.begin(), accounts_.end(), [&only](const auto& entry) {
      const Account& a = *entry.second;
      const bool asked = only.empty() || only == entry.first;
      return !asked || a.ended || a.connected() || !a.last_error.empty();
    });
  };
  while (!settled() && !deadline.expired()) {
    const auto event = next_change();
    if (!co_await event->wait(deadline)) break;
  }
}

Awaitable<> Accounts::next_link_step(std::string key, std::string seen, Deadline deadline) {
  const auto settled = [this, &key, &seen] {
    const auto found = accounts_.find(key);
    if (found == accounts_.end()) return true;
    const Account& account = *found->second;
    const std::string code = account.link_code();
    return account.connected() || account.is_down() || account.link_name() == "loggedOut" ||
           (!code.empty() && code != seen);
  };
  while (!settled() && !deadline.expired()) {
    const auto event = next_change();
    if (!co_await event->wait(deadline)) break;
  }
}

Awaitable<> Accounts::stop(Deadline deadline) {
  std::vector<std::shared_ptr<Account>> leaving = all();
  for (const auto& account : leaving) account->stop.abort("the gateway is stopping");
  for (const auto& account : leaving) co_await end(account, deadline);
  (void)co_await scope_.stop(deadline);
}

Awaitable<> Accounts::end(std::shared_ptr<Account> account, Deadline deadline) {
  account->stop.abort("the account was stopped");
  while (!account->ended && !deadline.expired()) {
    const auto event = next_change();
    if (!co_await event->wait(deadline)) break;
  }
}

Awaitable<> Accounts::run(std::shared_ptr<Account> account) {
  while (!account->stop.aborted()) {
    const auto outcome = co_await run_once(account);
    if (account->stop.aborted()) break;
    const Error error =
        outcome.has_error() ? outcome.error() : make_error(Code::kUnavailable, account->last_error);
    account->last_error = error.message;
    notify();
    Deadline next = Deadline::never();
    if (is_fatal(error.code)) {
      spdlog::error("channel {} stays off until its configuration changes: {}",
                    account->plan.instance_id(), error.message);
    } else {
      const milliseconds pause = pause_before(account->restarts++);
      spdlog::warn("channel {} starts again in {} ms: {}", account->plan.instance_id(),
                   pause.count(), error.message);
      next = Deadline::after(pause);
    }
    account->again = std::make_unique<Event>(runtime_);
    auto on_stop = account->stop.signal().on_abort([account] { account->again->set(); });
    (void)co_await account->again->wait(next);
    on_stop = {};
    account->again.reset();
  }
  account->ended = true;
  notify();
}

// One life of an instance: created, started, running until it is stopped or fails, removed.
Awaitable<Result<void>> Accounts::run_once(std::shared_ptr<Account> account) {
  auto config = co_await plugin_config(account->plan);
  if (config.has_error()) co_return config.error();
  std::string hook_secret;
  if (account->plan.webhook) {
    auto secret = co_await webhooks_.secret(account->plan);
    if (secret.has_error()) co_return secret.error();
    hook_secret = std::move(secret.value());
    webhooks_.refer_to_secret(account->plan, hook_secret, config.value());
  }
  plugin::InstanceRequest request;
  request.plugin_id = account->plan.plugin_id;
  request.account = account->plan.account;
  request.config = std::move(config.value());
  account->fault = std::make_unique<Event>(runtime_);
  account->link = {};
  account->last_start_ms = clock_();
  auto created = co_await host_.create_instance(std::move(request));
  if (created.has_error()) co_return created.error();
  account->instance = created.value();
  account->calls_stop = AbortSource();
  // The door is open before the plugin tells the platform of it.
  Result<void> outcome = open_webhook(account, std::move(hook_secret));
  if (outcome.has_value()) {
    Limits limits{Deadline::after(kStartTime), account->stop.signal()};
    outcome = co_await host_.start(*account->instance, limits);
  }
  if (outcome.has_value()) {
    account->started = true;
    if (up_) up_(account->plan.instance_id());
    notify();
    auto on_stop = account->stop.signal().on_abort([account] { account->fault->set(); });
    (void)co_await account->fault->wait(Deadline::never());
  }
  co_await take_down(account);
  co_return outcome;
}

Awaitable<> Accounts::take_down(std::shared_ptr<Account> account) {
  plugin::PluginInstance* instance = account->instance;
  account->instance = nullptr;  // no new calls
  account->started = false;
  account->webhook.reset();
  if (account->calls > 0) {
    account->calls_done = std::make_unique<Event>(runtime_);
    (void)co_await account->calls_done->wait(Deadline::after(kCallsTime));
    account->calls_stop.abort("the account is stopping");
    if (account->calls > 0) (void)co_await account->calls_done->wait(Deadline::after(kCallsTime));
  }
  auto removed = co_await host_.remove(*instance, Limits::within(kStopTime));
  if (removed.has_error())
    spdlog::warn("channel {}: {}", account->plan.instance_id(), removed.error().message);
  account->last_stop_ms = clock_();
}

Awaitable<Result<json::object>> Accounts::plugin_config(AccountPlan plan) {
  json::object config = std::move(plan.config);
  for (const ChannelTraits::SecretSource& source : plan.traits.secrets) {
    if (config.contains(source.key) || source.file_key.empty()) continue;
    const std::string path = string_or(config, source.file_key, "");
    if (path.empty()) continue;
    std::function<Result<std::string>()> work = [path] { return read_token_file(path); };
    auto token = co_await run_blocking<std::string>(runtime_, Limits::within(kStartTime), work);
    if (token.has_error()) co_return token.error();
    config[source.key] = token.value();
  }
  co_return config;
}

Awaitable<Result<json::value>> Accounts::call(std::string instance, std::string slot,
                                              std::string payload, Limits limits,
                                              plugin::ProgressSink progress) {
  const auto account = find(instance);
  if (!account || account->instance == nullptr || !account->started) {
    co_return make_error(Code::kUnavailable, "the account " + instance + " is not running");
  }
  UnderWay call(*account, limits);
  Limits joined = call.limits();
  std::vector<std::string> texts;
  if (!payload.empty()) texts.push_back(std::move(payload));  // a probe takes none
  co_return co_await account->instance->call(std::move(slot), std::move(texts), std::move(joined),
                                             std::move(progress));
}

Result<void> Accounts::open_webhook(const std::shared_ptr<Account>& account, std::string secret) {
  if (!account->plan.webhook) return {};
  Webhooks::Call call = [this, weak = std::weak_ptr(account)](std::string request_json,
                                                              std::string body, Limits limits) {
    return bring(weak.lock(), std::move(request_json), std::move(body), std::move(limits));
  };
  auto opened = webhooks_.open(account->plan, std::move(secret), std::move(call));
  if (opened.has_error()) return opened.error();
  account->webhook = std::move(opened.value());
  return {};
}

// Also while the account starts: the platform may be quicker than the plugin's own start.
Awaitable<Result<json::value>> Accounts::bring(std::shared_ptr<Account> account,
                                               std::string request_json, std::string body,
                                               Limits limits) {
  if (!account || account->instance == nullptr)
    co_return make_error(Code::kUnavailable, "the account is not running");
  UnderWay call(*account, limits);
  Limits joined = call.limits();
  co_return co_await account->instance->webhook(std::move(request_json), std::move(body),
                                                std::move(joined));
}

}  // namespace openclaw::channel
