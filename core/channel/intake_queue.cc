// Messages that come close together, or while a turn of their conversation runs: what
// messages.inbound, messages.queue and /queue make of them. Rows that become one turn, or part of
// one, stay open on disk until it has ended, so that a crash loses none of them.
#include <algorithm>
#include <iterator>

#include <spdlog/spdlog.h>

#include "agent/fields.h"
#include "channel/intake.h"
#include "json_fields.h"

namespace openclaw::channel {
namespace {

using agent::QueueDrop;
using agent::QueueMode;
using std::chrono::milliseconds;

constexpr std::int64_t kMostBurstMs = 60'000;
constexpr std::int64_t kMostWaitMs = 15'000;  // for quiet, in a conversation that knows none
constexpr std::size_t kMostInABurst = 20;
constexpr std::size_t kShortBytes = 140;
constexpr std::size_t kMostShortLines = 50;

std::string sender_id_of(const InboxRow& row) {
  return text_of(object_of(row.event, "sender"), "id");
}

// Words to the model that no turn has read yet.
bool is_plain(const InboxRow& row) {
  const std::string text = text_of(row.event, "text");
  return row.state == InboxState::kQueued && text_of(row.event, "kind") == "message" &&
         !is_known_command(text) && !is_abort_word(text);
}

bool has_files(const InboxRow& row) {
  const json::value* files = row.event.if_contains("attachments");
  return files != nullptr && files->is_array() && !files->get_array().empty();
}

bool is_words_only(const InboxRow& row) {
  return is_plain(row) && !has_files(row) && text_of(row.event, "groupId").empty();
}

std::string short_line(const InboxRow& row) {
  std::string text = text_of(row.event, "text");
  std::replace(text.begin(), text.end(), '\n', ' ');
  const std::string_view start = agent::cut_utf8(text, kShortBytes);
  return "- " + std::string(start) + (start.size() < text.size() ? "…" : "");
}

// Instead of the words of the oldest of too many messages.
std::string short_text(const InboxRow& first, const std::vector<InboxRow>& others,
                       std::size_t count) {
  std::string out = "[" + std::to_string(count) + " earlier messages, shortened]\n";
  for (std::size_t i = 0; i < std::min(count, kMostShortLines); ++i)
    out += short_line(i == 0 ? first : others[i - 1]) + "\n";
  if (count > kMostShortLines)
    out += "- and " + std::to_string(count - kMostShortLines) + " more\n";
  return out;
}

}  // namespace

// Until no row that `counts` has come into the lane for `quiet_ms`, or `enough` of them wait. False
// when the gateway stops first: the rows wait on disk.
Awaitable<bool> Intake::wait_until_quiet(InboxRow first, std::int64_t quiet_ms, std::size_t enough,
                                         std::function<bool(const InboxRow&)> counts) {
  const std::int64_t until = store_.now() + std::max(kMostWaitMs, quiet_ms);
  while (true) {
    // What a restart cut off comes when the account is connected again.
    std::int64_t last = std::max(first.received_ms, started_ms_);
    std::size_t count = 0;
    for (const InboxRow& row : lanes_[first.lane].rows) {
      if (!counts(row)) continue;
      last = std::max(last, row.received_ms);
      ++count;
    }
    const std::int64_t pause = std::min(last + quiet_ms, until) - store_.now();
    if (count >= enough || pause <= 0) co_return true;
    Limits limits{Deadline::after(milliseconds(pause)), stopping_.signal()};
    if ((co_await sleep_until(runtime_, limits)).has_error()) co_return false;
  }
}

std::int64_t Intake::burst_quiet(const InboxRow& row, const Account& account) const {
  if (!is_words_only(row)) return 0;
  const config::Snapshot config = config_.current();
  const std::string key = "messages.inbound.";
  const std::int64_t all = config->get_int(key + "debounceMs", 0);
  return std::clamp<std::int64_t>(config->get_int(key + "byChannel." + account.plan.channel, all),
                                  0, kMostBurstMs);
}

// Makes `first` the whole of what its sender wrote in one go, and takes the rest out of its lane.
Awaitable<bool> Intake::take_burst(InboxRow& first, Admitted& admitted, std::int64_t quiet_ms) {
  const std::string sender = sender_id_of(first);
  std::function<bool(const InboxRow&)> same = [sender](const InboxRow& row) {
    return sender_id_of(row) == sender;
  };
  if (!co_await wait_until_quiet(first, quiet_ms, kMostInABurst, std::move(same))) co_return false;
  std::deque<InboxRow>& rows = lanes_[first.lane].rows;
  while (rows.size() > 1 && admitted.parts.size() + 1 < kMostInABurst && is_words_only(rows[1]) &&
         sender_id_of(rows[1]) == sender) {
    admitted.parts.push_back(take_second(rows));
    add_part(first.event, admitted.parts.back().event);
  }
  co_return true;
}

// What the process before had made one turn of.
std::vector<InboxRow> Intake::take_run(InboxRow& first) {
  std::vector<InboxRow> parts;
  std::deque<InboxRow>& rows = lanes_[first.lane].rows;
  for (auto it = rows.begin(); it != rows.end();) {
    const bool same = it->id != first.id && it->state == InboxState::kRunning &&
                      !first.run_id.empty() && it->run_id == first.run_id;
    if (!same) {
      ++it;
      continue;
    }
    add_part(first.event, it->event);
    parts.push_back(std::move(*it));
    it = rows.erase(it);
  }
  return parts;
}

bool Intake::same_rights(const Access& one, const Access& other) {
  return one.verdict == Access::Verdict::kAllow && other.verdict == Access::Verdict::kAllow &&
         one.is_owner == other.is_owner && one.may_command == other.may_command;
}

// How many of the first rows can be one turn: of one sender, with the same rights, since what a
// turn may do depends on whose it is. What is not for the agent between them ends here.
Awaitable<std::size_t> Intake::count_waiting(const InboxRow& row, const Admitted& admitted) {
  const std::string sender = sender_id_of(row);
  std::deque<InboxRow>& rows = lanes_[row.lane].rows;
  std::size_t count = 1;
  while (count < rows.size() && is_plain(rows[count]) && sender_id_of(rows[count]) == sender) {
    InboxRow next = rows[count];
    const Access access = co_await decide(next, admitted.account);
    if (count >= rows.size() || rows[count].id != next.id) break;  // stopped meanwhile
    if (access.verdict == Access::Verdict::kIgnore) {
      rows.erase(rows.begin() + static_cast<std::ptrdiff_t>(count));
      co_await finish(std::move(next), "ignored: " + access.reason, {});
      continue;
    }
    if (!same_rights(access, admitted.access)) break;
    ++count;
  }
  co_return count;
}

// `row` waited behind a turn: waits for quiet, and takes in what else waits and goes with it.
// False: there is no turn to be had now.
Awaitable<bool> Intake::take_waiting(InboxRow& row, Admitted& admitted) {
  if (!lanes_[row.lane].after_turn || !is_plain(row)) co_return true;
  std::string channel = admitted.account->plan.channel;
  const agent::QueueSettings queue =
      co_await agents_.queue_settings(admitted.session_key, std::move(channel));
  const auto cap = static_cast<std::size_t>(queue.cap);
  std::function<bool(const InboxRow&)> all = [](const InboxRow&) { return true; };
  if (!co_await wait_until_quiet(row, queue.debounce_ms, cap, std::move(all))) co_return false;
  const bool together = queue.mode == QueueMode::kCollect || queue.mode == QueueMode::kInterrupt;
  std::deque<InboxRow>& rows = lanes_[row.lane].rows;
  if (!together && rows.size() <= cap) co_return true;
  std::size_t count = co_await count_waiting(row, admitted);
  const std::size_t over = count > cap ? count - cap : 0;
  if (over > 0) {
    spdlog::warn("channel {}: {} messages wait in one conversation, more than messages.queue.cap",
                 row.instance, count);
  }
  if (over > 0 && queue.drop == QueueDrop::kOld) {
    co_await finish_parts(std::exchange(admitted.parts, {}), "dropped: too many waited");
    co_await finish(std::move(row), "dropped: too many waited", {});
    co_return false;
  }
  if (over > 0 && queue.drop == QueueDrop::kNew) {
    std::vector<InboxRow> newest;
    const auto end = rows.begin() + static_cast<std::ptrdiff_t>(count);
    std::move(end - static_cast<std::ptrdiff_t>(over), end, std::back_inserter(newest));
    rows.erase(end - static_cast<std::ptrdiff_t>(over), end);
    count -= over;
    co_await finish_parts(std::move(newest), "dropped: too many waited");
  }
  const std::size_t shortened = queue.drop == QueueDrop::kSummarize ? over : 0;
  join_waiting(row, admitted, together ? count : shortened + 1, shortened);
  co_return true;
}

// The first `count` rows of the lane become one, of which the first `shortened` are a line each.
void Intake::join_waiting(InboxRow& row, Admitted& admitted, std::size_t count,
                          std::size_t shortened) {
  std::deque<InboxRow>& rows = lanes_[row.lane].rows;
  std::vector<InboxRow> others;
  while (others.size() + 1 < count && rows.size() > 1) others.push_back(take_second(rows));
  if (shortened > 0) row.event["text"] = short_text(row, others, shortened);
  for (std::size_t i = 0; i < others.size(); ++i) {
    json::object part = others[i].event;
    if (i + 1 < shortened) part["text"] = "";
    add_part(row.event, part);
  }
  std::move(others.begin(), others.end(), std::back_inserter(admitted.parts));
}

// The running turn asks what it is to read before it goes on.
Awaitable<std::vector<agent::TurnRequest>> Intake::steer(std::shared_ptr<Steering> into) {
  std::vector<agent::TurnRequest> out;
  if (lanes_[into->lane].rows.size() < 2) co_return out;
  std::string channel = into->account->plan.channel;
  const agent::QueueSettings queue =
      co_await agents_.queue_settings(into->session_key, std::move(channel));
  const bool stays = queue.mode == QueueMode::kSteerBacklog;
  if (!stays && queue.mode != QueueMode::kSteer) co_return out;
  while (out.size() < static_cast<std::size_t>(queue.cap)) {
    const std::deque<InboxRow>& rows = lanes_[into->lane].rows;
    const auto found = std::find_if(rows.begin() + (rows.empty() ? 0 : 1), rows.end(),
                                    [&](const InboxRow& row) { return row.id > into->told; });
    if (found == rows.end()) break;
    InboxRow row = *found;
    if (!is_plain(row) || !text_of(row.event, "groupId").empty() ||
        sender_id_of(row) != into->sender) {
      break;
    }
    Admitted admitted;
    admitted.account = into->account;
    admitted.access = co_await decide(row, into->account);
    if (!same_rights(admitted.access, into->access) ||
        session_of(row, *into->account) != into->session_key)
      break;
    admitted.session_key = into->session_key;
    if (!stays && !co_await take_for(*into, row)) break;
    into->told = row.id;
    out.push_back(turn_request(row, admitted));
  }
  co_return out;
}

// On disk the row is begun before the turn has it: a restart then asks the transcript about it.
Awaitable<bool> Intake::take_for(Steering& into, InboxRow& row) {
  std::vector<std::int64_t> ids{row.id};
  std::vector<Heard> heard{heard_from(row.instance, row.event)};
  auto started = co_await store_.start_inbox(std::move(ids), run_id_of(row), std::move(heard));
  if (started.has_error()) {
    spdlog::error("channel {}: {}", row.instance, started.error().message);
    co_return false;
  }
  std::deque<InboxRow>& rows = lanes_[into.lane].rows;
  const auto found = std::find_if(rows.begin(), rows.end(),
                                  [&](const InboxRow& each) { return each.id == row.id; });
  if (found == rows.end()) co_return false;  // stopped meanwhile
  row = std::move(*found);
  rows.erase(found);
  into.taken.push_back(row);
  co_return true;
}

// A message came while a turn of its conversation runs.
Awaitable<> Intake::interrupt(InboxRow row, std::string run_id) {
  const auto account = accounts_.find(row.instance);
  if (!account || !is_plain(row)) co_return;
  const std::string key = session_of(row, *account);
  std::string channel = account->plan.channel;
  const agent::QueueSettings queue = co_await agents_.queue_settings(key, std::move(channel));
  if (queue.mode != QueueMode::kInterrupt) co_return;
  const Access access = co_await decide(row, account);
  if (access.verdict != Access::Verdict::kAllow) co_return;
  const auto lane = lanes_.find(row.lane);
  if (lane == lanes_.end() || lane->second.run_id != run_id) co_return;  // it has ended by itself
  (void)agents_.abort(key, run_id, "interrupt");
}

InboxRow Intake::take_second(std::deque<InboxRow>& rows) {
  InboxRow row = std::move(rows[1]);
  rows.erase(rows.begin() + 1);
  return row;
}

}  // namespace openclaw::channel
