#include "channel/message_actions.h"

#include <utility>

#include "channel/access.h"
#include "channel/buttons.h"
#include "channel/intake.h"

namespace openclaw::channel {
namespace {

using Kind = MessageAction::Kind;

constexpr std::size_t kMaxText = 512 * 1024;
constexpr std::size_t kMaxId = 512;

// Empty: nothing is wrong with it.
std::string mistake_in(const MessageAction& action) {
  const bool has_text = action.kind == Kind::kSend || action.kind == Kind::kEdit;
  const std::size_t files = action.media.size() + action.brought.size();
  if (has_text && action.text.empty() && files == 0) return "text is required";
  if (files > kMostReplyFiles)
    return "one message has at most " + std::to_string(kMostReplyFiles) + " files";
  if (action.text.size() > kMaxText) return "the text is longer than 512 KiB";
  if (action.to.empty()) return "the conversation is required";
  if (action.kind != Kind::kSend && files > 0) return "files go with a new message: send";
  if (!has_text && !action.buttons.empty()) return "buttons belong to a message: send or edit";
  const bool names_one = action.kind != Kind::kSend && action.kind != Kind::kRead;
  if (names_one && action.message_id.empty()) return "messageId is required";
  if (action.kind == Kind::kRead && (action.limit < 1 || action.limit > kMostRead))
    return "limit is 1 to " + std::to_string(kMostRead);
  for (const auto* id : {&action.to, &action.thread_id, &action.message_id, &action.reply_to}) {
    if (id->size() > kMaxId) return "an id is longer than 512 bytes";
  }
  return {};
}

// Where the account's config lets a message have buttons; empty: anywhere.
Result<std::string> place_of_buttons(const AccountPlan& plan) {
  if (!plan.traits.buttons)
    return Error(Code::kInvalidArgument, "the channel " + plan.channel + " has no buttons");
  switch (button_scope(plan.config)) {
    case ButtonScope::kOff:
      return Error(Code::kFailedPrecondition,
                   "buttons are off for " + plan.channel + "; type: openclaw config set channels." +
                       plan.channel + ".capabilities.inlineButtons allowlist");
    case ButtonScope::kDirect:
      return std::string("direct");
    case ButtonScope::kGroup:
      return std::string("group");
    case ButtonScope::kAll:
    case ButtonScope::kAllowlist:
      break;
  }
  return std::string();
}

}  // namespace

Result<std::shared_ptr<Account>> MessageActions::account_for(const std::string& channel,
                                                             const std::string& account) const {
  std::shared_ptr<Account> named, only;
  bool known = false;
  std::size_t configured = 0;
  const std::string wanted = account.empty() ? "default" : account;
  for (const auto& each : accounts_.all()) {
    if (each->plan.channel != channel) continue;
    known = true;
    if (!each->plan.configured) continue;
    ++configured;
    only = each;
    if (each->plan.account == wanted) named = each;
  }
  if (named) return named;
  if (account.empty() && configured == 1) return only;
  if (!known) return Error(Code::kInvalidArgument, "unsupported channel: " + channel);
  return Error(Code::kFailedPrecondition, "channel " + channel + " has no account \"" + wanted +
                                              "\" that is configured; see: openclaw channels list");
}

Awaitable<Result<json::object>> MessageActions::put_out(std::string instance, MessageAction action,
                                                        std::string buttons_only_in,
                                                        Limits limits) {
  json::object conversation = target_conversation(action);
  OutboxRow row;
  row.instance = instance;
  row.lane = lane_of(instance, conversation);
  row.idempotency_key = "send:" + instance + ":" + action.idempotency_key;
  row.message = json::object{{"conversation", std::move(conversation)},
                             {"text", std::move(action.text)},
                             {"format", "markdown"}};
  if (action.kind == Kind::kEdit)
    row.message["replaces"] = json::object{{"messageId", action.message_id}};
  if (!action.reply_to.empty())
    row.message["replyTo"] = json::object{{"messageId", action.reply_to}};
  attach_paths(row.message, action.media, action.agent_id, action.session_key);
  if (!action.buttons.empty()) row.message["buttons"] = std::move(action.buttons);
  if (!buttons_only_in.empty()) row.message["buttonsOnlyIn"] = buttons_only_in;
  auto stored = co_await store_.add_outbox(std::move(row));
  if (stored.has_error()) co_return stored.error();
  co_return co_await delivery_.wait(std::move(stored.value()), limits);
}

Awaitable<Result<json::object>> MessageActions::act(MessageAction action, Limits limits) {
  if (auto mistake = mistake_in(action); !mistake.empty())
    co_return make_error(Code::kInvalidArgument, mistake);
  auto account = account_for(action.channel, action.account);
  if (account.has_error()) co_return account.error();
  if (action.kind == Kind::kRead)
    co_return co_await reader_.read(*account, std::move(action), limits);
  std::string instance = (*account)->plan.instance_id();
  if (action.kind == Kind::kSend || action.kind == Kind::kEdit) {
    std::string buttons_only_in;
    if (!action.buttons.empty()) {
      auto place = place_of_buttons((*account)->plan);
      if (place.has_error()) co_return place.error();
      buttons_only_in = std::move(*place);
    }
    if (!action.brought.empty()) {
      if (!(*account)->plan.traits.sends_files)
        co_return make_error(Code::kInvalidArgument,
                             "files cannot be sent on the channel " + action.channel);
      auto kept = co_await media_.keep(std::exchange(action.brought, {}), action.agent_id,
                                       action.session_key);
      if (kept.has_error()) co_return kept.error();
      for (std::string& path : kept.value()) action.media.push_back(std::move(path));
    }
    co_return co_await put_out(std::move(instance), std::move(action), std::move(buttons_only_in),
                               limits);
  }
  json::object payload{{"conversation", target_conversation(action)},
                       {"messageId", action.message_id}};
  const bool reaction = action.kind == Kind::kReact;
  if (reaction) {
    payload["emoji"] = action.emoji;
    if (action.emoji.empty()) payload["remove"] = true;
  }
  std::string slot = reaction ? "channel.react" : "channel.remove";
  std::string text = json::serialize(payload);
  auto answer = co_await accounts_.call(instance, std::move(slot), std::move(text), limits);
  if (answer.has_error()) co_return answer.error();
  if (!reaction) {
    auto forgotten = co_await store_.forget(
        std::move(instance), string_or(target_conversation(action), "id", ""), action.message_id);
    if (forgotten.has_error()) co_return forgotten.error();
  }
  co_return json::object{{"messageId", action.message_id}};
}

}  // namespace openclaw::channel
