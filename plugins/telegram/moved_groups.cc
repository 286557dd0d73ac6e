#include "moved_groups.h"

#include <boost/json.hpp>

#include "kept_value.h"

namespace telegram {
namespace {

namespace json = boost::json;
using openclaw::Flow;
using openclaw::Nothing;

constexpr std::size_t kMostGroups = 1000;

}  // namespace

Flow<Nothing> MovedGroups::load(std::int64_t bot) {
  key_ = "moved:" + std::to_string(bot);
  Flow<parts::KeptValue> reading = parts::read_kept(plugin_, key_);
  const parts::KeptValue kept = co_await std::move(reading);
  boost::system::error_code broken;
  const json::value known = json::parse(kept.status == OC_OK ? kept.value : "{}", broken);
  if (broken || !known.is_object()) co_return Nothing{};
  for (const auto& [former, now] : known.get_object()) {
    if (!now.is_string() || now_.size() >= kMostGroups) continue;
    now_[former] = now.get_string();
    former_[std::string(now.get_string())] = former;
  }
  co_return Nothing{};
}

void MovedGroups::note(const std::string& former, const std::string& now) {
  const auto known = now_.find(former);
  if (former == now || (known != now_.end() && known->second == now)) return;
  if (known == now_.end() && now_.size() >= kMostGroups) {
    plugin_.log().warn("more groups have moved than are remembered; the group " + former +
                       " is now " + now);
    return;
  }
  plugin_.log().info("the group " + former + " is now " + now +
                     "; it goes on under its old id until the configuration names the new one");
  now_[former] = now;
  former_[now] = former;
  if (key_.empty()) return;  // not before the bot is known
  json::object all;
  for (const auto& [before, after] : now_) all[before] = after;
  plugin_.kv().put(key_, json::serialize(all));
}

const std::string& MovedGroups::now(const std::string& id) const {
  const auto found = now_.find(id);
  return found == now_.end() ? id : found->second;
}

std::string MovedGroups::former(const std::string& id) const {
  const auto found = former_.find(id);
  return found == former_.end() ? std::string() : found->second;
}

}  // namespace telegram
