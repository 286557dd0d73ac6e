#include "channel/intake.h"

#include <algorithm>
#include <array>
#include <cctype>

#include <spdlog/spdlog.h>

#include "agent/slash_commands.h"
#include "channel/buttons.h"
#include "channel/channel_service.h"
#include "channel/reply_tag.h"
#include "channel/routing.h"
#include "json_fields.h"
#include "session/session_key.h"

namespace openclaw::channel {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kFilesTime{10'000};
constexpr std::int64_t kMostTries = 5;  // of a turn in which the gateway ends each time

std::string lower_trimmed(std::string_view text) {
  const auto space = [](char c) { return std::isspace(static_cast<unsigned char>(c)) != 0; };
  while (!text.empty() && space(text.front())) text.remove_prefix(1);
  while (!text.empty() && (space(text.back()) || text.back() == '.' || text.back() == '!'))
    text.remove_suffix(1);
  std::string out(text.substr(0, 64));
  std::transform(out.begin(), out.end(), out.begin(), [](char c) {
    return static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  });
  return out;
}

bool names_peer(const config::Config& config, const std::string& id) {
  const json::value* bindings = config.find("bindings");
  if (bindings == nullptr || !bindings->is_array()) return false;
  return std::any_of(bindings->get_array().begin(), bindings->get_array().end(),
                     [&id](const json::value& binding) {
                       if (!binding.is_object()) return false;
                       const json::object& match = object_of(binding.get_object(), "match");
                       return text_of(object_of(match, "peer"), "id") == id;
                     });
}

AccessFacts facts_of(const InboxRow& row, std::string chat_id, const Account& account) {
  const json::object& conversation = object_of(row.event, "conversation");
  const json::object& sender = object_of(row.event, "sender");
  AccessFacts facts;
  facts.channel = account.plan.channel;
  facts.chat_type = string_or(conversation, "type", "");
  facts.chat_id = std::move(chat_id);
  facts.thread_id = string_or(conversation, "threadId", "");
  facts.space_id = string_or(conversation, "spaceId", "");
  facts.parent_id = string_or(conversation, "parentId", "");
  facts.sender_roles = ids_at(sender, "roles", account.plan.channel);
  facts.sender_id = string_or(sender, "id", "");
  facts.anonymous = bool_or(sender, "anonymous", false);
  facts.mentioned = bool_or(row.event, "mentioned", false);
  facts.for_other = bool_or(row.event, "forOther", false);
  facts.is_command = is_known_command(string_or(row.event, "text", ""));
  return facts;
}

}  // namespace

std::string lane_of(const std::string& instance, const json::object& conversation) {
  return instance + "\n" + string_or(conversation, "id", "") + "\n" +
         string_or(conversation, "threadId", "");
}

bool is_abort_word(std::string_view text) {
  static constexpr std::array<std::string_view, 9> kWords{
      "stop", "/stop", "abort", "/abort", "esc", "exit", "interrupt", "halt", "/cancel"};
  const std::string word = lower_trimmed(text);
  return std::find(kWords.begin(), kWords.end(), word) != kWords.end();
}

// A command that neither changes nor reads the conversation, so it need not wait for a turn in it.
bool is_answered_beside(const InboxRow& row) {
  static constexpr std::array<std::string_view, 5> kNames{"help", "status", "model", "tools",
                                                          "queue"};
  const auto command = agent::parse_command(string_or(row.event, "text", ""));
  return command && string_or(row.event, "kind", "") == "message" &&
         std::find(kNames.begin(), kNames.end(), command->name) != kNames.end();
}

bool is_known_command(std::string_view text) {
  return agent::parse_command(text).has_value();
}

Intake::Intake(Runtime& runtime, config::ConfigStore& config, agent::AgentService& agents,
               Store& store, Accounts& accounts, Delivery& delivery, MediaFetch& media)
    : runtime_(runtime),
      config_(config),
      agents_(agents),
      store_(store),
      accounts_(accounts),
      delivery_(delivery),
      media_(media),
      scope_(runtime),
      started_ms_(store.now()) {
  subscription_ = agents_.subscribe([this](const agent::AgentEvent& event) { on_event(event); });
}

Intake::~Intake() {
  agents_.unsubscribe(subscription_);
}

Awaitable<> Intake::stop(Deadline deadline) {
  stopping_.abort("the gateway is stopping");
  for (const auto& waiter : turn_waiters_) waiter->set();
  idle_ = std::make_shared<Event>(runtime_);
  const auto idle = idle_;
  if (draining_ > 0) (void)co_await idle->wait(deadline);
  (void)co_await scope_.stop(deadline);
}

void Intake::on_event(const agent::AgentEvent& event) {
  if (event.stream != "assistant") return;
  const auto found = drafts_.find(event.run_id);
  if (found == drafts_.end()) return;
  TaggedReply reply = split_reply_tag(split_media(string_or(event.data, "text", "")).text);
  if (reply.tagged) found->second->answer(reply.message_id);
  found->second->set_text(std::move(reply.text));
}

void Intake::accept(InboxRow row) {
  ++backlog_;
  if (is_abort_word(string_or(row.event, "text", ""))) {
    scope_.spawn("stop word", overtake(std::move(row)));
    return;
  }
  if (const auto lane = lanes_.find(row.lane);
      lane != lanes_.end() && !lane->second.run_id.empty()) {
    if (is_answered_beside(row)) {
      scope_.spawn("command", answer_beside(std::move(row)));
      return;
    }
    scope_.spawn("interrupt a turn", interrupt(row, lane->second.run_id));
  }
  enqueue(std::move(row));
}

void Intake::resume(std::vector<InboxRow> rows) {
  backlog_ += rows.size();
  // All stand in their lanes before the first is read: several may be of one turn.
  std::vector<std::string> keys;
  for (InboxRow& row : rows) {
    keys.push_back(row.lane);
    lanes_[keys.back()].rows.push_back(std::move(row));
  }
  for (std::string& key : keys) begin_draining(std::move(key));
}

void Intake::enqueue(InboxRow row) {
  std::string key = row.lane;
  Lane& lane = lanes_[key];
  // In the order they came, also one that was looked at first; behind the one being handled.
  const auto handled = lane.rows.begin() + (lane.draining && !lane.rows.empty() ? 1 : 0);
  const auto place = std::find_if(handled, lane.rows.end(),
                                  [&](const InboxRow& each) { return each.id > row.id; });
  lane.rows.insert(place, std::move(row));
  begin_draining(std::move(key));
}

void Intake::begin_draining(std::string key) {
  const auto found = lanes_.find(key);
  if (found == lanes_.end() || found->second.draining) return;
  Lane& lane = found->second;
  lane.draining = true;
  scope_.spawn("conversation", drain(std::move(key)));
}

bool Intake::correct(const std::string& lane, const std::string& message_id, json::object event) {
  const auto found = lanes_.find(lane);
  if (found == lanes_.end()) return false;
  auto& rows = found->second.rows;
  for (std::size_t i = 1; i < rows.size(); ++i) {  // the first is being read
    const bool is_it = string_or(rows[i].event, "messageId", "") == message_id &&
                       string_or(rows[i].event, "kind", "") == "message";
    if (!is_it) continue;
    event["kind"] = rows[i].event["kind"];
    event["eventId"] = rows[i].event["eventId"];
    rows[i].event = event;
    scope_.spawn("correct a message",
                 [](Store& store, std::int64_t id, json::object changed) -> Awaitable<> {
                   (void)co_await store.replace_event(id, std::move(changed));
                 }(store_, rows[i].id, std::move(event)));
    return true;
  }
  return false;
}

Awaitable<> Intake::drain(std::string key) {
  // References into a map stay valid while others come and go.
  Lane& lane = lanes_[key];
  struct Count {
    Intake& intake;
    ~Count() {
      if (--intake.draining_ == 0 && intake.idle_) intake.idle_->set();
    }
  };
  ++draining_;
  const Count count{*this};
  while (!lane.rows.empty() && !stopping_.aborted()) {
    InboxRow row = lane.rows.front();
    co_await process(std::move(row));
    lane.rows.pop_front();
  }
  lane.draining = false;
  if (lane.rows.empty()) lanes_.erase(key);
}

Awaitable<> Intake::process(InboxRow row) {
  const bool reaction = string_or(row.event, "kind", "") == "reaction";
  const bool late = row.received_ms + kEntryLifetimeMs <= store_.now();
  Admitted admitted;
  admitted.account = accounts_.find(row.instance);
  admitted.heard = heard_from(row.instance, row.event);
  if (row.state == InboxState::kRunning) admitted.parts = take_run(row);
  if (late || row.attempts >= kMostTries || !admitted.account) {
    co_await finish_parts(std::move(admitted.parts), "as its first part");
    if (late && reaction) {
      co_await finish(std::move(row), "expired", {});
    } else if (late) {
      co_await report_late(std::move(row));
    } else if (!admitted.account) {
      co_await finish(std::move(row), "the account is no longer configured", {});
    } else {
      co_await report_cut(std::move(row));
    }
    co_return;
  }
  if (reaction) {
    co_await keep_reaction(std::move(row), admitted.account);
    co_return;
  }
  if (!co_await gather(row, admitted)) co_return;
  co_await admit(std::move(row), std::move(admitted));
}

// What its platform or its sender cut into pieces, whole. False: not now.
Awaitable<bool> Intake::gather(InboxRow& row, Admitted& admitted) {
  if (row.state == InboxState::kRunning) co_return true;  // as the last process had it
  if (!string_or(row.event, "groupId", "").empty()) {
    if (!co_await take_parts(row, admitted)) co_return false;
  } else if (const auto quiet_ms = burst_quiet(row, *admitted.account); quiet_ms > 0) {
    if (!co_await take_burst(row, admitted, quiet_ms)) co_return false;
  }
  co_return true;
}

Awaitable<> Intake::admit(InboxRow row, Admitted admitted) {
  const auto account = admitted.account;
  admitted.access = co_await decide(row, account);
  if (std::string why = why_not_pressed(row, *account, admitted.access); !why.empty()) {
    co_await finish(std::move(row), "ignored: " + why, {});
    co_return;
  }
  if (admitted.access.verdict != Access::Verdict::kAllow)
    co_await finish_parts(std::exchange(admitted.parts, {}), "as its first part");
  switch (admitted.access.verdict) {
    case Access::Verdict::kAllow: {
      admitted.session_key = session_of(row, *account);
      if (!co_await take_waiting(row, admitted)) co_return;
      co_await run_turn(std::move(row), std::move(admitted));
      break;
    }
    case Access::Verdict::kPair:
      co_await tell_code(std::move(row), account);
      break;
    case Access::Verdict::kDeny:
      spdlog::info("channel {}: a message from {} was not let in: {}", row.instance,
                   string_or(object_of(row.event, "sender"), "id", "nobody"),
                   admitted.access.reason);
      co_await finish(std::move(row), "denied: " + admitted.access.reason, {});
      break;
    case Access::Verdict::kIgnore:
      co_await finish(std::move(row), "ignored: " + admitted.access.reason, {});
      break;
  }
}

Awaitable<Access> Intake::decide(InboxRow row, std::shared_ptr<Account> account) {
  const config::Snapshot config = config_.current();
  AccessRules rules;
  rules.config = account_config(*config, account->plan.channel, account->plan.account);
  rules.keys = account->plan.traits.spaces;
  if (const json::value* defaults = config->find("channels.defaults");
      defaults != nullptr && defaults->is_object()) {
    rules.defaults = defaults->get_object();
  }
  rules.owner_allow_from = config->get_strings("commands.ownerAllowFrom");
  AccessFacts facts = facts_of(row, known_id(row, *account), *account);
  // A name that is spoken counts like a mention that the platform marks.
  if (!facts.mentioned && facts.chat_type != "direct") {
    facts.mentioned = mention_patterns_.found_in(string_or(row.event, "text", ""), *config,
                                                 agent_of(row, *account));
  }
  if (!asks_who_is_paired(rules, facts)) co_return decide_access(rules, facts, {});
  // Read for each decision: `pairing approve` and a removal count at once.
  std::function<Result<std::vector<std::string>>()> work =
      [dir = config_.paths().state_dir, channel = account->plan.channel,
       name = account->plan.account] { return PairingStore(dir).allowed(channel, name); };
  auto paired =
      co_await run_blocking<std::vector<std::string>>(runtime_, Limits::within(kFilesTime), work);
  if (paired.has_error()) {
    spdlog::error("channel {}: nobody counts as paired: {}", row.instance, paired.error().message);
    paired = std::vector<std::string>();
  }
  co_return decide_access(rules, facts, paired.value());
}

// Why the press of a button is not read; empty: it is, or this is none.
std::string Intake::why_not_pressed(const InboxRow& row, const Account& account,
                                    const Access& access) const {
  if (string_or(row.event, "kind", "") != "callback") return {};
  if (access.verdict != Access::Verdict::kAllow) return {};
  const json::object config =
      account_config(*config_.current(), account.plan.channel, account.plan.account);
  return refused_press(button_scope(config),
                       string_or(object_of(row.event, "conversation"), "type", ""), access);
}

Awaitable<> Intake::tell_code(InboxRow row, std::shared_ptr<Account> account) {
  const json::object& sender = object_of(row.event, "sender");
  const std::string id = string_or(sender, "id", "");
  json::object meta{{"firstName", string_or(sender, "name", "")},
                    {"username", string_or(sender, "username", "")}};
  std::function<Result<PairingRequest>()> work = [dir = config_.paths().state_dir,
                                                  channel = account->plan.channel,
                                                  name = account->plan.account, id, meta] {
    return PairingStore(dir).request(channel, name, id, meta);
  };
  auto request = co_await run_blocking<PairingRequest>(runtime_, Limits::within(kFilesTime), work);
  if (request.has_error()) {
    spdlog::warn("channel {}: no pairing code for {}: {}", row.instance, id,
                 request.error().message);
    co_await finish(std::move(row), "pairing: " + request.error().message, {});
    co_return;
  }
  const std::string& code = request.value().code;
  spdlog::info("channel {}: {} asks to be paired; approve with: openclaw pairing approve {} {}",
               row.instance, id, account->plan.channel, code);
  OutboxRow told =
      reply(row, "pair:" + id + ":" + code,
            "This assistant does not know you yet.\n\nYour " + account->plan.traits.label +
                " id: `" + id + "`\nPairing code: `" + code +
                "`\n\nIts owner lets you in with:\n```\nopenclaw pairing approve " +
                account->plan.channel + " " + code + "\n```");
  // Once for each code, however often the stranger writes.
  told.idempotency_key = "pair:" + row.instance + ":" + id + ":" + code;
  std::vector<OutboxRow> replies;
  replies.push_back(std::move(told));
  co_await finish(std::move(row), "pairing", std::move(replies));
}

// By which id the configuration and the session know the row's conversation. One that its platform
// has moved goes by the id it had, until the configuration names the new one.
std::string Intake::known_id(const InboxRow& row, const Account& account) const {
  const json::object& conversation = object_of(row.event, "conversation");
  std::string id = string_or(conversation, "id", "");
  std::string former = string_or(conversation, "formerId", "");
  if (former.empty()) return id;
  const config::Snapshot config = config_.current();
  const json::object rules = account_config(*config, account.plan.channel, account.plan.account);
  return object_of(rules, "groups").contains(id) || names_peer(*config, id) ? id : former;
}

std::string Intake::agent_of(const InboxRow& row, const Account& account) const {
  const json::object& conversation = object_of(row.event, "conversation");
  const json::object& sender = object_of(row.event, "sender");
  RoutedPeer peer;
  peer.channel = account.plan.channel;
  peer.account = account.plan.account;
  peer.kind = string_or(conversation, "type", "");
  peer.id = peer.kind == "direct" ? string_or(sender, "id", "") : known_id(row, account);
  peer.thread_id = string_or(conversation, "threadId", "");
  peer.parent_id = string_or(conversation, "parentId", "");
  peer.space_id = string_or(conversation, "spaceId", "");
  peer.roles = ids_at(sender, "roles", peer.channel);
  return route_agent(*config_.current(), peer);
}

std::string Intake::session_of(const InboxRow& row, const Account& account) const {
  const config::Snapshot config = config_.current();
  const json::object& conversation = object_of(row.event, "conversation");
  const json::object& sender = object_of(row.event, "sender");
  session::Conversation where;
  where.channel = account.plan.channel;
  where.account = account.plan.account;
  where.type = string_or(conversation, "type", "");
  where.peer_id = string_or(sender, "id", "");
  where.peer_username = string_or(sender, "username", "");
  where.chat_id = known_id(row, account);
  where.thread_id = string_or(conversation, "threadId", "");
  return session::conversation_key(*config, agent_of(row, account), where);
}

Awaitable<> Intake::overtake(InboxRow row) {
  const auto account = accounts_.find(row.instance);
  if (!account) {
    co_await finish(std::move(row), "the account is no longer configured", {});
    co_return;
  }
  const Access access = co_await decide(row, account);
  const auto lane = lanes_.find(row.lane);
  const std::string key = session_of(row, *account);
  const bool busy = agents_.is_running(key) || (lane != lanes_.end() && !lane->second.rows.empty());
  const bool slash = string_or(row.event, "text", "").starts_with('/');
  if (access.verdict != Access::Verdict::kAllow || (!busy && !slash)) {
    // A stranger's word, or a plain word with nothing to stop: a message like others.
    enqueue(std::move(row));
    co_return;
  }
  // What waits behind the running turn was said before the stop, so it is stopped too.
  std::vector<InboxRow> dropped;
  bool first_stopped = false;
  if (lane != lanes_.end()) {
    std::deque<InboxRow>& rows = lane->second.rows;
    while (rows.size() > 1) dropped.push_back(take_second(rows));
    first_stopped = lane->second.run_id.empty() && !rows.empty();
    if (first_stopped) lane->second.stopped = rows.front().id;
  }
  co_await finish_parts(std::move(dropped), "stopped");
  const auto stopped = agents_.abort(key, "", "stop");
  std::vector<OutboxRow> replies;
  replies.push_back(
      reply(row, "stop", stopped.empty() && !first_stopped ? "Nothing is running." : "Stopped."));
  co_await finish(std::move(row), "stop word", std::move(replies));
}

}  // namespace openclaw::channel
