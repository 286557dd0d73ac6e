#include "pacer.h"

#include <algorithm>
#include <cmath>

namespace telegram {
namespace {

constexpr double kChatPerMs = 1.0 / 1000;
constexpr double kChatBurst = 3;
constexpr double kGroupPerMs = 18.0 / 60'000;
constexpr double kGroupBurst = 18;
constexpr std::uint64_t kTogetherMs = 5'000;
constexpr std::size_t kMostChats = 4096;
constexpr std::uint64_t kIdleMs = 120'000;

// Groups and channels have negative ids.
bool is_group(const std::string& chat) {
  return chat.starts_with('-');
}

}  // namespace

std::uint64_t Pacer::Bucket::wait(double per_ms, double most, std::uint64_t now_ms) {
  if (now_ms > at_ms) {
    tokens = std::min(most, tokens + static_cast<double>(now_ms - at_ms) * per_ms);
    at_ms = now_ms;
  }
  return tokens >= 1 ? 0 : static_cast<std::uint64_t>(std::ceil((1 - tokens) / per_ms));
}

Pacer::Chat& Pacer::chat_at(const std::string& chat, std::uint64_t now_ms) {
  const auto found = chats_.find(chat);
  if (found != chats_.end()) return found->second;
  if (chats_.size() >= kMostChats) forget_idle(now_ms);
  return chats_.emplace(chat, Chat{{kChatBurst, now_ms}, {kGroupBurst, now_ms}}).first->second;
}

// What was not written to for two minutes has full buckets again.
void Pacer::forget_idle(std::uint64_t now_ms) {
  std::erase_if(chats_, [now_ms](const auto& entry) {
    const Chat& c = entry.second;
    return c.seconds.at_ms + kIdleMs < now_ms && c.held_until <= now_ms;
  });
  if (chats_.size() >= kMostChats) chats_.erase(chats_.begin());
}

std::uint64_t Pacer::wait_ms(const std::string& chat, std::uint64_t now_ms) {
  Chat& c = chat_at(chat, now_ms);
  std::uint64_t wait = c.seconds.wait(kChatPerMs, kChatBurst, now_ms);
  if (is_group(chat)) wait = std::max(wait, c.minute.wait(kGroupPerMs, kGroupBurst, now_ms));
  const std::uint64_t until = std::max(c.held_until, all_held_until_);
  return until > now_ms ? std::max(wait, until - now_ms) : wait;
}

void Pacer::take(const std::string& chat, std::uint64_t now_ms) {
  Chat& c = chat_at(chat, now_ms);
  (void)c.seconds.wait(kChatPerMs, kChatBurst, now_ms);
  (void)c.minute.wait(kGroupPerMs, kGroupBurst, now_ms);
  c.seconds.tokens -= 1;
  c.minute.tokens -= 1;
}

void Pacer::answered(const std::string& chat, std::uint64_t now_ms) {
  Chat& c = chat_at(chat, now_ms);
  c.seconds.at_ms = std::max(c.seconds.at_ms, now_ms);
  c.minute.at_ms = std::max(c.minute.at_ms, now_ms);
}

void Pacer::hold(const std::string& chat, std::uint64_t for_ms, std::uint64_t now_ms) {
  const bool others = std::any_of(chats_.begin(), chats_.end(), [&](const auto& entry) {
    return entry.first != chat && entry.second.refused_at != 0 &&
           entry.second.refused_at + kTogetherMs > now_ms;
  });
  Chat& c = chat_at(chat, now_ms);
  c.refused_at = now_ms;
  c.held_until = std::max(c.held_until, now_ms + for_ms);
  if (others) all_held_until_ = std::max(all_held_until_, now_ms + for_ms);
}

bool Pacer::held(const std::string& chat, std::uint64_t now_ms) const {
  if (all_held_until_ > now_ms) return true;
  const auto found = chats_.find(chat);
  return found != chats_.end() && found->second.held_until > now_ms;
}

}  // namespace telegram
