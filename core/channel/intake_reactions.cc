// Reactions: what people put under messages starts no turn, and the agent reads it with the next
// one. Until that turn has ended the reaction's row stays open on disk, so a crash loses none.
#include <algorithm>

#include <spdlog/spdlog.h>

#include "channel/intake.h"
#include "json_fields.h"

namespace openclaw::channel {
namespace {

constexpr std::size_t kMostNotes = 500;  // of all conversations; beyond them the oldest are let go
constexpr std::size_t kMostNotesInATurn = 20;
constexpr std::size_t kMostNameBytes = 64;
constexpr std::size_t kMostEmojiBytes = 64;

// A name that ends no line and no bracket of ours.
std::string one_line(std::string_view text, std::size_t most) {
  std::string out;
  for (const char c : text) {
    const bool plain = static_cast<unsigned char>(c) >= 0x20 && c != '[' && c != ']';
    out += plain ? c : ' ';
  }
  if (out.size() <= most) return out;
  while (most > 0 && (static_cast<unsigned char>(out[most]) & 0xC0U) == 0x80U) --most;
  out.resize(most);
  return out;
}

std::string line_of(const json::object& event) {
  std::string name;
  if (const json::value* sender = event.if_contains("sender"); sender && sender->is_object())
    name = one_line(text_of(sender->get_object(), "name"), kMostNameBytes);
  return "[" + (name.empty() ? "Someone" : name) + " reacted with " +
         one_line(text_of(event, "emoji"), kMostEmojiBytes) + " to " +
         (flag_of(event, "toSelf") ? "your message " : "message ") +
         one_line(text_of(event, "messageId"), kMostNameBytes) + "]";
}

// Null when there is none.
const json::object* object_under(const json::object* in, std::string_view key) {
  const json::value* found = in == nullptr || key.empty() ? nullptr : in->if_contains(key);
  return found == nullptr ? nullptr : found->if_object();
}

// What the space says that the message lies in, by its own entry or the one for all others; else
// the account.
std::string mode_of(const json::object& config, const SpaceKeys& keys, const json::object& event) {
  const std::string of_account = string_or(config, "reactionNotifications", "own");
  const json::object* conversation = object_under(&event, "conversation");
  const std::string id = conversation == nullptr ? "" : text_of(*conversation, "spaceId");
  const json::object* spaces = id.empty() ? nullptr : object_under(&config, keys.spaces);
  const json::object* space = object_under(spaces, id);
  if (space == nullptr) space = object_under(spaces, "*");
  return space == nullptr ? of_account : string_or(*space, "reactionNotifications", of_account);
}

}  // namespace

Awaitable<> Intake::keep_reaction(InboxRow row, std::shared_ptr<Account> account) {
  const json::object config =
      account_config(*config_.current(), account->plan.channel, account->plan.account);
  const std::string mode = mode_of(config, account->plan.traits.spaces, row.event);
  const std::string message_id = text_of(row.event, "messageId");
  // Whom an "allowlist" has is for access to decide, as with "all".
  if ((mode != "own" && mode != "all" && mode != "allowlist") || message_id.empty()) {
    co_await finish(std::move(row), "ignored: reactionNotifications is \"" + mode + "\"", {});
    co_return;
  }
  // A platform may not say whose message it is, nor in which topic it stands; the outbox does.
  auto lane = co_await store_.lane_of_sent(row.instance, row.lane, message_id);
  if (lane.has_error()) spdlog::error("channel {}: {}", row.instance, lane.error().message);
  const bool own = lane.has_value() && !lane->empty();
  if (own) row.lane = *lane;
  if (mode == "own" && !own && !flag_of(row.event, "toSelf")) {
    co_await finish(std::move(row), "ignored: a reaction to somebody else's message", {});
    co_return;
  }
  if (own) row.event["toSelf"] = true;
  row.event["mentioned"] = true;  // it asks for nothing, so it need not be addressed
  const Access access = co_await decide(row, account);
  if (access.verdict != Access::Verdict::kAllow) {
    co_await finish(std::move(row), "denied: " + access.reason, {});
    co_return;
  }
  notes_.push_back(std::move(row));
  if (notes_.size() <= kMostNotes) co_return;
  InboxRow oldest = std::move(notes_.front());
  notes_.pop_front();
  co_await finish(std::move(oldest), "ignored: too many reactions wait", {});
}

// What waits for this message's turn. A command is no turn of the model, so it takes none.
std::vector<InboxRow> Intake::take_notes(const InboxRow& row) {
  std::vector<InboxRow> out;
  if (text_of(row.event, "text").starts_with('/')) return out;
  for (auto it = notes_.begin(); it != notes_.end() && out.size() < kMostNotesInATurn;) {
    if (it->lane != row.lane) {
      ++it;
      continue;
    }
    out.push_back(std::move(*it));
    it = notes_.erase(it);
  }
  return out;
}

std::string Intake::text_with_notes(std::string text, const std::vector<InboxRow>& notes) {
  std::string lines;
  for (const InboxRow& note : notes) lines += line_of(note.event) + "\n";
  return lines + text;
}

}  // namespace openclaw::channel
