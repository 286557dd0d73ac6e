// ChannelAcks: the inbound events of one channel instance whose ack is still due. Each ack function
// is called exactly once, on the plugin's thread, with OC_CANCELLED at the latest before destroy.
// [any-thread]
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <vector>

#include <openclaw/channel.h>

namespace openclaw::plugin {

inline constexpr std::size_t kMaxUnackedEvents = 256;

class ChannelAcks {
 public:
  struct Ack {
    oc_ack_fn fn;
    void* user;
  };
  // Absent when there are too many.
  std::optional<std::uint64_t> add(Ack ack) {
    const std::lock_guard lock(mutex_);
    if (acks_.size() >= kMaxUnackedEvents) return std::nullopt;
    acks_.emplace(++last_, ack);
    return last_;
  }
  // Absent when it was taken before.
  std::optional<Ack> take(std::uint64_t id) {
    const std::lock_guard lock(mutex_);
    const auto found = acks_.find(id);
    if (found == acks_.end()) return std::nullopt;
    const Ack ack = found->second;
    acks_.erase(found);
    return ack;
  }
  std::vector<Ack> take_all() {
    const std::lock_guard lock(mutex_);
    std::vector<Ack> all;
    for (const auto& [id, ack] : acks_) all.push_back(ack);
    acks_.clear();
    return all;
  }

 private:
  std::mutex mutex_;
  std::map<std::uint64_t, Ack> acks_;
  std::uint64_t last_ = 0;
};

}  // namespace openclaw::plugin
