#include "session_store.h"

#include <algorithm>

#include "kept_value.h"
#include "snowflake.h"

namespace discord {
namespace {

using openclaw::Flow;
using openclaw::Nothing;

constexpr std::size_t kMostRememberedChannels = 100;
constexpr std::size_t kMostBegun = 10;
constexpr std::int64_t kBetweenBeginsMs = 5'200;  // the service takes one in 5 s
constexpr std::int64_t kManyWithinMs = 10 * 60'000;
constexpr std::int64_t kBetweenManyMs = 120'000;  // 720 a day; the service allows 1000

}  // namespace

Flow<std::string> SessionStore::read(std::string key) {
  Flow<parts::KeptValue> reading = parts::read_kept(plugin_, key);
  const parts::KeptValue kept = co_await std::move(reading);
  if (kept.status != OC_OK && kept.status != OC_NOT_FOUND)
    plugin_.log().warn("\"" + key + "\" could not be read from the store; a new session is begun");
  co_return kept.status == OC_OK ? kept.value : std::string();
}

Flow<Nothing> SessionStore::write(std::string key, std::string value) {
  Flow<oc_status> keeping = parts::keep(plugin_, key, std::move(value));
  const oc_status status = co_await std::move(keeping);
  if (status != OC_OK && status != OC_CANCELLED)
    plugin_.log().warn("\"" + key + "\" could not be stored; a restart reads some messages twice");
  co_return Nothing{};
}

Flow<Nothing> SessionStore::load(std::string bot_id) {
  bot_id_ = std::move(bot_id);
  Flow<std::string> session = read("session:" + bot_id_);
  read_session(co_await std::move(session));
  Flow<std::string> channels = read("channels:" + bot_id_);
  read_channels(co_await std::move(channels));
  co_return Nothing{};
}

void SessionStore::read_session(const std::string& text) {
  const json::value value = parts::parsed(text);
  if (!value.is_object()) return;
  const json::object& object = value.get_object();
  session_.id = parts::text_in(object, "id");
  session_.resume_url = parts::text_in(object, "url");
  session_.seq = std::max<std::int64_t>(parts::int_in(object, "seq", 0), 0);
  session_.intents = static_cast<std::uint32_t>(parts::int_in(object, "intents", 0));
  session_.application_id = parts::text_in(object, "application");
  const json::array* begun = parts::array_in(object, "begun");
  for (const json::value& at : begun == nullptr ? json::array() : *begun) {
    if (at.is_int64() && begun_.size() < kMostBegun) begun_.push_back(at.get_int64());
  }
}

void SessionStore::read_channels(const std::string& text) {
  const json::value value = parts::parsed(text);
  if (!value.is_object()) return;
  for (const auto& [id, entry] : value.get_object()) {
    if (!entry.is_object() || last_seen_.size() >= kMostRememberedChannels) continue;
    const json::object& seen = entry.get_object();
    last_seen_[std::string(id)] = {std::string(parts::text_in(seen, "message")),
                                   std::string(parts::text_in(seen, "guild")),
                                   std::string(parts::text_in(seen, "parent"))};
  }
}

Flow<Nothing> SessionStore::save() {
  if (channels_changed_) {
    channels_changed_ = false;
    json::object out;
    for (const auto& [id, seen] : last_seen_)
      out[id] = json::object{
          {"message", seen.message_id}, {"guild", seen.guild_id}, {"parent", seen.parent_id}};
    Flow<Nothing> writing = write("channels:" + bot_id_, json::serialize(out));
    co_await std::move(writing);
  }
  if (session_changed_) {
    session_changed_ = false;
    json::array begun(begun_.begin(), begun_.end());
    const json::object out{{"id", session_.id},
                           {"url", session_.resume_url},
                           {"seq", session_.seq},
                           {"intents", session_.intents},
                           {"application", session_.application_id},
                           {"begun", std::move(begun)}};
    Flow<Nothing> writing = write("session:" + bot_id_, json::serialize(out));
    co_await std::move(writing);
  }
  co_return Nothing{};
}

void SessionStore::begin(Session session) {
  session_ = std::move(session);
  session_.seq = 0;
  session_changed_ = true;
}

void SessionStore::forget() {
  session_ = {};
  session_changed_ = true;
}

void SessionStore::commit(const std::string& session_id, std::int64_t seq) {
  if (session_id != session_.id || seq <= session_.seq) return;
  session_.seq = seq;
  session_changed_ = true;
}

void SessionStore::note_message(const std::string& channel_id, LastSeen seen) {
  const auto known = last_seen_.find(channel_id);
  if (known != last_seen_.end()) {
    if (snowflake(seen.message_id) <= snowflake(known->second.message_id)) return;
    known->second = std::move(seen);
  } else {
    if (last_seen_.size() >= kMostRememberedChannels) {
      last_seen_.erase(
          std::min_element(last_seen_.begin(), last_seen_.end(), [](const auto& a, const auto& b) {
            return snowflake(a.second.message_id) < snowflake(b.second.message_id);
          }));
    }
    last_seen_[channel_id] = std::move(seen);
  }
  channels_changed_ = true;
}

void SessionStore::forget_channel(const std::string& channel_id) {
  if (last_seen_.erase(channel_id) != 0) channels_changed_ = true;
}

std::int64_t SessionStore::next_begin_ms(std::int64_t now_ms) const {
  if (begun_.empty() || begun_.back() > now_ms) return now_ms;  // none, or the clock was set back
  const bool many = begun_.size() >= kMostBegun && begun_.front() + kManyWithinMs > now_ms;
  return std::max(now_ms, begun_.back() + (many ? kBetweenManyMs : kBetweenBeginsMs));
}

void SessionStore::note_begin(std::int64_t now_ms) {
  if (begun_.size() >= kMostBegun) begun_.erase(begun_.begin());
  begun_.push_back(now_ms);
  session_changed_ = true;
}

}  // namespace discord
