// Messages that a platform cut from one thing, such as the photos of an album, are one turn. The
// first one waits until no further part has come for a while; the rows of the parts stay open on
// disk until the turn has ended, so that a crash joins the same again and starts no second turn.
#include <algorithm>
#include <iterator>

#include "channel/intake.h"
#include "json_fields.h"

namespace openclaw::channel {
namespace {

constexpr std::int64_t kQuietMs = 1'000;  // channels.<id>.mediaGroupFlushMs
constexpr std::int64_t kMostQuietMs = 10'000;
constexpr std::size_t kMostParts = 20;

std::string sender_of(const json::object& event) {
  return text_of(object_of(event, "sender"), "id");
}

bool belongs_to(const InboxRow& part, const InboxRow& first) {
  return text_of(part.event, "kind") == "message" &&
         text_of(part.event, "groupId") == text_of(first.event, "groupId") &&
         sender_of(part.event) == sender_of(first.event);
}

}  // namespace

// Waits for the parts of its group, makes `first` the whole of them and takes the others out of its
// lane.
Awaitable<bool> Intake::take_parts(InboxRow& first, Admitted& admitted) {
  std::function<bool(const InboxRow&)> same = [first](const InboxRow& row) {
    return belongs_to(row, first);
  };
  const std::int64_t quiet_ms = quiet_of_groups(*admitted.account);
  if (!co_await wait_until_quiet(first, quiet_ms, kMostParts + 1, std::move(same))) co_return false;
  std::vector<InboxRow>& parts = admitted.parts;
  std::deque<InboxRow>& rows = lanes_[first.lane].rows;
  for (std::size_t i = 1; i < rows.size() && parts.size() < kMostParts;) {  // the first is `first`
    if (!belongs_to(rows[i], first)) {
      ++i;
      continue;
    }
    add_part(first.event, rows[i].event);
    parts.push_back(std::move(rows[i]));
    rows.erase(rows.begin() + static_cast<std::ptrdiff_t>(i));
  }
  co_return true;
}

// The whole has the words and files of all parts; it is for the bot when one of them is.
void Intake::add_part(json::object& whole, const json::object& part) {
  const std::string text = text_of(whole, "text"), more = text_of(part, "text");
  whole["text"] = text + (text.empty() || more.empty() ? "" : "\n") + more;
  if (flag_of(part, "mentioned")) whole["mentioned"] = true;
  if (!whole.contains("replyTo") && part.contains("replyTo")) whole["replyTo"] = part.at("replyTo");
  const json::value* files = part.if_contains("attachments");
  if (files == nullptr || !files->is_array()) return;
  json::value& all = whole["attachments"];
  if (!all.is_array()) all = json::array();
  for (const json::value& file : files->get_array()) all.get_array().push_back(file);
}

std::int64_t Intake::quiet_of_groups(const Account& account) const {
  const json::object config =
      account_config(*config_.current(), account.plan.channel, account.plan.account);
  return std::clamp<std::int64_t>(number_of(config, "mediaGroupFlushMs", kQuietMs), 0,
                                  kMostQuietMs);
}

// The parts end before their whole: should a crash come in between, it is the whole that goes on.
Awaitable<> Intake::finish_parts(std::vector<InboxRow> parts, std::string outcome) {
  for (InboxRow& part : parts) co_await finish(std::move(part), outcome, {});
}

}  // namespace openclaw::channel
